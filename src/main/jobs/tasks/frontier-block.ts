import fs from 'node:fs'
import path from 'node:path'
import type { EngineTensor, Feeds, TypedArray } from '../../engines/port.ts'
import type { DataType } from '../../../shared/contract/tensor.ts'
import { asFileFault } from '../file-fault.ts'
import { readInto, writeParts } from './scratch-files.ts'
import { TensorArena } from './tensor-arena.ts'

/** One batch of a block: which samples, and where each of its tensors lies. */
export interface BlockBatch {
  /** rows of the batch as fed: a model's fixed batch may be longer than its samples */
  readonly rows: number
  readonly samples: readonly BlockSample[]
  /** by tensor name */
  readonly tensors: Readonly<Record<string, BlockTensor>>
  /** outputs of the float model */
  readonly reference: Readonly<Record<string, BlockTensor>>
}

/** What is kept of a sample. */
export interface BlockSample {
  readonly index: number
  readonly name: string
  readonly label: number | null
}

/** Where a tensor lies: at which byte of the block's file, or which it is of those in memory. */
export interface BlockTensor {
  readonly offset: number
  readonly bytes: number
  readonly dims: readonly number[]
  readonly dataType: DataType
}

/** What lies in a block. */
export interface BlockIndex {
  readonly batches: readonly BlockBatch[]
  /** output that holds the class scores, null for models that do not classify */
  readonly classOutput: string | null
}

/** Values of the base model for some consecutive samples: an index and one file of tensors, batch by batch, in a folder of their own. */
export interface Block {
  readonly folder: string
  /** tells one filling of the folder from another: the files of a block that is done with are written over by a later one */
  readonly filling: string
}

const TENSORS = 'tensors.bin'
const INDEX = 'index.json'
/**
 * Writes a block batch by batch; what is written is complete once `finish` has returned. A file that is there is written over in its
 * place, which takes half the time of a new one. Methods throw Fault file.diskFull and the like.
 */
export class BlockWriter {
  readonly #folder: string
  readonly #batches: BlockBatch[] = []
  #handle: number | null = null
  #length = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#guard(() => {
      fs.mkdirSync(folder, { recursive: true })
      fs.rmSync(path.join(folder, INDEX), { force: true }) // until it is whole again it is no block
      this.#handle = fs.openSync(path.join(folder, TENSORS), fs.constants.O_RDWR | fs.constants.O_CREAT)
    })
  }

  add(rows: number, samples: readonly BlockSample[], tensors: Feeds, reference: Feeds): void {
    const parts: Uint8Array[] = []
    const start = this.#length
    this.#batches.push({
      rows,
      samples: samples.map(({ index, name, label }) => ({ index, name, label })),
      tensors: this.#place(tensors, parts),
      reference: this.#place(reference, parts),
    })
    this.#guard(() => writeParts(this.#handle!, parts, start))
  }

  finish(classOutput: string | null): void {
    const index: BlockIndex = { batches: this.#batches, classOutput }
    this.#guard(() => {
      if (fs.fstatSync(this.#handle!).size > this.#length) fs.ftruncateSync(this.#handle!, this.#length)
      this.close()
      fs.writeFileSync(path.join(this.#folder, INDEX), JSON.stringify(index))
    })
  }

  close(): void {
    if (this.#handle !== null) fs.closeSync(this.#handle)
    this.#handle = null
  }

  /** The temporary folder may be full: that is the user's to see to. */
  #guard(write: () => void): void {
    try {
      write()
    } catch (error) {
      throw asFileFault(error, this.#folder, 'write')
    }
  }

  #place(tensors: Feeds, parts: Uint8Array[]): Record<string, BlockTensor> {
    return Object.fromEntries(
      Object.entries(tensors).map(([name, { data, dims, dataType }]) => {
        const offset = this.#length
        parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        this.#length += data.byteLength
        return [name, { offset, bytes: data.byteLength, dims, dataType }]
      }),
    )
  }
}

interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, offset: number, length: number): TypedArray
}

const ARRAYS: Partial<Record<DataType, ArrayClass>> = {
  float: Float32Array,
  double: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
}

/** Blocks whose index is kept: more than two chunks have. */
const KEPT_INDICES = 64

/**
 * Reads tensors of blocks, keeping what was read last in memory up to a budget: layers that follow one another, and the configurations
 * of one layer, read the same tensors. Beyond the budget the files are the cache.
 */
export class BlockReader {
  readonly #arena: TensorArena
  readonly #indices = new Map<string, BlockIndex>()

  /** @param budget bytes */
  constructor(budget: number) {
    this.#arena = new TensorArena(budget)
  }

  /** Opens a block; must be closed. */
  open(block: Block): OpenBlock {
    let handle: number | null = null
    return {
      index: this.#index(block),
      read: ({ offset, bytes, dims, dataType }) => {
        const make = ARRAYS[dataType]
        if (!make) throw new Error(`${dataType} is not kept in blocks`)
        const place = this.#arena.get(`${block.filling} ${offset}`, bytes, (into) => {
          handle ??= fs.openSync(path.join(block.folder, TENSORS), 'r')
          readInto(into, handle, offset)
        })
        return { dataType, dims, data: new make(place.buffer, place.offset, bytes / make.BYTES_PER_ELEMENT) }
      },
      close: () => {
        if (handle !== null) fs.closeSync(handle)
        handle = null
      },
    }
  }

  /** Tensors that were read before are not used any more: their memory may be. */
  beginBatch(): void {
    this.#arena.beginBatch()
  }

  #index({ folder, filling }: Block): BlockIndex {
    const known = this.#indices.get(filling)
    if (known) return known
    const index = JSON.parse(fs.readFileSync(path.join(folder, INDEX), 'utf8')) as BlockIndex
    if (this.#indices.size >= KEPT_INDICES) this.#indices.delete(this.#indices.keys().next().value!)
    this.#indices.set(filling, index)
    return index
  }
}

/** A block while it is read. */
export interface OpenBlock {
  readonly index: BlockIndex
  /** a tensor of the block, whose values stand until `beginBatch` */
  readonly read: (tensor: BlockTensor) => EngineTensor
  readonly close: () => void
}
