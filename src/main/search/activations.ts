import type { Attribute, Graph, Node, Tensor } from '../graph/model.ts'
import { stringAttribute } from '../graph/attributes.ts'
import { toFloat32, typedArrayOf } from '../graph/tensors.ts'
import { consumersOf } from '../graph/traversal.ts'

/** Real values between which a clip or a quantizer leaves differences. */
export interface Bounds {
  readonly low: number
  readonly high: number
}

/** Of a step. */
const ALMOST_HALF = 0.499

/** Operators of ONNX Runtime's optimised graphs that pass every value on as it is. */
const MOVING: ReadonlySet<string> = new Set(['ReorderOutput', 'ReorderInput', 'Transpose', 'Reshape', 'Flatten'])

/** Bounds that a node's activation clips to: a Relu or Clip, or a convolution with one fused into it; null for others. */
export function boundsOfActivation(node: Node, constants: ReadonlyMap<string, Tensor>): Bounds | null {
  if (node.opType === 'Relu') return { low: 0, high: Infinity }
  if (node.opType === 'Clip') return boundsOfClip(node, constants)
  switch (stringAttribute(node, 'activation', '')) {
    case 'Relu':
      return { low: 0, high: Infinity }
    case 'Clip': {
      const params = node.attributes.get('activation_params')
      if (params?.kind !== 'floats' || params.value.length !== 2) return null
      return { low: params.value[0]!, high: params.value[1]! }
    }
    default:
      return null
  }
}

function boundsOfClip(node: Node, constants: ReadonlyMap<string, Tensor>): Bounds | null {
  const bound = (index: number, absent: number): number | null => {
    const name = node.inputs[index] ?? ''
    if (name === '') return absent
    const tensor = constants.get(name)
    return tensor?.dataType === 'float' ? (toFloat32(tensor)[0] ?? null) : null
  }
  const low = bound(1, -Infinity)
  const high = bound(2, Infinity)
  return low === null || high === null ? null : { low, high }
}

/**
 * The convolution without the activation that the runtime fused into it, as the runtime writes it; null for a Relu or Clip of its own.
 * Source: ONNX Runtime, conv_activation_fusion.cc (Conv becomes com.microsoft.FusedConv), nchwc_transformer.cc (the attribute is added).
 */
export function withoutActivation(node: Node): Node | null {
  if (node.opType === 'Relu' || node.opType === 'Clip') return null
  const attributes = new Map<string, Attribute>(
    [...node.attributes].filter(([name]) => name !== 'activation' && name !== 'activation_params'),
  )
  const plain = node.domain === 'com.microsoft' && node.opType === 'FusedConv' && node.inputs.length <= 3
  return plain ? { ...node, opType: 'Conv', domain: '', attributes } : { ...node, attributes }
}

/**
 * Tensors that only QuantizeLinear nodes read, directly or through movement, with the bounds beyond which none of these makes a
 * difference. Clipping such a tensor to wider bounds changes no integer.
 */
export function clippedByReaders(graph: Graph): Map<string, Bounds> {
  const readers = consumersOf(graph)
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const found = new Map<string, Bounds>()
  for (const node of [...graph.nodes].reverse()) {
    for (const name of node.outputs) {
      const bounds = outputs.has(name) ? null : boundsOfReaders(name, readers.get(name) ?? [], graph, found)
      if (bounds !== null) found.set(name, bounds)
    }
  }
  return found
}

function boundsOfReaders(
  tensor: string,
  readers: readonly Node[],
  graph: Graph,
  found: ReadonlyMap<string, Bounds>,
): Bounds | null {
  let joined: Bounds | null = null
  for (const reader of readers) {
    const bounds = boundsOfReader(tensor, reader, graph, found)
    if (bounds === null) return null
    joined =
      joined === null ? bounds : { low: Math.min(joined.low, bounds.low), high: Math.max(joined.high, bounds.high) }
  }
  return joined
}

function boundsOfReader(tensor: string, reader: Node, graph: Graph, found: ReadonlyMap<string, Bounds>): Bounds | null {
  if (reader.inputs[0] !== tensor) return null
  if (MOVING.has(reader.opType)) return found.get(reader.outputs[0]!) ?? null
  return reader.opType === 'QuantizeLinear' ? saturation(reader, graph) : null
}

/** Real values at which a quantizer of one scale has reached its last integers. */
function saturation(node: Node, { initializers }: Graph): Bounds | null {
  const scale = initializers.get(node.inputs[1] ?? '')
  const zeroPoint = initializers.get(node.inputs[2] ?? '')
  if (scale?.dataType !== 'float' || (zeroPoint?.dataType !== 'uint8' && zeroPoint?.dataType !== 'int8')) return null
  const scales = toFloat32(scale)
  if (scales.length !== 1) return null
  const step = scales[0]!
  const shift = Number(typedArrayOf(zeroPoint)[0])
  const [qmin, qmax] = zeroPoint.dataType === 'uint8' ? [0, 255] : [-128, 127]
  // half a step before its last integer a quantizer rounds to it; a hair is left for the rounding of the division
  return { low: (qmin - shift + ALMOST_HALF) * step, high: (qmax - shift - ALMOST_HALF) * step }
}
