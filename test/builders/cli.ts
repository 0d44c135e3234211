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

/** Runs the command line from source as a process of its own. `onStderr` sees all its lines as they come, and may interrupt it, once: a second Ctrl-C would end it at once. */
export function runCli(
  args: readonly string[],
  options: { readonly onStderr?: (text: string, interrupt: () => void) => void } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  let isInterrupted = false
  const interrupt = (): void => {
    if (!isInterrupted) child.kill('SIGINT')
    isInterrupted = true
  }
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    options.onStderr?.(stderr, interrupt)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
}
