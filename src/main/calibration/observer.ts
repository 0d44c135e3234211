import { RECENT_OBSERVATIONS, type TensorStatistics } from './collection.ts'
import { HistogramBuilder } from './histogram.ts'

/** Bounds of a batch as the graph gives them: [observations] or [observations, channels], row-major. */
export interface BatchBounds {
  readonly min: Float32Array
  readonly max: Float32Array
  readonly observations: number
  readonly channels: number
}

/** Gathers the statistics of one tensor, batch by batch, in sample order. Its memory does not grow with the batches. */
export class TensorObserver {
  readonly name: string
  readonly stride: number
  readonly #histogram = new HistogramBuilder()
  readonly #recentMin = new Float32Array(RECENT_OBSERVATIONS)
  readonly #recentMax = new Float32Array(RECENT_OBSERVATIONS)
  #channelMin: Float32Array | null = null
  #channelMax: Float32Array | null = null
  #observations = 0
  #min = Infinity
  #max = -Infinity

  /** @param stride what `addElements` was given: every `stride`-th element */
  constructor(name: string, stride: number) {
    this.name = name
    this.stride = stride
  }

  /**
   * Counts elements of one batch.
   * @returns false when one of them is NaN or infinite
   */
  addElements(values: Float32Array, start = 0, stride = 1): boolean {
    return this.#histogram.add(values, start, stride) >= 0
  }

  /**
   * Takes the exact bounds of one batch.
   * @returns false when one of them is NaN or infinite
   */
  addBounds({ min, max, observations, channels }: BatchBounds): boolean {
    for (let i = 0; i < observations; i++) {
      let low = Infinity
      let high = -Infinity
      for (let j = i * channels; j < (i + 1) * channels; j++) {
        if (!Number.isFinite(min[j]!) || !Number.isFinite(max[j]!)) return false
        low = Math.min(low, min[j]!)
        high = Math.max(high, max[j]!)
      }
      this.#addObservation(low, high)
    }
    if (channels > 1) this.#addChannels(min, max, observations, channels)
    return true
  }

  /** What was seen so far; the observer may go on afterwards. */
  statistics(): TensorStatistics {
    const channels =
      this.#channelMin && this.#channelMax ? { min: this.#channelMin.slice(), max: this.#channelMax.slice() } : null
    return {
      name: this.name,
      min: this.#min,
      max: this.#max,
      observations: this.#observations,
      recent: { min: this.#unrolled(this.#recentMin), max: this.#unrolled(this.#recentMax) },
      channels,
      stride: this.stride,
      histogram: this.#histogram.snapshot(),
    }
  }

  #addObservation(low: number, high: number): void {
    const slot = this.#observations++ % RECENT_OBSERVATIONS
    this.#recentMin[slot] = low
    this.#recentMax[slot] = high
    this.#min = Math.min(this.#min, low)
    this.#max = Math.max(this.#max, high)
  }

  #addChannels(min: Float32Array, max: Float32Array, observations: number, channels: number): void {
    const lows = (this.#channelMin ??= new Float32Array(channels).fill(Infinity))
    const highs = (this.#channelMax ??= new Float32Array(channels).fill(-Infinity))
    if (lows.length !== channels) return
    for (let i = 0; i < observations; i++) {
      for (let c = 0; c < channels; c++) {
        lows[c] = Math.min(lows[c]!, min[i * channels + c]!)
        highs[c] = Math.max(highs[c]!, max[i * channels + c]!)
      }
    }
  }

  /** The ring of recent observations, oldest first. */
  #unrolled(ring: Float32Array): Float32Array {
    const next = this.#observations % RECENT_OBSERVATIONS
    if (this.#observations <= RECENT_OBSERVATIONS) return ring.slice(0, this.#observations)
    const result = new Float32Array(RECENT_OBSERVATIONS)
    result.set(ring.subarray(next), 0)
    result.set(ring.subarray(0, next), RECENT_OBSERVATIONS - next)
    return result
  }
}

/**
 * Bounds of a whole tensor, one observation a row.
 * @param values row-major, `observations` rows of equal length
 * Values that are NaN make a bound NaN, so that `addBounds` sees them.
 */
export function boundsOfRows(values: Float32Array, observations: number): BatchBounds {
  const length = values.length / observations
  const min = new Float32Array(observations)
  const max = new Float32Array(observations)
  for (let row = 0; row < observations; row++) {
    let low = Infinity
    let high = -Infinity
    let sum = 0
    for (let i = row * length; i < (row + 1) * length; i++) {
      const value = values[i]!
      if (value < low) low = value
      if (value > high) high = value
      sum += value - value
    }
    min[row] = low + sum
    max[row] = high + sum
  }
  return { min, max, observations, channels: 1 }
}
