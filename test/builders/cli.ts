import { spawn } from 'node:child_process'
import path from 'node:path'

export interface CliResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line's source. */
export const CLI_ENTRY = path.resolve(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
export const SAMPLE = path.resolve(import.meta.dirname, '../../resources/sample/digits-cnn.onnx')

/** Runs the command line from source as a process of its own. `onStderr` sees its lines as they come. */
export function runCli(
  args: readonly string[],
  options: { readonly onStderr?: (text: string, interrupt: () => void) => void } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    options.onStderr?.(stderr, () => child.kill('SIGINT'))
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
}
