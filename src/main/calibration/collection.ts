import { Fault } from '../../shared/contract/fault.ts'
import { joined } from '../graph/joined.ts'
import { HistogramBuilder, type Histogram } from './histogram.ts'

/**
 * Observations (samples, mostly) whose bounds are kept one by one for the moving average. It takes sixteen at a time: what is
 * older would weigh momentum^32: 3 % with the default of 0.9. The average of more samples starts at the 512th from the end.
 */
export const RECENT_OBSERVATIONS = 512

/** Bounds of the last observations, oldest first; both of the same length. */
export interface RecentBounds {
  readonly min: Float32Array
  readonly max: Float32Array
}

/** Bounds of every channel (axis 1 of [batch, channels, height, width]) over all samples. */
export interface ChannelBounds {
  readonly min: Float32Array
  readonly max: Float32Array
}

/** All that is kept of one activation tensor, whatever the number of samples. */
export interface TensorStatistics {
  readonly name: string
  /** exact bounds over every element of every sample, never sub-sampled */
  readonly min: number
  readonly max: number
  /**
   * Observations seen: one a sample where axis 0 of the tensor is the batch, else one a batch.
   */
  readonly observations: number
  readonly recent: RecentBounds
  readonly channels: ChannelBounds | null
  /** every `stride`-th element went into the histogram, from another position in each batch; 1: all of them */
  readonly stride: number
  readonly histogram: Histogram
}

/** The statistics of a calibration run: every calibrator and bit width is derived from it. O(tensors × bins) in size. */
export interface Collection {
  /** samples that were run */
  readonly samples: number
  /** most elements of one tensor that one sample gives to a histogram (about) */
  readonly elementsPerSample: number
  /** by tensor name, in graph order */
  readonly tensors: ReadonlyMap<string, TensorStatistics>
}

/**
 * Joins the collections of neighbouring sample ranges, in sample order. Any split of the samples gives the same result bit for bit,
 * as long as batch boundaries are the same: counts are integers in fixed bins, bounds are minima and maxima.
 * @throws Error when they were not taken with the same probes: a bug of the caller
 */
export function mergeCollections(parts: readonly Collection[]): Collection {
  const [first, ...rest] = parts
  if (first === undefined) throw new Error('no collection to merge')
  if (rest.length === 0) return first
  const tensors = new Map<string, TensorStatistics>()
  for (const name of first.tensors.keys()) {
    tensors.set(name, mergeStatistics(parts.map((part) => statisticsIn(part, name))))
  }
  const samples = parts.reduce((sum, part) => sum + part.samples, 0)
  return { samples, elementsPerSample: first.elementsPerSample, tensors }
}

function statisticsIn(collection: Collection, name: string): TensorStatistics {
  const statistics = collection.tensors.get(name)
  if (statistics === undefined) throw new Error(`collections to merge differ: ${name} is missing in one`)
  return statistics
}

function mergeStatistics(parts: readonly TensorStatistics[]): TensorStatistics {
  const first = parts[0]!
  const builder = new HistogramBuilder()
  for (const part of parts) {
    if (part.stride !== first.stride)
      throw new Error(`${first.name} was sampled with strides ${first.stride} and ${part.stride}`)
    builder.merge(part.histogram)
  }
  return {
    name: first.name,
    min: Math.min(...parts.map((part) => part.min)),
    max: Math.max(...parts.map((part) => part.max)),
    observations: parts.reduce((sum, part) => sum + part.observations, 0),
    recent: {
      min: lastOf(parts.map((part) => part.recent.min)),
      max: lastOf(parts.map((part) => part.recent.max)),
    },
    channels: mergeChannels(parts),
    stride: first.stride,
    histogram: builder.snapshot(),
  }
}

function lastOf(parts: readonly Float32Array[]): Float32Array {
  return joined(Float32Array, parts).slice(-RECENT_OBSERVATIONS)
}

function mergeChannels(parts: readonly TensorStatistics[]): ChannelBounds | null {
  const length = parts[0]!.channels?.min.length
  if (length === undefined || parts.some((part) => part.channels?.min.length !== length)) return null
  const min = new Float32Array(length).fill(Infinity)
  const max = new Float32Array(length).fill(-Infinity)
  for (const { channels } of parts) {
    for (let c = 0; c < length; c++) {
      min[c] = Math.min(min[c]!, channels!.min[c]!)
      max[c] = Math.max(max[c]!, channels!.max[c]!)
    }
  }
  return { min, max }
}

/**
 * The statistics of one tensor.
 * @throws Fault plan.noStatistics when it was not observed
 */
export function statisticsOf(collection: Collection, tensor: string): TensorStatistics {
  const statistics = collection.tensors.get(tensor)
  if (statistics) return statistics
  throw new Fault(
    'plan.noStatistics',
    `The tensor '${tensor}' was not observed during calibration, so it has no range. Calibrate this model again, or give the tensor a range in the plan.`,
    { tensor },
  )
}
