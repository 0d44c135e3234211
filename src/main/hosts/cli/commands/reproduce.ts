import type { Command } from 'commander'
import {
  DEFAULT_OUTPUT,
  recipesIn,
  reproduceCommand,
  reproduceJson,
  runReproduction,
  tableNames,
} from '../../../jobs/reproduce-run.ts'
import { resourcePath } from '../../resources.ts'
import type { Host } from '../host.ts'

interface ReproduceFlags {
  dataRoot?: string
  quick?: boolean
  out: string
}

/** `reproduce NAME --data-root DIR`. */
export function addReproduceCommand(program: Command, host: Host): void {
  const names = tableNames()
  program
    .command('reproduce <table>')
    .description(`measure a classic table beside its published values: ${names.map(({ name }) => name).join(', ')}`)
    .option('--data-root <dir>', 'folder that holds mnist/, fashion-mnist/, cifar10/, imagenette/ where present')
    .option('--quick', 'fewer images and epochs, which the output says')
    .option('--out <dir>', 'folder for TABLE.md, TABLE.csv and TABLE.svg', DEFAULT_OUTPUT)
    .action(
      host.action(async (services, { dataRoot, quick = false, out }: ReproduceFlags, name: string) => {
        const command = reproduceCommand({ name, quick })
        const { run, value } = await runReproduction(
          { name, dataRoot: dataRoot ?? null, quick, output: out, command },
          recipesIn(resourcePath('recipes')),
          services,
        )
        const { markdown, files } = value
        host.print(
          reproduceJson(run, value),
          () => `${markdown}\nrun ${run}\n${[files.markdown, files.csv, files.svg].join('\n')}`,
        )
      }),
    )
}
