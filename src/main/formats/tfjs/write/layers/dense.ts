import type { Node, Tensor } from '../../../../graph/model.ts'
import { floatAttribute, intAttribute } from '../../../../graph/attributes.ts'
import { productOf } from '../../../../graph/shapes/facts.ts'
import { floatTensor, toFloat32 } from '../../../../graph/tensors.ts'
import { permuteTensor } from '../../lower/constants.ts'
import { Unsupported } from '../../lower/problem.ts'
import { plainOrder } from '../../lower/value.ts'
import { fusedActivation } from './activations.ts'
import { addendBehind } from './addend.ts'
import type { LayerExporter } from './exporter.ts'

/** alpha · A · B + beta · C as Dense; factors go into kernel and bias. */
export function gemm(to: LayerExporter, node: Node): void {
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)]
  const weights = to.constant(node.inputs[1])
  if (!weights || intAttribute(node, 'transA', 0) === 1)
    throw new Unsupported('has weights that are computed, or transposes its first input')
  const kernel = scaled(intAttribute(node, 'transB', 0) === 1 ? permuteTensor(weights, [1, 0]) : weights, alpha)
  const columns = kernel.dims[1]!
  const addend = node.inputs[2] ? to.constant(node.inputs[2]) : null
  if (node.inputs[2] && !addend) throw new Unsupported('adds something computed')
  if (addend && productOf(addend.dims) !== columns && productOf(addend.dims) !== 1)
    throw new Unsupported('adds more than one number for each column')
  const numbers = addend && toFloat32(addend)
  const bias =
    numbers && Float32Array.from({ length: columns }, (_, i) => beta * (numbers[numbers.length === 1 ? 0 : i] ?? 0))
  dense(to, node, kernel, bias)
}

function scaled(tensor: Tensor, factor: number): Tensor {
  if (factor === 1) return tensor
  return floatTensor(
    tensor.name,
    tensor.dims,
    toFloat32(tensor).map((value) => value * factor),
  )
}

/** MatMul with a constant on the right: Dense works along the last axis, whatever stands before. */
export function matMul(to: LayerExporter, node: Node): void {
  const kernel = to.constant(node.inputs[1])
  if (kernel?.dims.length !== 2 || to.dims(node.inputs[0]!).length < 2)
    throw new Unsupported('multiplies by something else than a constant matrix on the right')
  dense(to, node, kernel, null)
}

/** The rows of the kernel follow the order a flattened picture is held in, which then needs no Permute. */
function dense(to: LayerExporter, node: Node, kernel: Tensor, own: Float32Array | null): void {
  const x = node.inputs[0]!
  const units = kernel.dims[1]!
  const rank = to.dims(x).length
  const addend = own || rank !== 2 ? null : addendBehind(to, node.outputs[0]!, units)
  const bias = own ?? addend?.values ?? null
  // behind more than one axis, axis 1 is not what Dense computes
  const last = addend?.output ?? node.outputs[0]!
  const { word, output } = rank === 2 ? fusedActivation(to, last) : { word: 'linear', output: last }
  const { input, values } = flatInput(to, x, kernel) ?? { input: to.read(x), values: toFloat32(kernel) }
  const name = to.addWeighted(node.name, input, {
    className: 'Dense',
    config: { units },
    weight: 'kernel',
    shape: kernel.dims,
    values,
    channelAxes: 1,
    bias,
    activation: word,
  })
  to.hold(output, name, plainOrder(rank))
}

function flatInput(to: LayerExporter, x: string, kernel: Tensor): { input: string; values: Float32Array } | null {
  const flat = to.heldFlat(x)
  const rows = flat?.dims.slice(1)
  if (!flat || !rows || productOf(rows) !== kernel.dims[0]) return null
  const order = flat.order.slice(1).map((axis) => axis - 1)
  const whole = { ...kernel, dims: [...(rows as number[]), kernel.dims[1]!] }
  const moved = permuteTensor(whole, [...order, order.length])
  return { input: to.add('Flatten', x, [flat.name]), values: toFloat32(moved) }
}
