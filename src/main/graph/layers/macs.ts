import type { Node, Tensor } from '../model.ts'
import { intAttribute } from '../attributes.ts'

/** A fully known shape, or null. */
type Dims = readonly number[] | null

const product = (dims: readonly number[]): number => dims.reduce((total, dim) => total * dim, 1)

/**
 * Multiply-accumulates of one run of a node: 0 for operators without products of matrices, null where a shape is not known.
 * - Conv: outputs × (inChannels / group) × kernel elements; weights `[outChannels, inChannels / group, k…]`
 * - ConvTranspose: inputs × (outChannels / group) × kernel elements; weights `[inChannels, outChannels / group, k…]`
 * - Gemm, MatMul: outputs × length of the summed axis
 * Bias and activation are not counted.
 * Source: Sze et al. 2017, "Efficient Processing of Deep Neural Networks", section III, equation 1.
 */
export function macsOfNode(
  node: Node,
  constants: ReadonlyMap<string, Tensor>,
  dimsOf: (tensor: string) => Dims,
): number | null {
  const input = (i: number): Dims => constants.get(node.inputs[i] ?? '')?.dims ?? dimsOf(node.inputs[i] ?? '')
  const output = dimsOf(node.outputs[0]!)
  switch (node.opType) {
    case 'Conv':
      return timesRun(output, input(1))
    case 'ConvTranspose':
      return timesRun(input(0), input(1))
    case 'Gemm':
      return timesAxis(output, input(0), intAttribute(node, 'transA', 0) === 1 ? 0 : 1)
    case 'MatMul':
      return timesAxis(output, input(0), -1)
    default:
      return 0
  }
}

function timesRun(elements: Dims, weights: Dims): number | null {
  return elements && weights ? product(elements) * product(weights.slice(1)) : null
}

function timesAxis(output: Dims, left: Dims, axis: number): number | null {
  const length = left?.at(axis)
  return output && length !== undefined ? product(output) * length : null
}
