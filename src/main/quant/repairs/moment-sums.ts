import type { WeightGeometry } from './geometry.ts'
import type { Moments } from './moments.ts'

/** Sums the moments of batches in double precision. */
export class MomentSums {
  readonly #size: number
  readonly #blocks: number
  readonly #sums: Readonly<Record<'gram' | 'cross' | 'floatGram' | 'sumQ' | 'sumX', Float64Array>>
  #count = 0

  constructor({ groups, splits, size }: WeightGeometry) {
    this.#blocks = groups * splits
    this.#size = size / splits
    const matrix = this.#blocks * this.#size ** 2
    const vector = this.#blocks * this.#size
    this.#sums = {
      gram: new Float64Array(matrix),
      cross: new Float64Array(matrix),
      floatGram: new Float64Array(matrix),
      sumQ: new Float64Array(vector),
      sumX: new Float64Array(vector),
    }
  }

  /** Takes what the moments model gives for one batch. */
  add(outputs: Readonly<Record<string, { readonly data: ArrayLike<unknown> }>>): void {
    for (const [name, sum] of Object.entries(this.#sums)) {
      const values = outputs[name]!.data as ArrayLike<number>
      for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!
    }
    this.#count += Number(outputs['count']!.data[0])
  }

  /** The moments of every block of the geometry, in order. */
  blocks(): Moments[] {
    const [matrix, vector] = [this.#size ** 2, this.#size]
    const { gram, cross, floatGram, sumQ, sumX } = this.#sums
    return Array.from({ length: this.#blocks }, (_, b) => ({
      size: this.#size,
      count: this.#count,
      gram: gram.slice(b * matrix, (b + 1) * matrix),
      cross: cross.slice(b * matrix, (b + 1) * matrix),
      floatGram: floatGram.slice(b * matrix, (b + 1) * matrix),
      sumQ: sumQ.slice(b * vector, (b + 1) * vector),
      sumX: sumX.slice(b * vector, (b + 1) * vector),
    }))
  }
}
