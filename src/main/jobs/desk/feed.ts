/** Things that happen, told to everyone who listens at the time. A slow reader loses nothing but what is too old to matter. */
export class Feed<Event> {
  readonly #readers = new Set<Reader<Event>>()

  get hasReaders(): boolean {
    return this.#readers.size > 0
  }

  tell(event: Event): void {
    for (const reader of this.#readers) reader.push(event)
  }

  /** Ends every reader. */
  close(): void {
    for (const reader of this.#readers) reader.close()
  }

  /** `first`, then what happens until the signal is raised or the feed ends. */
  async *follow(first: readonly Event[], signal?: AbortSignal): AsyncGenerator<Event, void, undefined> {
    const reader = new Reader(first)
    this.#readers.add(reader)
    const leave = (): void => reader.close()
    signal?.addEventListener('abort', leave, { once: true })
    try {
      yield* reader.events()
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#readers.delete(reader)
    }
  }
}

/** Events that one reader may have waiting; it asks for what it shows anew anyway. */
const MOST_WAITING = 10_000

class Reader<Event> {
  #events: Event[]
  #closed = false
  #wake = Promise.withResolvers<void>()

  constructor(first: readonly Event[]) {
    this.#events = [...first]
  }

  push(event: Event): void {
    if (this.#events.length >= MOST_WAITING) this.#events.shift()
    this.#events.push(event)
    this.#wake.resolve()
  }

  close(): void {
    this.#closed = true
    this.#wake.resolve()
  }

  async *events(): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      const ready = this.#events
      this.#events = []
      yield* ready
      if (this.#events.length > 0) continue
      if (this.#closed) return
      await this.#wake.promise
      this.#wake = Promise.withResolvers<void>()
    }
  }
}
