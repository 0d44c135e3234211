import fs from 'node:fs'
import path from 'node:path'
import type { EngineTensor, Feeds, TypedArray } from '../../engines/port.ts'
import type { DataType } from '../../../shared/contract/tensor.ts'
import { asFileFault } from '../file-fault.ts'

/** One batch of a block: which samples, and where each of its tensors lies. */
interface BlockBatch {
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

interface BlockTensor {
  readonly file: number
  readonly offset: number
  readonly bytes: number
  readonly dims: readonly number[]
  readonly dataType: DataType
}

/** Values of the base model for some consecutive samples, in a folder of their own: an index, and a file per tensor name. */
export interface BlockIndex {
  readonly batches: readonly BlockBatch[]
  /** output that holds the class scores, null for models that do not classify */
  readonly classOutput: string | null
}

/** Writes a block batch by batch; what is written is complete once `finish` has returned. Methods throw Fault file.diskFull and the like. */
export class BlockWriter {
  readonly #folder: string
  readonly #files = new Map<string, { id: number; handle: number; length: number }>()
  readonly #batches: BlockBatch[] = []

  constructor(folder: string) {
    this.#folder = folder
    this.#guard(() => {
      fs.rmSync(folder, { recursive: true, force: true }) // what a worker that died has left
      fs.mkdirSync(folder, { recursive: true })
    })
  }

  add(rows: number, samples: readonly BlockSample[], tensors: Feeds, reference: Feeds): void {
    this.#guard(() => {
      this.#batches.push({
        rows,
        samples: samples.map(({ index, name, label }) => ({ index, name, label })),
        tensors: this.#writeAll('t', tensors),
        reference: this.#writeAll('r', reference),
      })
    })
  }

  finish(classOutput: string | null): void {
    this.close()
    const index: BlockIndex = { batches: this.#batches, classOutput }
    this.#guard(() => fs.writeFileSync(path.join(this.#folder, 'index.json'), JSON.stringify(index)))
  }

  close(): void {
    for (const { handle } of this.#files.values()) fs.closeSync(handle)
    this.#files.clear()
  }

  /** The temporary folder may be full: that is the user's to see to. */
  #guard(write: () => void): void {
    try {
      write()
    } catch (error) {
      throw asFileFault(error, this.#folder, 'write')
    }
  }

  #writeAll(kind: string, tensors: Feeds): Record<string, BlockTensor> {
    return Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, this.#write(`${kind} ${name}`, tensor)]),
    )
  }

  #write(key: string, { data, dims, dataType }: EngineTensor): BlockTensor {
    let file = this.#files.get(key)
    if (!file) {
      const id = this.#files.size
      file = { id, handle: fs.openSync(path.join(this.#folder, `${id}.bin`), 'w'), length: 0 }
      this.#files.set(key, file)
    }
    const offset = file.length
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    for (let done = 0; done < bytes.length;) done += fs.writeSync(file.handle, bytes, done)
    file.length += bytes.length
    return { file: file.id, offset, bytes: bytes.length, dims, dataType }
  }
}

export function readBlockIndex(folder: string): BlockIndex {
  return JSON.parse(fs.readFileSync(path.join(folder, 'index.json'), 'utf8')) as BlockIndex
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

/**
 * Reads tensors of blocks, keeping what was read last in memory up to a budget: layers that follow one another, and the configurations
 * of one layer, read the same tensors. Beyond the budget the files are the cache, and of a file that would not fit by itself only the
 * tensor is read.
 */
export class BlockReader {
  readonly #budget: number
  /** file → its bytes, the least recently used first */
  readonly #cached = new Map<string, ArrayBuffer>()
  #bytes = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  read(folder: string, { file, offset, bytes, dims, dataType }: BlockTensor): EngineTensor {
    const make = ARRAYS[dataType]
    if (!make) throw new Error(`${dataType} is not kept in blocks`)
    const name = path.join(folder, `${file}.bin`)
    const whole = this.#file(name)
    const data = whole
      ? new make(whole, offset, bytes / make.BYTES_PER_ELEMENT)
      : new make(readPart(name, offset, bytes), 0, bytes / make.BYTES_PER_ELEMENT)
    return { dataType, dims, data }
  }

  /** Bytes kept in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** A whole file, kept from now on; null where it is larger than all that may be kept. */
  #file(file: string): ArrayBuffer | null {
    const known = this.#cached.get(file)
    if (known) {
      this.#cached.delete(file)
      this.#cached.set(file, known)
      return known
    }
    const { size } = fs.statSync(file)
    if (size > this.#budget) return null
    for (const [oldest, buffer] of this.#cached) {
      if (this.#bytes + size <= this.#budget) break
      this.#cached.delete(oldest)
      this.#bytes -= buffer.byteLength
    }
    const read = readPart(file, 0, size)
    this.#cached.set(file, read)
    this.#bytes += size
    return read
  }
}

function readPart(file: string, offset: number, length: number): ArrayBuffer {
  const handle = fs.openSync(file, 'r')
  try {
    const buffer = new ArrayBuffer(length)
    const bytes = new Uint8Array(buffer)
    for (let done = 0; done < length;) {
      const read = fs.readSync(handle, bytes, done, length - done, offset + done)
      if (read === 0) throw new Error(`${file} ended early`)
      done += read
    }
    return buffer
  } finally {
    fs.closeSync(handle)
  }
}
