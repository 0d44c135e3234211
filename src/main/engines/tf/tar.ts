import path from 'node:path'
import { Fault } from '../../../shared/contract/fault.ts'

/** One member of a tar archive. `data` must be read (or skipped) before the next member is asked for; what is left is skipped. */
interface TarEntry {
  readonly name: string
  readonly type: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  readonly data: AsyncIterable<Uint8Array>
}

const BLOCK = 512
/** Long names travel as members of their own; no real path is longer. */
const MAX_NAME = 64 * 1024

/**
 * Reads a tar stream (ustar, GNU long names, pax paths) member by member, in constant memory.
 * @throws Fault file.invalidArchive for a truncated or damaged archive
 * Source: POSIX.1-2001 pax; GNU tar manual, "Basic Tar Format".
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(source, file)
  let longName: string | null = null
  for (;;) {
    const header = await reader.take(BLOCK, true)
    if (header === null || header.every((byte) => byte === 0)) return
    checkHeader(header, file)
    const size = numberAt(header, 124, 12, file)
    const kind = String.fromCharCode(header[156]!)
    if (kind === 'L' || kind === 'x' || kind === 'g') {
      if (size > MAX_NAME) throw invalid(file, 'a name is absurdly long')
      const body = (await reader.take(size))!
      await reader.skip(padding(size))
      if (kind === 'L') longName = textOf(body)
      else if (kind === 'x') longName = paxPath(Buffer.from(body).toString('utf8')) ?? longName
      continue
    }
    const name = longName ?? nameOf(header)
    longName = null
    const left = { count: size }
    yield { name, type: typeOf(kind), size, data: reader.body(left) }
    await reader.skip(left.count + padding(size))
  }
}

/**
 * Where a member may be written under `root`.
 * @throws Fault file.unsafeArchive for absolute names, `..`, drive letters, backslashes and NUL
 */
export function safeMemberPath(root: string, name: string, file: string): string {
  const parts = name.split('/')
  if (name === '' || name.startsWith('/') || /[\\\0]|^[A-Za-z]:/.test(name) || parts.includes('..')) {
    throw new Fault(
      'file.unsafeArchive',
      `The archive ${file} holds the path '${name}', which leaves the folder it is unpacked into. It was not unpacked.`,
      { file, entry: name },
    )
  }
  return path.join(root, ...parts.filter((part) => part !== '.' && part !== ''))
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

function typeOf(kind: string): TarEntry['type'] {
  if (kind === '0' || kind === '\0' || kind === '7') return 'file'
  if (kind === '5') return 'directory'
  return kind === '1' || kind === '2' ? 'link' : 'other'
}

function checkHeader(header: Uint8Array, file: string): void {
  let sum = 0
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!
  if (sum !== numberAt(header, 148, 8, file)) throw invalid(file, 'a header has a wrong checksum')
}

function numberAt(header: Uint8Array, offset: number, length: number, file: string): number {
  const bytes = header.subarray(offset, offset + length)
  if (bytes[0]! & 0x80) {
    // GNU: sizes of 8 GiB and more are stored in base 256
    let value = bytes[0]! & 0x7f
    for (const byte of bytes.subarray(1)) value = value * 256 + byte
    if (!Number.isSafeInteger(value)) throw invalid(file, 'a size is out of range')
    return value
  }
  const text = textOf(bytes).trim()
  if (!/^[0-7]*$/.test(text)) throw invalid(file, 'a header holds no number where one is due')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

function nameOf(header: Uint8Array): string {
  const name = textOf(header.subarray(0, 100))
  const prefix = textOf(header.subarray(257, 262)) === 'ustar' ? textOf(header.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** The `path` record of a pax header: lines of `length key=value`. */
function paxPath(records: string): string | null {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1] ?? null
}

function invalid(file: string, why: string): Fault {
  return new Fault('file.invalidArchive', `The archive ${file} is damaged: ${why}. Delete it and fetch it again.`, {
    file,
  })
}

class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #file: string
  #rest: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>, file: string) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#file = file
  }

  /** Exactly `count` bytes; null at a clean end where `mayEnd`. */
  async take(count: number, mayEnd = false): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = []
    let missing = count
    while (missing > 0) {
      const part = await this.#some(missing)
      if (part === null) {
        if (mayEnd && missing === count) return null
        throw invalid(this.#file, 'it ends too early')
      }
      parts.push(part)
      missing -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const part = await this.#some(left)
      if (part === null) throw invalid(this.#file, 'it ends too early')
      left -= part.length
    }
  }

  async *body(left: { count: number }): AsyncGenerator<Uint8Array> {
    while (left.count > 0) {
      const part = await this.#some(left.count)
      if (part === null) throw invalid(this.#file, 'it ends too early')
      left.count -= part.length
      yield part
    }
  }

  async #some(most: number): Promise<Uint8Array | null> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return null
      this.#rest = next.value
    }
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }
}
