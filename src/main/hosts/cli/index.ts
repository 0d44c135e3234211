import { Command } from 'commander'
import { PRODUCT } from '../../../shared/contract/product.ts'
import { COMMANDS } from './commands/registry.ts'
import { Host } from './host.ts'
import { count } from './parse.ts'

/** The command line: `quantbench <command> …` (DESIGN section 8). */
function createProgram(host: Host): Command {
  const program = new Command('quantbench')
    .description('Hybrid quantization of neural networks, measured.')
    .version(PRODUCT.version)
    .option('--json', 'print the result as one JSON document')
    .option('--home <dir>', 'folder of the store')
    .option('--workers <n>', 'worker processes at a time', count)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows what can be said)')
  for (const add of COMMANDS) add(program, host)
  return program
}

const host = new Host()
process.on('SIGINT', () => host.interrupt())
process.on('SIGTERM', () => host.interrupt())
// A reader that closes early (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.exitCode = await host.run(createProgram(host), process.argv)
