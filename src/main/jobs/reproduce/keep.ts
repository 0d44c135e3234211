import { existsSync } from 'node:fs'
import type { Json } from '../../../shared/contract/runs.ts'
import type { Services } from '../services.ts'

/** Remembers what was measured by content, and whether anything had to be measured now. */
export class Keeper {
  readonly #services: Services
  #fresh = 0

  constructor(services: Services) {
    this.#services = services
  }

  /** Something was made outside of `once`. */
  count(): void {
    this.#fresh++
  }

  /** How many results were made now, not found. */
  get fresh(): number {
    return this.#fresh
  }

  /**
   * Gives the kept result of equal content, else makes it.
   * @param file a file that must be there for the kept result to be of use
   */
  async once<Value>(
    content: { readonly [key: string]: Json },
    file: string | null,
    make: () => Promise<Value>,
  ): Promise<Value> {
    const { store, environment, now, signal } = this.#services
    signal.throwIfAborted()
    const { versions, isa } = environment
    const key = {
      kind: 'reproduce',
      model: null,
      ...content,
      runtime: versions['onnxruntime'] ?? '',
      product: versions['quantbench'] ?? '',
      isa,
    }
    const kept = store.measurements.find(key)
    if (kept !== null && (file === null || existsSync(file))) return kept as unknown as Value
    this.#fresh++
    const value = await make()
    store.measurements.keep(key, value as unknown as Json, now())
    return value
  }
}
