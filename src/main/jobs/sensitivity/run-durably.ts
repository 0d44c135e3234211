import { isFault } from '../../../shared/contract/fault.ts'
import type { Seat } from '../pool.ts'
import type { Services } from '../services.ts'

/** Workers that may die one after another, with nothing done between, before the job gives up: more than chance or an impatient user brings about. */
const MOST_CRASHES = 5

/** Runs a task that may safely run twice, again on a new worker when its worker dies, but for want of memory. @throws as the pool */
export function runDurably<Input, Output>(services: Services, task: string, input: Input): Promise<Output> {
  return durably(services, () => services.pool.run<Input, Output>(task, input, { signal: services.signal }))
}

/**
 * Runs a chain of tasks bound to one worker, the rest of the chain on another when the worker dies, but for want of memory.
 * @param work does what it has not done before
 * @param done how much the job has done
 * @throws as the pool
 */
export function runSeated(services: Services, work: (seat: Seat) => Promise<void>, done: () => number): Promise<void> {
  return durably(services, () => work({ worker: null }), done)
}

async function durably<T>({ onLog }: Services, work: () => Promise<T>, done = () => 0): Promise<T> {
  let [crashes, before] = [0, done()]
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const now = done()
      crashes = now > before ? 1 : crashes + 1
      before = now
      const isCrash = isFault(error) && error.code === 'engine.crashed' && error.data['outOfMemory'] !== true
      if (!isCrash || crashes >= MOST_CRASHES) throw error
      onLog('warning', `${error.message} What it was doing is done once more.`)
    }
  }
}
