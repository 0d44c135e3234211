import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { TrainBatch } from '../../../training/measure.ts'
import type { BatchMaker, BatchPlan, BatchSeries } from './batch-maker.ts'
import type { FromReader, ReaderFailure, ToReader } from './reader-protocol.ts'

/**
 * The batches of a plan, made in a thread of their own, a few ahead of the one in use. The order is that of `createBatchMaker`.
 * @throws Fault data.* where the data cannot be opened
 */
export async function openReader(plan: BatchPlan): Promise<BatchMaker> {
  // the process's own flags (heap size, exposed collector) are not the thread's
  const reader = new Reader(new Worker(threadFile(), { workerData: plan, execArgv: [] }))
  try {
    await reader.ready
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** `reader-thread.ts` beside this file when running from source, else the bundle `reader.js`, beside or one folder up from a chunk. */
function threadFile(): string {
  const names = import.meta.url.endsWith('.ts') ? ['./reader-thread.ts'] : ['./reader.js', '../reader.js']
  const paths = names.map((name) => fileURLToPath(new URL(name, import.meta.url)))
  const file = paths.find((path) => existsSync(path))
  if (file === undefined) throw new Error(`the file of the reading thread is missing: ${paths.join(' or ')}`)
  return file
}

type Answer = Extract<FromReader, { kind: 'batch' | 'end' }>

class Reader implements BatchMaker {
  readonly ready: Promise<void>
  labelRange: readonly [number, number] | null = null
  readonly #thread: Worker
  readonly #opened = Promise.withResolvers<void>()
  #id = 0
  #answers: Answer[] = []
  /** why nothing more will come */
  #failure: Error | null = null
  #wake: (() => void) | null = null

  constructor(thread: Worker) {
    this.#thread = thread
    this.ready = this.#opened.promise
    this.ready.catch(() => undefined)
    thread.on('message', (message: FromReader) => this.#receive(message))
    thread.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))))
    thread.on('exit', (code) => this.#fail(new Error(`the reading thread ended with code ${code}`)))
  }

  async *read(series: BatchSeries, signal: AbortSignal): AsyncGenerator<TrainBatch, void, void> {
    const id = ++this.#id
    this.#answers = []
    this.#post({ kind: 'start', id, series })
    const stopWaiting = (): void => this.#wakeUp()
    signal.addEventListener('abort', stopWaiting)
    try {
      for (;;) {
        const answer = await this.#next(signal)
        if (answer.kind === 'end') return
        this.#post({ kind: 'more', id })
        yield answer.batch
      }
    } finally {
      signal.removeEventListener('abort', stopWaiting)
      this.#post({ kind: 'stop', id })
    }
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }

  async #next(signal: AbortSignal): Promise<Answer> {
    for (;;) {
      signal.throwIfAborted()
      const answer = this.#answers.shift()
      if (answer) return answer
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #receive(message: FromReader): void {
    if (message.kind === 'ready') {
      this.labelRange = message.labelRange
      this.#opened.resolve()
    } else if (message.kind === 'failed') this.#fail(errorOf(message.failure))
    else if (message.id === this.#id) this.#answers.push(message)
    this.#wakeUp()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#opened.reject(error)
    this.#wakeUp()
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = null
  }

  #post(message: ToReader): void {
    this.#thread.postMessage(message)
  }
}

function errorOf(failure: ReaderFailure): Error {
  if (failure.kind === 'fault') return Fault.fromJSON(failure.fault)
  const error = new Error(failure.message)
  error.stack = failure.stack
  return error
}
