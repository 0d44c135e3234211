/**
 * Work that several callers wait for: it is done once, and stops only when the last of them has gone. A caller whose signal is raised
 * leaves at once.
 */
export class SharedWork<Value> {
  readonly #control = new AbortController()
  readonly #promise: Promise<Value>
  #waiting = 0

  constructor(work: (signal: AbortSignal) => Promise<Value>) {
    this.#promise = work(this.#control.signal)
    this.#promise.catch(() => {}) // those who wait are told; nobody may be left
  }

  /** Nobody waits any more, and it was told to stop: whoever comes now needs new work. */
  get stopped(): boolean {
    return this.#control.signal.aborted
  }

  /** @throws what the work throws; the reason of `signal` */
  async wait(signal?: AbortSignal): Promise<Value> {
    signal?.throwIfAborted()
    this.#waiting += 1
    const gone = Promise.withResolvers<never>()
    const leave = (): void => gone.reject(signal!.reason)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([this.#promise, gone.promise])
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#waiting -= 1
      if (this.#waiting === 0 && signal?.aborted) this.#control.abort(signal.reason)
    }
  }
}
