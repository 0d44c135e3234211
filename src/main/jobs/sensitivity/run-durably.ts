import { isFault } from '../../../shared/contract/fault.ts'
import type { Services } from '../services.ts'

/** Workers that may die under one task before the job gives up: more than chance or an impatient user brings about. */
const MOST_CRASHES = 5

/** Runs a task that may safely run twice, again on a new worker when its worker dies, but for want of memory. @throws as the pool */
export async function runDurably<Input, Output>(services: Services, task: string, input: Input): Promise<Output> {
  for (let crashes = 0; ;) {
    try {
      return await services.pool.run<Input, Output>(task, input, { signal: services.signal })
    } catch (error) {
      const isCrash = isFault(error) && error.code === 'engine.crashed' && error.data['outOfMemory'] !== true
      if (!isCrash || ++crashes >= MOST_CRASHES) throw error
      services.onLog('warning', `${error.message} What it was doing is done once more.`)
    }
  }
}
