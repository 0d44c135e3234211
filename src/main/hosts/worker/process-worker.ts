import { Fault } from '../../../shared/contract/fault.ts'
import type { TaskOptions, Worker } from '../../jobs/worker-host.ts'
import { crashFault, type Ending } from './crash.ts'
import type { Failure, FromChild, ToChild } from './protocol.ts'

/** One child process as its parent holds it; `child_process` and `utilityProcess` each have an adapter. */
export interface ChildLink {
  readonly pid: number
  send(message: ToChild): void
  onMessage(listener: (message: FromChild) => void): void
  /** called once, when the child has ended and its output is read */
  onEnd(listener: (ending: Ending) => void): void
  kill(): void
  /** keeps the parent alive while true; an idle child must not hold it */
  hold(busy: boolean): void
}

/** Time a child gets to stop by itself, after an abort or a close. Source: DESIGN section 2, jobs/worker-host.ts. */
const graceMs = 2000

/** Time a child gets to start; loading takes about 0.2 s, a loaded machine some seconds. */
const startMs = 30_000

interface Current {
  readonly id: number
  readonly task: string
  readonly options: TaskOptions
  /** the child has said that it received the task */
  begun: boolean
  readonly resolve: (output: unknown) => void
  readonly reject: (error: unknown) => void
  readonly cleanup: () => void
}

/** A worker over any kind of child process: request and answer, abort with a bounded wait, crash as a fault. */
export class ProcessWorker implements Worker {
  readonly #link: ChildLink
  readonly #started = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #current: Current | null = null
  #tasks = 0
  #alive = true
  #ending: Ending | null = null

  private constructor(link: ChildLink) {
    this.#link = link
    this.#started.promise.catch(() => {})
    link.onMessage((message) => this.#receive(message))
    link.onEnd((ending) => this.#end(ending))
  }

  /**
   * Waits until the child is ready.
   * @throws Fault engine.crashed when it ends before, or does not come up within 30 s
   */
  static async start(link: ChildLink): Promise<ProcessWorker> {
    const worker = new ProcessWorker(link)
    link.hold(true)
    const timer = setTimeout(() => link.kill(), startMs)
    try {
      await worker.#started.promise
    } finally {
      clearTimeout(timer)
    }
    link.hold(false)
    return worker
  }

  get pid(): number {
    return this.#link.pid
  }

  get alive(): boolean {
    return this.#alive
  }

  run<Input, Output>(task: string, input: Input, options: TaskOptions = {}): Promise<Output> {
    if (this.#current) throw new Error(`worker ${this.pid} is busy with ${this.#current.task}`)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (options.signal?.aborted || !this.#alive) {
      reject(options.signal?.aborted ? options.signal.reason : crashFault(task, this.#ending, false))
      return promise as Promise<Output>
    }
    const id = ++this.#tasks
    this.#current = { id, task, options, begun: false, resolve, reject, cleanup: this.#watchAbort(id, options.signal) }
    this.#link.hold(true)
    this.#link.send({ kind: 'run', id, task, input })
    return promise as Promise<Output>
  }

  async close(): Promise<void> {
    if (this.#ending) return
    this.#alive = false
    this.#link.send({ kind: 'close' })
    this.#link.hold(true)
    const timer = setTimeout(() => this.#link.kill(), graceMs)
    await this.#ended.promise
    clearTimeout(timer)
  }

  /** Asks on abort, kills when the child has not answered in time; gives the function that ends the watch. */
  #watchAbort(id: number, signal: AbortSignal | undefined): () => void {
    if (!signal) return () => {}
    let timer: NodeJS.Timeout | undefined
    const onAbort = (): void => {
      this.#link.send({ kind: 'abort', id })
      timer = setTimeout(() => this.#link.kill(), graceMs)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return () => {
      signal.removeEventListener('abort', onAbort)
      clearTimeout(timer)
    }
  }

  #receive(message: FromChild): void {
    if (message.kind === 'ready') return this.#started.resolve()
    const current = this.#current
    if (current === null || message.id !== current.id) return
    switch (message.kind) {
      case 'begun':
        current.begun = true
        break
      case 'progress':
        current.options.onProgress?.(message.progress)
        break
      case 'log':
        current.options.onLog?.(message.level, message.message)
        break
      case 'partial':
        current.options.onPartial?.(message.partial)
        break
      case 'done':
        this.#settle(() => current.resolve(message.output))
        break
      case 'failed':
        this.#settle(() => current.reject(errorOf(message.failure)))
        break
      case 'aborted':
        this.#settle(() => current.reject(new Error('aborted without a signal')))
    }
  }

  #end(ending: Ending): void {
    this.#alive = false
    this.#ending = ending
    this.#started.reject(crashFault('start', ending, false))
    const current = this.#current
    if (current) this.#settle(() => current.reject(crashFault(current.task, ending, current.begun)))
    this.#ended.resolve()
  }

  /** Once aborted, the signal's reason is the answer whatever the child still said. */
  #settle(answer: () => void): void {
    const current = this.#current!
    this.#current = null
    current.cleanup()
    this.#link.hold(false)
    const { signal } = current.options
    if (signal?.aborted) current.reject(signal.reason)
    else answer()
  }
}

function errorOf(failure: Failure): Error {
  if (failure.kind === 'fault') return Fault.fromJSON(failure.fault)
  const error = new Error(failure.message)
  error.stack = failure.stack
  return error
}
