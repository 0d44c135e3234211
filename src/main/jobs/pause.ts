import type { WorkerPool } from './pool.ts'
import type { Services } from './services.ts'

/** Holds a long job between two steps. A window's button and a test use it alike. */
export interface Pause {
  readonly isPaused: boolean
  pause(): void
  resume(): void
  /** Resolves at once, or once the job is resumed. @throws the signal's reason when aborted meanwhile */
  wait(signal: AbortSignal): Promise<void>
}

/** A pause that is not in force. */
export function createPause(): Pause {
  let gate: PromiseWithResolvers<void> | null = null
  return {
    get isPaused() {
      return gate !== null
    },
    pause: () => {
      gate ??= Promise.withResolvers<void>()
    },
    resume: () => {
      gate?.resolve()
      gate = null
    },
    wait: async (signal) => {
      signal.throwIfAborted()
      while (gate !== null) await resumedOrAborted(gate.promise, signal)
    },
  }
}

/** @throws the signal's reason when it is raised first */
async function resumedOrAborted(resumed: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([resumed, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Services whose pool begins no task while the job is paused; tasks under way end. */
export function pausable(services: Services, pause: Pause | undefined): Services {
  if (pause === undefined) return services
  const { pool, signal } = services
  const gated: WorkerPool = {
    size: pool.size,
    run: async (task, input, options) => {
      await pause.wait(options?.signal ?? signal)
      return pool.run(task, input, options)
    },
    map: async (task, inputs, options) => {
      await pause.wait(options?.signal ?? signal)
      return pool.map(task, inputs, options)
    },
    close: () => pool.close(),
  }
  return { ...services, pool: gated }
}
