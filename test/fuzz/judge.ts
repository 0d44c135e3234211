import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import type { Worker, WorkerHost } from '../../src/main/jobs/worker-host.ts'
import type { Answer } from './child.ts'
import { outcomeOf } from './examine.ts'
import type { Outcome } from './examine.ts'

/** Longest time an answer may take (the bound). */
export const limitMs = 5000

/** A mutant's verdict: what came of it, and after how long. */
export interface Verdict {
  readonly outcome: Outcome
  readonly ms: number
  /** most memory the process has held so far; 0 where it is not known */
  readonly peakMiB: number
}

/** A way to open mutants in another process; one at a time. */
export interface Judge {
  judge(mutant: { readonly index: number; readonly seed: number; readonly bytes: Uint8Array }): Promise<Verdict>
  close(): Promise<void>
}

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url))

/** Opens mutants without the engine (`examine`) in a process with a heap of 512 MiB. */
export class PureJudge implements Judge {
  #child: ChildProcess | null = null

  async judge({ index, seed }: { index: number; seed: number }): Promise<Verdict> {
    const child = (this.#child ??= await startChild())
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    const start = performance.now()
    const bug = (stack: string): void =>
      resolve({ outcome: { kind: 'bug', stack }, ms: performance.now() - start, peakMiB: 0 })
    const onMessage = ({ outcome, ms, peakMiB }: Answer): void => resolve({ outcome, ms, peakMiB })
    const onExit = (code: number | null, signal: string | null): void => bug(`the process ended (${signal ?? code})`)
    const timer = setTimeout(() => bug(`no answer within ${limitMs} ms`), limitMs)
    child.once('message', onMessage).once('exit', onExit)
    child.send({ index, seed })
    const verdict = await promise
    clearTimeout(timer)
    child.off('message', onMessage).off('exit', onExit)
    if (verdict.outcome.kind === 'bug') await this.close()
    return verdict
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGKILL')
    this.#child = null
    await Promise.resolve()
  }
}

async function startChild(): Promise<ChildProcess> {
  const child = fork(childFile, { execArgv: ['--max-old-space-size=512'], env: { ...process.env, NODE_OPTIONS: '' } })
  await new Promise((resolve) => child.once('message', resolve))
  return child
}

/** Opens mutants as the product does: in a worker, with the engine, by the task `inspect`. A crash of the engine must be a fault. */
export class EngineJudge implements Judge {
  readonly #host: WorkerHost = createNodeWorkerHost({ heapMiB: 512 })
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-fuzz-'))
  #worker: Worker | null = null

  async judge({ bytes }: { bytes: Uint8Array }): Promise<Verdict> {
    const file = path.join(this.#folder, 'mutant.onnx')
    fs.writeFileSync(file, bytes)
    const worker = (this.#worker ??= await this.#host.start())
    const stop = new AbortController()
    const start = performance.now()
    const timer = setTimeout(() => stop.abort(new Error(`no answer within ${limitMs} ms`)), limitMs)
    const outcome = await worker.run('inspect', { path: file }, { signal: stop.signal }).then(
      (): Outcome => ({ kind: 'model' }),
      (error: unknown) => outcomeOf(error),
    )
    clearTimeout(timer)
    const peakMiB = peakOf(worker.pid)
    if (!worker.alive) this.#worker = null
    return { outcome, ms: performance.now() - start, peakMiB }
  }

  async close(): Promise<void> {
    await this.#host.closeAll()
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** VmHWM of a living process, where the system tells it. */
function peakOf(pid: number): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line ? Number(line[1]) / 1024 : 0
  } catch {
    return 0
  }
}
