import { dataTypeOfNumber } from '../data-types.ts'
import type { Attribute, Graph, Tensor } from '../model.ts'
import { elementCount, typedArrayOf } from '../tensors.ts'

/** Longest text of a string attribute, in characters. */
const MAX_TEXT = 200
/** Most elements of a list that are spelled out. */
const MAX_LIST = 32
/** Most elements of a constant tensor that are spelled out. */
const MAX_TENSOR = 8

const decoder = new TextDecoder()

/** Attributes that name an element type by its number. Source: ONNX operators Cast, RandomNormal, EyeLike …. */
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype'])

/** An attribute in words, short enough for a panel: `3, 3`, `SAME_UPPER`, `float [2, 2] 1, 0, 0, 1`, `graph of 12 nodes`. */
export function attributeText(name: string, attribute: Attribute): string {
  switch (attribute.kind) {
    case 'float':
      return numberText(attribute.value)
    case 'int':
      return (TYPE_ATTRIBUTES.has(name) && dataTypeOfNumber(Number(attribute.value))) || String(attribute.value)
    case 'string':
      return stringText(attribute.value)
    case 'tensor':
      return tensorText(attribute.value)
    case 'graph':
      return graphText(attribute.value)
    case 'floats':
      return listText(attribute.value, numberText)
    case 'ints':
      return listText(attribute.value, String)
    case 'strings':
      return listText(attribute.value, stringText)
    case 'graphs':
      return listText(attribute.value, graphText)
    case 'other':
      return 'of a kind that is carried, not shown'
  }
}

function listText<T>(values: readonly T[], text: (value: T) => string, most = MAX_LIST): string {
  const shown = values.slice(0, most).map(text).join(', ')
  return values.length > most ? `${shown}, … ${values.length} in all` : shown
}

/** A float32 value with no more digits than it has. */
function numberText(value: number): string {
  return String(Number(value.toPrecision(7)))
}

function stringText(bytes: Uint8Array): string {
  // a character has at most four bytes
  const text = decoder.decode(bytes.subarray(0, MAX_TEXT * 4))
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}

const graphText = (graph: Graph): string =>
  graph.nodes.length === 1 ? 'graph of 1 node' : `graph of ${graph.nodes.length} nodes`

function tensorText(tensor: Tensor): string {
  const type = `${tensor.dataType} [${tensor.dims.join(', ')}]`
  const count = elementCount(tensor.dims)
  if (count === 0 || count > MAX_TENSOR || !SPELLED.has(tensor.dataType)) return type
  return `${type} ${[...typedArrayOf(tensor)].map((value) => (typeof value === 'bigint' ? String(value) : numberText(value))).join(', ')}`
}

/** Types whose stored values are the numbers themselves. */
const SPELLED: ReadonlySet<string> = new Set([
  'float',
  'double',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'int4',
  'uint4',
])
