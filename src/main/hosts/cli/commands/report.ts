import type { Command } from 'commander'
import { writeTextFile } from '../../../jobs/atomic-file.ts'
import { reportHtml } from '../../../jobs/report/html.ts'
import { reportOfRuns } from '../../../jobs/report/of-runs.ts'
import type { Host } from '../host.ts'

interface ReportFlags {
  output?: string
  title?: string
  force?: boolean
}

/** `report RUN…`: runs of the store as one HTML page that needs nothing else. */
export function addReportCommand(program: Command, host: Host): void {
  program
    .command('report <run...>')
    .description('write an HTML page about one or more runs, compared with the float model')
    .option('-o, --output <file>', 'the page to write (RUN.html)')
    .option('--title <text>', 'what stands at its top')
    .option('--force', 'replace an existing page')
    .action(
      host.action(async ({ store, environment, now }, flags: ReportFlags, ids: readonly string[]) => {
        const runs = ids.map((id) => store.runs.get(id))
        const output = flags.output ?? `${runs[0]!.id}.html`
        const html = reportHtml(reportOfRuns(runs, environment, now(), flags.title))
        await writeTextFile(output, html, { force: flags.force ?? false })
        host.print({ runs: runs.map(({ id }) => id), output }, () => `written: ${output}`)
      }),
    )
}
