/** Room that is taken, and given up, at once. */
interface Slab {
  readonly buffer: ArrayBuffer
  /** of what lies in it */
  readonly keys: string[]
  used: number
  /** the last batch that was handed something of it */
  batch: number
}

/** A tensor's bytes. */
export interface Place {
  readonly buffer: ArrayBuffer
  readonly offset: number
}

const SLAB_BYTES = 2 ** 24
/** Of a cache line: where vector code likes tensors to begin. */
const ALIGNMENT = 64

/**
 * Keeps bytes by key up to a budget, in a few large pieces of memory: thousands of small ones would have the garbage collector run all the
 * time (a tenth of a sweep's time), and fresh pages cost more than the copy into them. The oldest piece goes first.
 */
export class TensorArena {
  readonly #budget: number
  readonly #slabBytes: number
  readonly #places = new Map<string, { readonly slab: Slab; readonly offset: number }>()
  readonly #slabs: Slab[] = []
  /** memory of what is too large to be kept, by the batch that uses it */
  #loose: ArrayBuffer[] = []
  #spare: ArrayBuffer[] = []
  #batch = 0

  /** @param budget bytes */
  constructor(budget: number) {
    this.#budget = budget
    this.#slabBytes = Math.min(SLAB_BYTES, Math.floor(budget / 4))
  }

  /** Bytes of memory that keys are kept in. */
  get bytes(): number {
    return this.#slabs.length * this.#slabBytes
  }

  /** What was handed out before is not used any more: its memory may be. */
  beginBatch(): void {
    this.#batch++
    this.#spare = this.#loose
    this.#loose = []
  }

  /** The bytes of a key, which stand until `beginBatch`; `fill` writes them where they are not kept. */
  get(key: string, size: number, fill: (into: Uint8Array) => void): Place {
    const known = this.#places.get(key)
    if (known) {
      known.slab.batch = this.#batch
      return { buffer: known.slab.buffer, offset: known.offset }
    }
    const slab = this.#slabFor(size)
    if (slab === null) return this.#fillLoose(size, fill)
    const offset = slab.used
    fill(new Uint8Array(slab.buffer, offset, size))
    slab.used += Math.ceil(size / ALIGNMENT) * ALIGNMENT
    slab.keys.push(key)
    this.#places.set(key, { slab, offset })
    return { buffer: slab.buffer, offset }
  }

  /** Null where nothing can be kept: it is too large, or all memory is in use. */
  #slabFor(size: number): Slab | null {
    if (size > this.#slabBytes) return null
    const last = this.#slabs.at(-1)
    const slab = last && last.used + size <= this.#slabBytes ? last : this.#nextSlab()
    if (slab) slab.batch = this.#batch
    return slab
  }

  #nextSlab(): Slab | null {
    if (this.bytes + this.#slabBytes <= this.#budget) {
      const slab = { buffer: new ArrayBuffer(this.#slabBytes), keys: [], used: 0, batch: this.#batch }
      this.#slabs.push(slab)
      return slab
    }
    const oldest = this.#slabs[0]
    if (!oldest || oldest.batch === this.#batch) return null
    for (const key of oldest.keys) this.#places.delete(key)
    oldest.keys.length = 0
    oldest.used = 0
    this.#slabs.push(this.#slabs.shift()!)
    return oldest
  }

  #fillLoose(size: number, fill: (into: Uint8Array) => void): Place {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength === size)
    const buffer = at < 0 ? new ArrayBuffer(size) : this.#spare.splice(at, 1)[0]!
    this.#loose.push(buffer)
    fill(new Uint8Array(buffer))
    return { buffer, offset: 0 }
  }
}
