import childProcess, { type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Preloaded (`node --import`) into a process under test: notes in the file QUANTBENCH_TAP what that process hands to its workers and what
 * comes back, a line each: `begun PID TASK`, `ended PID`, `exit PID`. What is written stays when the process is killed.
 */
const log = fs.openSync(process.env['QUANTBENCH_TAP']!, 'a')
const note = (line: string): void => void fs.writeSync(log, `${line}\n`)
const fork = childProcess.fork

childProcess.fork = ((...args: Parameters<typeof fork>): ChildProcess => {
  const child = fork(...args)
  const send = child.send.bind(child) as (...rest: unknown[]) => boolean
  child.send = (message: { kind?: string; task?: string }, ...rest: unknown[]) => {
    if (message.kind === 'run') note(`begun ${child.pid} ${message.task}`)
    return send(message, ...rest)
  }
  child.on('message', ({ kind }: { kind?: string }) => {
    if (kind === 'done' || kind === 'failed' || kind === 'aborted') note(`ended ${child.pid}`)
  })
  child.on('exit', () => note(`exit ${child.pid}`))
  return child
}) as typeof fork
syncBuiltinESMExports()
