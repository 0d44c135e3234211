import { Fault } from '../../shared/contract/fault.ts'
import type { DataType } from '../../shared/contract/tensor.ts'
import type { TypedArray } from '../engines/port.ts'

/** One array of an npz file, row-major. */
export interface NpyArray {
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly data: TypedArray
}

/** What the header of an npy file says. */
export interface NpyHeader {
  readonly dataType: DataType
  readonly isBigEndian: boolean
  readonly isFortranOrder: boolean
  readonly dims: readonly number[]
  /** bytes before the elements */
  readonly dataOffset: number
}

/** Bytes that always suffice to read a header of ours: numpy writes 128, and no shape needs more than this. */
export const MAX_HEADER_BYTES = 65_536
const MAX_RANK = 32
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

type TypedArrayType = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, offset: number, length: number): TypedArray
}

/** numpy's type codes (kind and bytes). */
const TYPES: Readonly<Record<string, { readonly dataType: DataType; readonly array: TypedArrayType }>> = {
  f2: { dataType: 'float16', array: Uint16Array },
  f4: { dataType: 'float', array: Float32Array },
  f8: { dataType: 'double', array: Float64Array },
  i1: { dataType: 'int8', array: Int8Array },
  i2: { dataType: 'int16', array: Int16Array },
  i4: { dataType: 'int32', array: Int32Array },
  i8: { dataType: 'int64', array: BigInt64Array },
  u1: { dataType: 'uint8', array: Uint8Array },
  u2: { dataType: 'uint16', array: Uint16Array },
  u4: { dataType: 'uint32', array: Uint32Array },
  u8: { dataType: 'uint64', array: BigUint64Array },
  b1: { dataType: 'bool', array: Uint8Array },
}
const typeOf = (dataType: DataType): TypedArrayType =>
  Object.values(TYPES).find((type) => type.dataType === dataType)!.array

/**
 * Reads an npy header, versions 1 to 3. Nothing is allocated by what it claims.
 * @param bytes the file or at least its first 64 kB
 * @param place file and array, for messages
 * @throws Fault data.corrupt, data.truncated; data.npyType for element types that are no numbers (pickled objects, text)
 * Source: numpy/lib/format.py, "Format Version 1.0" to "3.0".
 */
export function parseNpyHeader(bytes: Uint8Array, place: string): NpyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 10 || !MAGIC.every((byte, i) => bytes[i] === byte))
    throw corrupt(place, 'does not begin as a numpy array (\\x93NUMPY)')
  const major = bytes[6]!
  if (major < 1 || major > 3) throw corrupt(place, `has npy version ${major}; versions 1 to 3 are known`)
  const start = major === 1 ? 10 : 12
  if (bytes.length < start) throw corrupt(place, 'ends inside its header')
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (start + length > MAX_HEADER_BYTES) throw corrupt(place, `announces a header of ${length} bytes`)
  if (start + length > bytes.length) throw corrupt(place, 'ends inside its header')
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, start + length))
  return { ...parseFields(text, place), dataOffset: start + length }
}

/** The header is a Python dict literal with exactly three keys; anything else is refused, nothing is evaluated. */
function parseFields(text: string, place: string): Omit<NpyHeader, 'dataOffset'> {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1]
  if (/'descr'\s*:\s*\[/.test(text)) throw typeFault(place, 'a structured type')
  if (!/^\s*\{.*\}\s*$/s.test(text) || descr === undefined || order === undefined || shape === undefined) {
    throw corrupt(place, `has a header that is not {descr, fortran_order, shape}: ${JSON.stringify(text.slice(0, 80))}`)
  }
  const match = /^([<>|=]?)([a-zA-Z]\d+)$/.exec(descr)
  const type = match && Object.hasOwn(TYPES, match[2]!) ? TYPES[match[2]!] : undefined
  if (!match || !type) throw typeFault(place, `element type ${JSON.stringify(descr)}`)
  const dims = shape
    .split(',')
    .map((dim) => dim.trim().replace(/L$/, ''))
    .filter((dim) => dim !== '')
    .map(Number)
  const elements = dims.reduce((product, dim) => product * dim, 1)
  if (dims.length > MAX_RANK || !Number.isSafeInteger(elements * 16))
    throw corrupt(place, `announces the shape (${shape.slice(0, 80)})`)
  return { dataType: type.dataType, isBigEndian: match[1] === '>', isFortranOrder: order === 'True', dims }
}

/** Bytes that the elements take. */
export function npyDataBytes(header: NpyHeader): number {
  return header.dims.reduce((product, dim) => product * dim, 1) * typeOf(header.dataType).BYTES_PER_ELEMENT
}

/**
 * Gives the array, row-major and in this machine's byte order.
 * @param bytes the whole npy file; its length must be what the header says. The array lies in the same memory where it can.
 * @throws Fault data.truncated, data.trailing and what `parseNpyHeader` throws
 */
export function decodeNpy(bytes: Uint8Array<ArrayBuffer>, place: string): NpyArray {
  const header = parseNpyHeader(bytes, place)
  const wanted = npyDataBytes(header)
  const found = bytes.length - header.dataOffset
  if (found !== wanted) {
    const code = found < wanted ? 'data.truncated' : 'data.trailing'
    const shape = `(${header.dims.join(', ')})`
    throw new Fault(code, `${place} announces ${header.dataType} ${shape}, ${wanted} bytes, but holds ${found}.`, {
      place,
      wanted,
      found,
    })
  }
  const Type = typeOf(header.dataType)
  const raw = alignedFrom(bytes, header.dataOffset, Type.BYTES_PER_ELEMENT)
  if (header.isBigEndian) swapBytes(raw, Type.BYTES_PER_ELEMENT)
  const data = new Type(raw.buffer, raw.byteOffset, wanted / Type.BYTES_PER_ELEMENT)
  const { dataType, dims } = header
  return { dataType, dims, data: header.isFortranOrder && dims.length > 1 ? toRowMajor(data, dims) : data }
}

/** The bytes from an offset on: where they lie if elements of that size may lie there, for sets take gigabytes, else a copy. */
function alignedFrom(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number): Uint8Array<ArrayBuffer> {
  return (bytes.byteOffset + offset) % size === 0 ? bytes.subarray(offset) : bytes.slice(offset)
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length && size > 1; at += size) bytes.subarray(at, at + size).reverse()
}

/** Column-major to row-major: walks the target in order, the source index follows by strides. */
function toRowMajor(data: TypedArray, dims: readonly number[]): TypedArray {
  const source = data as Float32Array
  const target = source.slice()
  const strides: number[] = []
  dims.reduce((stride, dim) => (strides.push(stride), stride * dim), 1)
  const counter = new Array<number>(dims.length).fill(0)
  let from = 0
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from]!
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++counter[axis]! < dims[axis]!) break
      from -= strides[axis]! * dims[axis]!
      counter[axis] = 0
    }
  }
  return target
}

function corrupt(place: string, problem: string): Fault {
  return new Fault('data.corrupt', `${place} ${problem}.`, { place })
}

function typeFault(place: string, what: string): Fault {
  const todo = 'Save it as float32, float16, float64, bool or an integer type.'
  return new Fault('data.npyType', `${place} has ${what}, which is no number a model reads. ${todo}`, { place })
}
