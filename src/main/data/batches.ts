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
  const { order, range, feeder, signal } = request
  const batch = feeder.fixedBatch ?? request.batch
  const ahead = request.readAhead ?? Math.min(64, Math.max(8, batch))
  const pending: (Sample | Promise<Sample>)[] = []
  let next = range.start
  const readOn = (): void => {
    while (next < range.end && pending.length < ahead) {
      const index = order[next++]!
      const sample = source.readNow ? feeder.prepare(source.readNow(index)) : source.read(index).then(feeder.prepare)
      // a failure is reported when its turn comes; until then it is not an unhandled rejection
      if (sample instanceof Promise) sample.catch(() => undefined)
      pending.push(sample)
    }
  }
  for (let start = range.start; start < range.end; start += batch) {
    signal?.throwIfAborted()
    const samples: Sample[] = []
    for (let position = start; position < Math.min(start + batch, range.end); position++) {
      readOn()
      const sample = pending.shift()!
      samples.push(sample instanceof Promise ? await sample : sample)
    }
    readOn()
    const feeds = feeder.toFeeds(samples)
    yield { start, samples, feeds }
  }
}
