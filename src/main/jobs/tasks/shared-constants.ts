import { access } from 'node:fs/promises'
import path from 'node:path'
import type { ExternalReference, OutsidePlace } from '../../formats/onnx/index.ts'
import type { Model, Tensor } from '../../graph/model.ts'
import { writeFilesAtomic } from '../atomic-file.ts'

/** Smaller constants lie in each model: a runtime wants to see shapes and axes at once. */
const LEAST_BYTES = 4096
/** Of a page, so that runtimes can map what they read. */
const ALIGNMENT = 4096

/**
 * The large constants of a model in one file, for the models made from it: they hold but what is their own, and all sessions of a machine
 * map the same memory.
 */
export class SharedConstants<Key> {
  readonly #file: string
  readonly #chunks: Uint8Array[] = []
  /** where a constant begins → its bytes */
  readonly #data = new Map<number, Uint8Array>()
  /** key → where it begins */
  readonly #offsets = new Map<Key, number>()

  /**
   * @param keyOf what a constant is known by: equal keys are equal constants
   * @param file where the constants lie, beside the models that read them
   */
  constructor({ graph }: Model, keyOf: (tensor: Tensor) => Key, file: string) {
    this.#file = file
    let length = 0
    for (const tensor of graph.initializers.values()) {
      const { data, dataType } = tensor
      const key = keyOf(tensor)
      if (dataType === 'string' || data.length < LEAST_BYTES || this.#offsets.has(key)) continue
      this.#offsets.set(key, length)
      this.#data.set(length, data)
      const padding = (ALIGNMENT - (data.length % ALIGNMENT)) % ALIGNMENT
      this.#chunks.push(data, new Uint8Array(padding))
      length += data.length + padding
    }
  }

  /** Writes the file where it is not there; several processes may at once, since all write the same. @throws Fault file.* */
  async write(signal: AbortSignal): Promise<void> {
    const isThere = await access(this.#file).then(
      () => true,
      () => false,
    )
    if (isThere) return
    const files = [{ path: this.#file, chunks: this.#chunks }]
    await writeFilesAtomic(files, { force: true, scratch: true, signal })
  }

  /** What a model that was written by a runtime reads from the file. */
  read({ offset, tensor }: Pick<ExternalReference, 'offset' | 'tensor'>): Uint8Array {
    const data = this.#data.get(offset)
    if (!data) throw new Error(`${tensor} does not lie among the shared constants`)
    return data
  }

  /** Where a constant lies; null for those that are not the model's. */
  placeOf(key: Key): OutsidePlace | null {
    const offset = this.#offsets.get(key)
    return offset === undefined ? null : { location: path.basename(this.#file), offset }
  }
}
