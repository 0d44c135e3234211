import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { ScalarType } from '@bufbuild/protobuf'

/** The first place where bytes are not the message they should be. */
export interface WireProblem {
  /** field names from the root, for example `graph.node[12].attribute[0]`; empty at the root */
  readonly path: string
  /** byte offset in the file */
  readonly offset: number
  /** what was found, without a full stop */
  readonly cause: string
  /** true when the file ends before something it announced at the outermost level or in a field that reaches to its end */
  readonly truncated: boolean
}

/** Deepest nesting of messages; protobuf's own readers refuse more. */
export const maxDepth = 100

const varint = 0
const fixed64 = 1
const delimited = 2
const groupStart = 3
const fixed32 = 5

class Malformed extends Error {
  readonly offset: number

  constructor(offset: number, cause: string) {
    super(cause)
    this.offset = offset
  }
}

/** A message being scanned, for the path of a problem. */
interface Level {
  readonly desc: DescMessage
  readonly start: number
  readonly end: number
  /** offset of the tag of the field being scanned */
  at: number
  field: DescField | null
}

/**
 * Walks a protobuf message by its schema without building it: tags, wire types, lengths against their bounds, varints,
 * nesting. What passes here is decoded without surprises; what does not is named with its place.
 * Source: protobuf.dev/programming-guides/encoding.
 */
export function findWireProblem(bytes: Uint8Array, root: DescMessage): WireProblem | null {
  const scanner = new Scanner(bytes)
  try {
    scanner.message(root, 0, bytes.length)
    return null
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return {
      path: scanner.path(),
      offset: error.offset,
      cause: error.message,
      truncated: scanner.levels.at(-1)?.end === bytes.length && scanner.ranOut,
    }
  }
}

class Scanner {
  readonly bytes: Uint8Array
  readonly levels: Level[] = []
  /** set when something needed more bytes than its surroundings have */
  ranOut = false

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  message(desc: DescMessage, start: number, end: number): void {
    if (this.levels.length >= maxDepth) throw new Malformed(start, `messages are nested more than ${maxDepth} deep`)
    const level: Level = { desc, start, end, at: start, field: null }
    this.levels.push(level)
    const fields = fieldsOf(desc)
    for (let pos = start; pos < end;) {
      level.at = pos
      level.field = null
      const { number, wire, next } = this.tag(pos, end)
      const field = fields.get(number)
      level.field = field ?? null
      pos = field ? this.known(field, wire, next, end) : this.skip(number, wire, next, end, this.levels.length)
    }
    this.levels.pop()
  }

  /** Checks the value of a known field and gives the offset after it. */
  known(field: DescField, wire: number, pos: number, end: number): number {
    const expected = wireOf(field)
    const isPacked = wire === delimited && field.fieldKind === 'list' && expected !== delimited
    if (wire !== expected && !isPacked) {
      throw new Malformed(pos, `field ${field.number} has wire type ${wire} where ${field.name} needs ${expected}`)
    }
    if (wire !== delimited) return this.scalar(wire, pos, end)
    const { start, after } = this.extent(pos, end)
    if (isPacked) this.packed(expected, start, after)
    else if (field.message) this.message(field.message, start, after)
    return after
  }

  packed(wire: number, start: number, end: number): void {
    if (wire === varint) {
      for (let pos = start; pos < end;) pos = this.scalar(varint, pos, end)
      return
    }
    const size = wire === fixed32 ? 4 : 8
    if ((end - start) % size !== 0)
      throw new Malformed(start, `${end - start} bytes are not a whole number of ${size}-byte values`)
  }

  tag(pos: number, end: number): { number: number; wire: number; next: number } {
    const { value, next } = this.varint(pos, end)
    const wire = value % 8
    const number = Math.floor(value / 8)
    if (number === 0 || value >= 2 ** 32)
      throw new Malformed(pos, `${number === 0 ? 0 : 'a huge number'} stands where a field number should`)
    return { number, wire, next }
  }

  scalar(wire: number, pos: number, end: number): number {
    const next = wire === varint ? this.varint(pos, end).next : pos + (wire === fixed32 ? 4 : 8)
    if (next > end) throw this.short(pos, `a value needs ${next - pos} bytes, ${end - pos} are left`)
    return next
  }

  /** Bounds of a length-delimited value. */
  extent(pos: number, end: number): { start: number; after: number } {
    const { value, next } = this.varint(pos, end)
    if (value > end - next) throw this.short(pos, `a field claims ${value} bytes, ${end - next} are left`)
    return { start: next, after: next + value }
  }

  /** Skips a field that the schema does not know; groups are walked, because only their end tag says where they end. */
  skip(number: number, wire: number, pos: number, end: number, depth: number): number {
    switch (wire) {
      case varint:
      case fixed64:
      case fixed32:
        return this.scalar(wire, pos, end)
      case delimited:
        return this.extent(pos, end).after
      case groupStart:
        return this.skipGroup(number, pos, end, depth + 1)
      default:
        throw new Malformed(pos, `wire type ${wire} does not exist here`)
    }
  }

  skipGroup(number: number, pos: number, end: number, depth: number): number {
    if (depth >= maxDepth) throw new Malformed(pos, `messages are nested more than ${maxDepth} deep`)
    while (pos < end) {
      const inner = this.tag(pos, end)
      if (inner.wire === 4) {
        if (inner.number !== number) throw new Malformed(pos, 'a group ends that was not begun')
        return inner.next
      }
      pos = this.skip(inner.number, inner.wire, inner.next, end, depth)
    }
    throw this.short(pos, 'a group does not end')
  }

  /** Unsigned value (exact up to 2^53, which is all that lengths and tags need). */
  varint(pos: number, end: number): { value: number; next: number } {
    let value = 0
    for (let i = 0, factor = 1; i < 10; i++, factor *= 128) {
      if (pos + i >= end) throw this.short(pos, 'a number does not end')
      const byte = this.bytes[pos + i]!
      value += (byte & 127) * factor
      if (byte < 128) return { value, next: pos + i + 1 }
    }
    throw new Malformed(pos, 'a number runs over ten bytes')
  }

  short(offset: number, cause: string): Malformed {
    this.ranOut = true
    return new Malformed(offset, cause)
  }

  path(): string {
    const names: string[] = []
    for (const level of this.levels) {
      if (!level.field) break
      const isList = level.field.fieldKind === 'list' && level.field.listKind === 'message'
      names.push(isList ? `${level.field.name}[${this.indexIn(level)}]` : level.field.name)
    }
    return names.join('.')
  }

  /** How many values of the same field stand before the one being scanned. */
  indexIn(level: Level): number {
    let index = 0
    for (let pos = level.start; pos < level.at;) {
      const { number, wire, next } = this.tag(pos, level.end)
      if (number === level.field!.number) index++
      pos = this.skip(number, wire, next, level.end, 0)
    }
    return index
  }
}

const fieldMaps = new WeakMap<DescMessage, Map<number, DescField>>()

function fieldsOf(desc: DescMessage): Map<number, DescField> {
  let fields = fieldMaps.get(desc)
  if (!fields) {
    fields = new Map(desc.fields.map((field) => [field.number, field]))
    fieldMaps.set(desc, fields)
  }
  return fields
}

/** Wire type of one value of a field. */
function wireOf(field: DescField): number {
  if (field.message) return delimited
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return delimited
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return fixed32
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return fixed64
    default:
      return varint
  }
}
