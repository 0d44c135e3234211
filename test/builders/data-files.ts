import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'

/** An IDX file: the magic number, one uint32 a dimension, then bytes. */
export function idxBytes(magic: number, dims: readonly number[], bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length)
  header.writeUInt32BE(magic, 0)
  dims.forEach((dim, i) => header.writeUInt32BE(dim, 4 + 4 * i))
  return Buffer.concat([header, bytes])
}

/** Writes `count` pictures of 3×2 pixels (values count up) and labels 0, 1, 2 … 9, 0 … under the official names. */
export function writeMnist(
  folder: string,
  count: number,
  options: { gzip?: boolean; prefix?: 'train' | 't10k'; labels?: boolean } = {},
): void {
  const { gzip = false, prefix = 't10k', labels = true } = options
  const pack = (name: string, bytes: Buffer): void =>
    fs.writeFileSync(path.join(folder, gzip ? `${name}.gz` : name), gzip ? zlib.gzipSync(bytes) : bytes)
  const pixels = Uint8Array.from({ length: count * 6 }, (_, i) => i % 256)
  pack(`${prefix}-images-idx3-ubyte`, idxBytes(2051, [count, 3, 2], pixels))
  if (labels)
    pack(
      `${prefix}-labels-idx1-ubyte`,
      idxBytes(
        2049,
        [count],
        Uint8Array.from({ length: count }, (_, i) => i % 10),
      ),
    )
}

/** CIFAR-10 records: label i % 10; every red byte i, green 100 + i, blue 200 + i. */
export function cifarBytes(count: number): Buffer {
  const records = Buffer.alloc(count * 3073)
  for (let i = 0; i < count; i++) {
    records[i * 3073] = i % 10
    for (let plane = 0; plane < 3; plane++)
      records.fill(plane * 100 + i, i * 3073 + 1 + plane * 1024, i * 3073 + 1 + (plane + 1) * 1024)
  }
  return records
}

/** An npy file. @param descr numpy's type code, for example `<f4` */
export function npyBytes(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  options: { fortran?: boolean; version?: 1 | 2 | 3; header?: string } = {},
): Buffer {
  const { fortran = false, version = 1 } = options
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const text =
    options.header ?? `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${tuple}, }`
  const start = version === 1 ? 10 : 12
  const padded = text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1) + '\n'
  const head = Buffer.alloc(start)
  head.write('\x93NUMPY', 0, 'latin1')
  head[6] = version
  if (version === 1) head.writeUInt16LE(padded.length, 8)
  else head.writeUInt32LE(padded.length, 8)
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data])
}

/** The bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

export interface ZipEntry {
  readonly name: string
  readonly bytes: Uint8Array
  readonly deflate?: boolean
  /** what the headers claim, where it is to be a lie */
  readonly claimedBytes?: number
}

/** A zip archive with local headers, central directory and end record. Source: PKWARE APPNOTE 6.3.10. */
export function zipBytes(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const packed = entry.deflate ? zlib.deflateRawSync(entry.bytes) : Buffer.from(entry.bytes)
    const name = Buffer.from(entry.name)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(entry.deflate ? 8 : 0, 4)
    fields.writeUInt32LE(zlib.crc32(entry.bytes), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(entry.claimedBytes ?? entry.bytes.length, 18)
    fields.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, name, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, tail, name]))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end])
}
