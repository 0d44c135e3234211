import { createReadStream } from 'node:fs'
import { crc32 } from 'node:zlib'

/** A file as it comes to lie in an archive. */
export interface ZipEntry {
  /** where it is on the disk */
  readonly path: string
  /** its name in the archive, folders with slashes */
  readonly name: string
  readonly size: number
}

/** Bytes before and after the content: known before anything is read, so that a download can say how long it is. */
interface Place extends ZipEntry {
  readonly nameBytes: Buffer
  /** of its header, from the start of the archive */
  readonly offset: number
}

const LOCAL_BYTES = 30
const LOCAL_EXTRA_BYTES = 20
const CENTRAL_BYTES = 46
const CENTRAL_EXTRA_BYTES = 28
const END_BYTES = 56 + 20 + 22
/** 2.0 stored; 4.5 has 64-bit sizes. Source: PKWARE APPNOTE 4.4.3. */
const VERSION = 45
/** Names are UTF-8. Source: PKWARE APPNOTE 4.4.4, bit 11. */
const UTF8 = 1 << 11
const WHOLE_32 = 0xffffffff
/** 1 January 1980: an archive of the same files is the same bytes. */
const DATE = (1 << 5) | 1

/** Length of the archive of some files. */
export function zipLength(entries: readonly ZipEntry[]): number {
  return entries.reduce((sum, { name, size }) => {
    const nameBytes = Buffer.byteLength(name)
    return sum + LOCAL_BYTES + LOCAL_EXTRA_BYTES + CENTRAL_BYTES + CENTRAL_EXTRA_BYTES + 2 * nameBytes + size
  }, END_BYTES)
}

/**
 * An archive with its files as they are, not compressed: weights hardly shrink, and waiting for nothing helps nobody. Every size is written
 * with 64 bits, so that models of more than 4 GiB fit.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16, 4.5.3.
 */
export async function* zipOf(entries: readonly ZipEntry[]): AsyncGenerator<Buffer> {
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const place: Place = { ...entry, nameBytes: Buffer.from(entry.name), offset }
    const sum = await checksum(entry)
    const header = localHeader(place, sum)
    yield header
    yield* contentOf(entry)
    central.push(centralHeader(place, sum))
    offset += header.length + entry.size
  }
  yield* central
  yield endRecords(
    entries.length,
    offset,
    central.reduce((bytes, { length }) => bytes + length, 0),
  )
}

/** As many bytes as were promised, however the file grows meanwhile. */
function contentOf({ path, size }: ZipEntry): AsyncIterable<Buffer> | readonly Buffer[] {
  return size === 0 ? [] : (createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>)
}

async function checksum(entry: ZipEntry): Promise<number> {
  let sum = 0
  for await (const chunk of contentOf(entry)) sum = crc32(chunk, sum)
  return sum
}

function localHeader({ nameBytes, size }: Place, sum: number): Buffer {
  const head = Buffer.alloc(LOCAL_BYTES + LOCAL_EXTRA_BYTES)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(VERSION, 4)
  head.writeUInt16LE(UTF8, 6)
  head.writeUInt16LE(DATE, 12)
  head.writeUInt32LE(sum, 14)
  head.writeUInt32LE(WHOLE_32, 18)
  head.writeUInt32LE(WHOLE_32, 22)
  head.writeUInt16LE(nameBytes.length, 26)
  head.writeUInt16LE(LOCAL_EXTRA_BYTES, 28)
  writeExtra(head, LOCAL_BYTES, [size, size])
  return Buffer.concat([head.subarray(0, LOCAL_BYTES), nameBytes, head.subarray(LOCAL_BYTES)])
}

function centralHeader({ nameBytes, size, offset }: Place, sum: number): Buffer {
  const head = Buffer.alloc(CENTRAL_BYTES + CENTRAL_EXTRA_BYTES)
  head.writeUInt32LE(0x02014b50, 0)
  head.writeUInt16LE(VERSION, 4)
  head.writeUInt16LE(VERSION, 6)
  head.writeUInt16LE(UTF8, 8)
  head.writeUInt16LE(DATE, 14)
  head.writeUInt32LE(sum, 16)
  head.writeUInt32LE(WHOLE_32, 20)
  head.writeUInt32LE(WHOLE_32, 24)
  head.writeUInt16LE(nameBytes.length, 28)
  head.writeUInt16LE(CENTRAL_EXTRA_BYTES, 30)
  head.writeUInt32LE(WHOLE_32, 42)
  writeExtra(head, CENTRAL_BYTES, [size, size, offset])
  return Buffer.concat([head.subarray(0, CENTRAL_BYTES), nameBytes, head.subarray(CENTRAL_BYTES)])
}

/** The numbers that do not fit 32 bits. */
function writeExtra(buffer: Buffer, at: number, values: readonly number[]): void {
  buffer.writeUInt16LE(1, at)
  buffer.writeUInt16LE(8 * values.length, at + 2)
  values.forEach((value, i) => buffer.writeBigUInt64LE(BigInt(value), at + 4 + 8 * i))
}

function endRecords(count: number, offset: number, bytes: number): Buffer {
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE(VERSION, 12)
  end.writeUInt16LE(VERSION, 14)
  end.writeBigUInt64LE(BigInt(count), 24)
  end.writeBigUInt64LE(BigInt(count), 32)
  end.writeBigUInt64LE(BigInt(bytes), 40)
  end.writeBigUInt64LE(BigInt(offset), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(offset + bytes), 64)
  end.writeUInt32LE(1, 72)
  end.writeUInt32LE(0x06054b50, 76)
  end.writeUInt16LE(0xffff, 84)
  end.writeUInt16LE(0xffff, 86)
  end.writeUInt32LE(WHOLE_32, 88)
  end.writeUInt32LE(WHOLE_32, 92)
  return end
}
