import { join, resolve } from 'node:path'
import { Argument, type Command } from 'commander'
import { OFFICIAL_SETS, officialSet } from '../../../data/official-sets.ts'
import type { PulledSet } from '../../../jobs/pull-data.ts'
import type { PullDataInput } from '../../../jobs/tasks/pull-data.ts'
import type { Host } from '../host.ts'
import { defaultHome } from '../home.ts'
import { webFolder } from '../parse.ts'
import { formatBytes, formatTable } from '../table.ts'

interface PullFlags {
  to?: string
  mirror?: string
}

/** `data list`, `data pull NAME`: official data sets. */
export function addDataCommand(program: Command, host: Host): void {
  const data = program.command('data').description('official data sets')
  data
    .command('list')
    .description('what can be fetched, from where')
    .action(
      host.action(() => {
        host.print({ sets: OFFICIAL_SETS.map(({ unpack: _, ...set }) => set) }, listText)
      }),
    )
  data
    .command('pull')
    .description('fetch a data set from its official source, verified by SHA-256; goes on where it was interrupted')
    .addArgument(new Argument('<name>').choices(OFFICIAL_SETS.map(({ name }) => name)))
    .option('--to <dir>', 'folder for the data (data/NAME in the home folder)')
    .option('--mirror <url>', 'an address that has the files under their names, asked first', webFolder)
    .action(
      host.action(async (services, flags: PullFlags, name: string) => {
        const folder = resolve(flags.to ?? join(program.opts<{ home?: string }>().home ?? defaultHome(), 'data', name))
        const input: PullDataInput = { name, folder, mirror: flags.mirror ?? null, now: services.now() }
        const { pool, signal, onProgress, onLog } = services
        const pulled = await pool.run<PullDataInput, PulledSet>('pullData', input, { signal, onProgress, onLog })
        const { kind, terms } = officialSet(name)
        const spec = `${kind}:${folder}`
        host.print({ name, data: spec, ...pulled }, () => pullText(name, spec, terms, pulled))
      }),
    )
}

function pullText(name: string, spec: string, terms: string, { isNew, sizeBytes }: PulledSet): string {
  return [
    isNew ? `${name}: ${formatBytes(sizeBytes)}, verified.` : `${name} is there already (${formatBytes(sizeBytes)}).`,
    `Use it as --data ${spec}`,
    ...(isNew ? [`Terms: ${terms}`] : []),
  ].join('\n')
}

function listText(): string {
  const columns = [
    { title: 'name' },
    { title: 'what' },
    { title: 'download', align: 'right' as const },
    { title: '--data' },
    { title: 'source' },
  ]
  const rows = OFFICIAL_SETS.map(({ name, title, files, kind, sources }) => [
    name,
    title,
    formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0)),
    `${kind}:DIR`,
    new URL(sources[0]!).host,
  ])
  return formatTable(columns, rows)
}
