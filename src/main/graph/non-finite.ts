import type { Model, Tensor } from './model.ts'
import { wordsOf } from './tensors.ts'
import { graphsOf } from './traversal.ts'

/** A constant with values that no integer can stand for. */
export interface NonFinite {
  readonly tensor: string
  readonly nan: number
  readonly infinite: number
}

/** Names listed in a note; the rest is counted. */
const shownNames = 5
const pieceBytes = 2 ** 20

/** Constants of float, double, float16 and bfloat16 that hold NaN or infinities, in subgraphs and Constant nodes too. */
export function findNonFinite(model: Model): NonFinite[] {
  const found: NonFinite[] = []
  const look = (name: string, tensor: Tensor): void => {
    const counts = countNonFinite(tensor)
    if (counts.nan + counts.infinite > 0) found.push({ tensor: name, ...counts })
  }
  for (const graph of graphsOf(model.graph)) {
    for (const [name, tensor] of graph.initializers) look(name, tensor)
    for (const node of graph.nodes) {
      for (const attribute of node.attributes.values()) {
        if (attribute.kind === 'tensor') look(node.outputs[0] ?? node.name, attribute.value)
      }
    }
  }
  return found
}

/** The same as sentences for the user; empty when all is finite. */
export function nonFiniteNotes(model: Model): string[] {
  const found = findNonFinite(model)
  if (found.length === 0) return []
  const names = found
    .slice(0, shownNames)
    .map(({ tensor, nan, infinite }) => `"${tensor}" (${nan} NaN, ${infinite} infinite)`)
  const more = found.length > shownNames ? ` and ${found.length - shownNames} more` : ''
  return [
    `These constants hold values that are not finite, and layers that use them stay in float: ${names.join(', ')}${more}.`,
  ]
}

/** How many values of a float tensor are NaN and how many infinite; none for other types. */
export function countNonFinite({ dataType, data }: Tensor): { nan: number; infinite: number } {
  switch (dataType) {
    case 'float':
      return countIn(data, 4, 0x7f800000)
    case 'float16':
      return countIn(data, 2, 0x7c00)
    case 'bfloat16':
      return countIn(data, 2, 0x7f80)
    case 'double':
      return countDoubles(data)
    default:
      return { nan: 0, infinite: 0 }
  }
}

/** Unaligned data (most tensors in a file are) would be copied to be looked at: piece by piece, so that memory does not double. */
function countIn(data: Uint8Array, size: 2 | 4, exponent: number): { nan: number; infinite: number } {
  const counts = { nan: 0, infinite: 0 }
  for (let at = 0; at < data.length; at += pieceBytes) {
    const piece = count(wordsOf(data.subarray(at, at + pieceBytes), size), exponent)
    counts.nan += piece.nan
    counts.infinite += piece.infinite
  }
  return counts
}

/** By the bits: an exponent of ones is an infinity, and with any mantissa a NaN. @param exponent its bits, all of them ones */
function count(words: Uint16Array | Uint32Array, exponent: number): { nan: number; infinite: number } {
  const magnitude = exponent === 0x7f800000 ? 0x7fffffff : 0x7fff
  let nan = 0
  let infinite = 0
  for (let i = 0; i < words.length; i++) {
    const bits = words[i]! & magnitude
    if (bits < exponent) continue
    if (bits === exponent) infinite++
    else nan++
  }
  return { nan, infinite }
}

function countDoubles(data: Uint8Array): { nan: number; infinite: number } {
  const values = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let nan = 0
  let infinite = 0
  for (let at = 0; at + 8 <= data.length; at += 8) {
    const value = values.getFloat64(at, true)
    if (Number.isNaN(value)) nan++
    else if (!Number.isFinite(value)) infinite++
  }
  return { nan, infinite }
}
