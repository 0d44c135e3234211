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
      while (gate !== null) await Promise.race([gate.promise, aborted(signal)])
      signal.throwIfAborted()
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
