const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Thrown by `ByteReader` for bytes that cannot have been written by `ByteWriter`. */
export class BadBytes extends Error {}

/** Writes numbers and text one after the other; little-endian, whole numbers as LEB128. */
export class ByteWriter {
  #bytes = new Uint8Array(1024)
  #length = 0

  /** A whole number from 0 to 2^53 − 1. */
  count(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  double(value: number): void {
    this.raw(new Uint8Array(Float64Array.of(value).buffer))
  }

  floats(values: Float32Array): void {
    this.count(values.length)
    this.raw(new Uint8Array(values.slice().buffer))
  }

  text(value: string): void {
    const bytes = encoder.encode(value)
    this.count(bytes.length)
    this.raw(bytes)
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** Reads what `ByteWriter` wrote; every length is checked against what is left before anything is allocated. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    // a plain view: slice() of Node's Buffer shares memory instead of copying
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** @param most largest number that makes sense here */
  count(most = Number.MAX_SAFE_INTEGER): number {
    const bytes = this.#bytes
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      if (this.#offset === bytes.length) throw this.#ended()
      const byte = bytes[this.#offset++]!
      value += (byte % 128) * factor
      if (byte >= 128) continue
      if (value > most) break
      return value
    }
    throw new BadBytes(`a number at byte ${this.#offset} is out of range`)
  }

  double(): number {
    return new Float64Array(this.raw(8).slice().buffer)[0]!
  }

  floats(most: number): Float32Array {
    return new Float32Array(this.raw(4 * this.count(most)).slice().buffer)
  }

  text(most: number): string {
    const bytes = this.raw(this.count(most))
    try {
      return decoder.decode(bytes)
    } catch (cause) {
      throw new BadBytes(`a name at byte ${this.#offset} is not UTF-8`, { cause })
    }
  }

  raw(length: number): Uint8Array {
    const end = this.#offset + length
    if (end > this.#bytes.length) throw this.#ended()
    const bytes = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return bytes
  }

  /** @throws BadBytes when something follows */
  end(): void {
    if (this.#offset !== this.#bytes.length)
      throw new BadBytes(`${this.#bytes.length - this.#offset} bytes follow its end`)
  }

  #ended(): BadBytes {
    return new BadBytes(`it ends at byte ${this.#bytes.length}, inside a value`)
  }
}
