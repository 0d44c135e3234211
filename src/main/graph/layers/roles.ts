import type { LayerRole } from '../../../shared/contract/model.ts'
import type { Node } from '../model.ts'
import { stringAttribute } from '../attributes.ts'

/**
 * Operators with integer kernels in ONNX Runtime when they stand between DequantizeLinear and QuantizeLinear, by what they do.
 * All that is not here has none and stays in float.
 * Source: DESIGN section 5, Placement; each row measured with ONNX Runtime 1.30 on the optimised graph (test/native/prepare-kernels).
 */
export const INTEGER_KERNELS: ReadonlyMap<string, Exclude<LayerRole, 'other'>> = new Map([
  ['Conv', 'weighted'],
  ['Gemm', 'weighted'],
  ['MatMul', 'weighted'],
  ['Add', 'arithmetic'],
  ['Mul', 'arithmetic'],
  ['Concat', 'arithmetic'],
  ['AveragePool', 'arithmetic'],
  ['GlobalAveragePool', 'arithmetic'],
  ['Softmax', 'arithmetic'],
  ['Sigmoid', 'arithmetic'],
  ['LeakyRelu', 'arithmetic'],
  ['MaxPool', 'movement'],
  ['Resize', 'movement'],
  ['Slice', 'movement'],
  ['Split', 'movement'],
  ['Transpose', 'movement'],
  ['Flatten', 'movement'],
  ['Reshape', 'movement'],
  ['Squeeze', 'movement'],
  ['Unsqueeze', 'movement'],
  ['Gather', 'movement'],
  ['Expand', 'movement'],
  ['Tile', 'movement'],
  ['DepthToSpace', 'movement'],
  ['Pad', 'movement'],
])

/** Why this very node has no integer kernel although its op has, in words; null when it has. */
export function kernelGap(node: Node): string | null {
  switch (node.opType) {
    case 'Resize': {
      const mode = stringAttribute(node, 'mode', 'nearest')
      return mode === 'nearest' ? null : `Resize with mode ${mode} has no integer kernel, only nearest has`
    }
    case 'MaxPool':
      return (node.outputs[1] ?? '') === '' ? null : 'MaxPool that also gives the indices has no integer kernel'
    case 'Pad': {
      const mode = stringAttribute(node, 'mode', 'constant')
      return mode === 'constant' ? null : `Pad with mode ${mode} is left in float, only constant is quantized`
    }
    default:
      return null
  }
}

/** Activations that ONNX Runtime absorbs into the integer operator before them (DESIGN section 5, Placement). */
export const ABSORBED_ACTIVATIONS: ReadonlySet<string> = new Set(['Relu', 'Clip'])
