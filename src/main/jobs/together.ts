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

interface Waiting {
  readonly weight: number
  readonly start: () => void
}

/** Room for a number of works at a time. After the first failure none begins any more: those that wait fail likewise. */
export class Slots {
  readonly #waiting: Waiting[] = []
  #free: number
  #failure: { readonly reason: unknown } | null = null

  /** @param size works at a time, or their weights together */
  constructor(size: number) {
    this.#free = size
  }

  /**
   * Runs `work` once there is room, first come, first served.
   * @param weight at most the size
   * @throws what it throws, or what another threw before it began
   */
  async run<T>(work: () => Promise<T>, weight = 1): Promise<T> {
    if (this.#waiting.length === 0 && this.#free >= weight) this.#free -= weight
    else await new Promise<void>((start) => this.#waiting.push({ weight, start }))
    try {
      if (this.#failure !== null) throw this.#failure.reason
      return await work()
    } catch (error) {
      this.#failure ??= { reason: error }
      throw error
    } finally {
      this.#free += weight
      this.#startWaiting()
    }
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next && this.#free >= next.weight; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.weight
      next.start()
    }
  }
}
