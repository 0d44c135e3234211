import { isFault } from '../../../shared/contract/fault.ts'
import type { Progress } from '../../../shared/contract/progress.ts'
import type { Task } from '../../jobs/worker-host.ts'
import type { Failure, FromChild, ToChild } from './protocol.ts'

/** Gives the task of a name, loading its code on first use; null for unknown names. */
export type TaskLookup = (name: string) => Promise<Task<unknown, unknown>> | null

/** The child's end of the channel to its parent; over `process.send` or Electron's parent port. */
export interface ParentLink {
  send(message: FromChild): void
  onMessage(listener: (message: ToChild) => void): void
}

/** Progress is passed on at most this often; the last one of a task always is. A terminal or a window repaints slower. */
const progressIntervalMs = 50

/**
 * Runs tasks for the parent until it says `close`. One task at a time; an abort raises the signal of the running one.
 * @param exit ends the process
 */
export function serveTasks(link: ParentLink, lookup: TaskLookup, exit: () => void): void {
  let running: { id: number; abort: AbortController } | null = null

  const run = async (id: number, name: string, input: unknown): Promise<void> => {
    const abort = new AbortController()
    running = { id, abort }
    link.send({ kind: 'begun', id })
    const progress = throttled((value) => link.send({ kind: 'progress', id, progress: value }))
    try {
      const task = await lookup(name)
      if (task === null) throw new Error(`no task is named ${name}`)
      const output = await task(input, {
        signal: abort.signal,
        onProgress: progress.push,
        onLog: (level, message) => link.send({ kind: 'log', id, level, message }),
        onPartial: (partial) => link.send({ kind: 'partial', id, partial }),
      })
      progress.flush()
      link.send({ kind: 'done', id, output })
    } catch (error) {
      if (abort.signal.aborted) link.send({ kind: 'aborted', id })
      else link.send({ kind: 'failed', id, failure: failureOf(error) })
    } finally {
      running = null
    }
  }

  link.onMessage((message) => {
    switch (message.kind) {
      case 'run':
        void run(message.id, message.task, message.input)
        break
      case 'abort':
        if (running?.id === message.id) running.abort.abort()
        break
      case 'close':
        exit()
    }
  })
  link.send({ kind: 'ready' })
}

function failureOf(error: unknown): Failure {
  if (isFault(error)) return { kind: 'fault', fault: error.toJSON() }
  if (error instanceof Error) return { kind: 'bug', message: error.message, stack: error.stack ?? '' }
  return { kind: 'bug', message: String(error), stack: '' }
}

function throttled(send: (progress: Progress) => void): { push: (progress: Progress) => void; flush: () => void } {
  let last = -Infinity
  let waiting: Progress | null = null
  return {
    push: (progress) => {
      const now = performance.now()
      waiting = progress
      if (now - last < progressIntervalMs && progress.done !== progress.total) return
      last = now
      waiting = null
      send(progress)
    },
    flush: () => {
      if (waiting !== null) send(waiting)
    },
  }
}
