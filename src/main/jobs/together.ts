/**
 * Runs several works at once. The first failure raises the signal that the others were handed, and is thrown once all have ended: nobody
 * writes any more into a folder that is about to be removed.
 * @returns results in the order of the works
 */
export async function together<T>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
): Promise<T[]> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const failures: unknown[] = []
  const outcomes = works.map(async (work) => {
    try {
      return await work(both)
    } catch (error) {
      failures.push(error)
      stop.abort(error)
      return undefined
    }
  })
  const results = await Promise.all(outcomes)
  if (failures.length > 0) throw failures[0]
  return results as T[]
}

/** Room for a number of works at a time. After the first failure none begins any more: those that wait fail likewise. */
export class Slots {
  readonly #waiting: (() => void)[] = []
  #free: number
  #failure: { readonly reason: unknown } | null = null

  /** @param size works at a time */
  constructor(size: number) {
    this.#free = size
  }

  /** Runs `work` once there is room, first come, first served. @throws what it throws, or what another threw before it began */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      if (this.#failure !== null) throw this.#failure.reason
      return await work()
    } catch (error) {
      this.#failure ??= { reason: error }
      throw error
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
