import { activationParams } from '../../quant/activation-params.ts'
import type { QuantParams, Range } from '../../quant/params.ts'
import type { TensorPair } from '../../quant/placement.ts'

/** Weight of the past in the moving average, a step. Source: Krishnamoorthi 2018, section 3.1.1, at the batches of small networks. */
export const RANGE_MOMENTUM = 0.99

/** Name under which a checkpoint keeps the range of a tensor. */
const KEPT = 'range/'

/**
 * Ranges of activations: the mean over the batches that are looked at before training, then a moving average over those of training. All are float32, so
 * that a checkpoint keeps them whole.
 */
export class RangeTracker {
  readonly #ranges = new Map<string, Range>()
  readonly #fixed: ReadonlySet<string>
  #looked = 0

  /** @param fixed ranges that the plan names outright */
  constructor(fixed: ReadonlyMap<string, Range>) {
    this.#fixed = new Set(fixed.keys())
    for (const [tensor, range] of fixed) this.#ranges.set(tensor, range)
  }

  has(tensor: string): boolean {
    return this.#ranges.has(tensor)
  }

  isFixed(tensor: string): boolean {
    return this.#fixed.has(tensor)
  }

  /** @throws Error where the tensor was never seen */
  rangeOf(tensor: string): Range {
    const range = this.#ranges.get(tensor)
    if (!range) throw new Error(`no range is known of ${tensor}`)
    return range
  }

  /** Begins the next of the batches that are looked at before training. */
  beginLook(): void {
    this.#looked++
  }

  /** Takes in what a batch before training held. */
  look(tensor: string, range: Range): void {
    this.#move(tensor, range, 1 - 1 / this.#looked)
  }

  /** Takes in what a batch of training held. */
  follow(tensor: string, range: Range): void {
    this.#move(tensor, range, RANGE_MOMENTUM)
  }

  #move(tensor: string, { rmin, rmax }: Range, past: number): void {
    // a batch that came apart is the loss's affair: it must not spoil the ranges of the last good epoch
    if (this.isFixed(tensor) || !Number.isFinite(rmin) || !Number.isFinite(rmax)) return
    const before = this.#ranges.get(tensor)
    const mix = (old: number, now: number): number => Math.fround(before ? past * old + (1 - past) * now : now)
    this.#ranges.set(tensor, { rmin: mix(before?.rmin ?? 0, rmin), rmax: mix(before?.rmax ?? 0, rmax) })
  }

  /** By `range/tensor`: [rmin, rmax]. */
  tensors(): Map<string, Float32Array> {
    return new Map([...this.#ranges].map(([name, { rmin, rmax }]) => [KEPT + name, Float32Array.of(rmin, rmax)]))
  }

  load(tensors: ReadonlyMap<string, Float32Array>): void {
    for (const [name, values] of tensors) {
      if (!name.startsWith(KEPT)) continue
      const tensor = name.slice(KEPT.length)
      if (!this.isFixed(tensor)) this.#ranges.set(tensor, { rmin: values[0]!, rmax: values[1]! })
    }
  }
}

/** Scale and zero point that the exported file gives a pair with this range. */
export function paramsOf({ scheme, container, interval }: TensorPair, range: Range): QuantParams {
  return activationParams(range, scheme, container, interval)
}

/** The range that gives back a scale and zero point to the last bit (see `scaleOfRange`). */
export function rangeOf({ scale, zeroPoint, qmin, qmax }: QuantParams, isFixedPoint: boolean): Range {
  const [s, z] = [scale[0]!, zeroPoint[0]!]
  const up = qmax - z
  // symmetric integers reach one step further down, which is no part of the scale
  const down = isFixedPoint ? Math.min(up, z - qmin) : z - qmin
  return { rmin: -down * s, rmax: up * s }
}
