import type { SampleRange } from '../../shared/contract/data.ts'
import type { Feeds } from '../engines/port.ts'
import type { Feeder } from './feeder.ts'
import type { Sample, SampleSource } from './port.ts'

/** What a batch says of a sample beside its values. */
export type SampleTag = Pick<Sample, 'index' | 'label' | 'name'>

export interface Batch {
  /** position of its first sample in the order */
  readonly start: number
  /** the samples, in order; outputs of a model with a fixed batch may hold more rows, which do not count */
  readonly samples: readonly SampleTag[]
  readonly feeds: Feeds
}

export interface BatchRequest {
  /** position → index in the data set (`shuffledOrder`) */
  readonly order: Uint32Array
  /** positions to read */
  readonly range: SampleRange
  /** samples in a batch; a model's fixed batch goes before it. The last batch may be shorter. */
  readonly batch: number
  readonly feeder: Feeder
  readonly signal?: AbortSignal
  /** samples read and decoded ahead of the batch being used; default: one batch, at least 8 and at most 64 */
  readonly readAhead?: number
}

/**
 * Reads a range of samples in batches, in order, reading ahead so that pictures are decoded while a model runs. Batch
 * boundaries depend only on `range.start` and `batch`.
 * @throws Fault data.* naming the file; the signal's reason when aborted
 */
export async function* readBatches(source: SampleSource, request: BatchRequest): AsyncGenerator<Batch, void, void> {
  const reader = new BatchReader(source, request)
  for (;;) {
    const next = reader.next()
    const batch = next instanceof Promise ? await next : next
    if (batch === null) return
    yield batch
  }
}

/**
 * What {@link readBatches} walks. A batch whose samples lie in memory is there at once: where a run takes a tenth of a millisecond, an
 * async iterator's promises would be a tenth of it.
 */
export class BatchReader {
  readonly #source: SampleSource
  readonly #request: BatchRequest
  readonly #batch: number
  readonly #ahead: number
  readonly #pending: (Sample | Promise<Sample>)[] = []
  #nextRead: number
  #nextBatch: number

  constructor(source: SampleSource, request: BatchRequest) {
    this.#source = source
    this.#request = request
    this.#batch = request.feeder.fixedBatch ?? request.batch
    this.#ahead = request.readAhead ?? Math.min(64, Math.max(8, this.#batch))
    this.#nextRead = this.#nextBatch = request.range.start
  }

  /** The next batch, a promise of it where samples must be waited for, null after the last. @throws as `readBatches` */
  next(): Batch | Promise<Batch> | null {
    const { range, signal } = this.#request
    signal?.throwIfAborted()
    const start = this.#nextBatch
    if (start >= range.end) return null
    this.#nextBatch = Math.min(start + this.#batch, range.end)
    const count = this.#nextBatch - start
    this.#readOn(Math.max(count, this.#ahead))
    const taken = this.#pending.splice(0, count)
    this.#readOn(this.#ahead)
    const isHere = taken.every((sample) => !(sample instanceof Promise))
    return isHere ? this.#batchOf(start, taken as Sample[]) : this.#await(start, taken)
  }

  /** One after the other, so that of several failures the first is told. */
  async #await(start: number, taken: readonly (Sample | Promise<Sample>)[]): Promise<Batch> {
    const samples: Sample[] = []
    for (const sample of taken) samples.push(await sample)
    return this.#batchOf(start, samples)
  }

  #batchOf(start: number, samples: readonly Sample[]): Batch {
    return { start, samples, feeds: this.#request.feeder.toFeeds(samples) }
  }

  /** Reads until so many samples are under way. */
  #readOn(most: number): void {
    const { order, range, feeder } = this.#request
    while (this.#nextRead < range.end && this.#pending.length < most) {
      const index = order[this.#nextRead++]!
      const { readNow } = this.#source
      const sample = readNow ? feeder.prepare(readNow(index)) : this.#source.read(index).then(feeder.prepare)
      // a failure is reported when its turn comes; until then it is not an unhandled rejection
      if (sample instanceof Promise) sample.catch(() => undefined)
      this.#pending.push(sample)
    }
  }
}
