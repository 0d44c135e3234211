import type { Node } from '../../../../graph/model.ts'
import { floatAttribute, intAttribute, intsAttribute } from '../../../../graph/attributes.ts'
import { toFloat32 } from '../../../../graph/tensors.ts'
import { Unsupported } from '../../lower/problem.ts'
import { plainOrder } from '../../lower/value.ts'
import { channelsLast } from '../forms.ts'
import type { LayerExporter } from './exporter.ts'

/** Dropout, Identity: nothing is computed. */
export function identity(to: LayerExporter, node: Node): void {
  if (node.outputs.slice(1).some((output) => output !== '')) throw new Unsupported('gives a mask')
  to.alias(node.inputs[0]!, node.outputs[0]!)
}

/** Reshape, Flatten, Squeeze and Unsqueeze, behind the batch. */
export function reshape(to: LayerExporter, node: Node): void {
  const [before, after] = [to.dims(node.inputs[0]!), to.dims(node.outputs[0]!)]
  if (after.some((dim) => dim === null || dim === 0)) throw new Unsupported('reshapes to lengths that cannot be told')
  if (before[0] !== after[0] || after.length < 2) throw new Unsupported('reshapes the batch')
  to.reshaped(node.inputs[0]!, node.outputs[0]!)
}

export function transpose(to: LayerExporter, node: Node): void {
  const rank = to.dims(node.inputs[0]!).length
  const perm = intsAttribute(node, 'perm') ?? [...plainOrder(rank)].reverse()
  if (perm[0] !== 0) throw new Unsupported('moves the axis of the batch')
  to.transposed(node.inputs[0]!, node.outputs[0]!, perm)
}

export function concat(to: LayerExporter, node: Node): void {
  const rank = to.dims(node.inputs[0]!).length
  const given = intAttribute(node, 'axis', 0)
  const axis = given < 0 ? given + rank : given
  if (axis === 0) throw new Unsupported('joins along the batch')
  if (node.inputs.length === 1) return to.alias(node.inputs[0]!, node.outputs[0]!)
  // pictures are held channels last wherever one of them comes from a layer over pictures
  const order = node.inputs.map((input) => to.heldOrder(input)).find((held) => held.at(-1) === 1) ?? plainOrder(rank)
  const inputs = node.inputs.map((input) => to.read(input, order))
  to.hold(node.outputs[0]!, to.add('Concatenate', node.name, inputs, { axis: order.indexOf(axis) }), order)
}

/** A part of pictures: a Cropping2D, and for steps a pooling of single values. */
export function slice(to: LayerExporter, node: Node): void {
  const x = node.inputs[0]!
  const dims = to.dims(x)
  const [starts, ends, axes, steps] = node.inputs.slice(1).map((input) => to.numbers(input))
  if (!starts || !ends || dims.length !== 4)
    throw new Unsupported('slices something else than pictures by known numbers')
  const crops = dims.map((): [number, number] => [0, 0])
  const strides = [1, 1, 1, 1]
  starts.forEach((start, i) => {
    const given = axes?.[i] ?? i
    const axis = given < 0 ? given + 4 : given
    const length = dims[axis]
    const step = steps?.[i] ?? 1
    if (start === 0 && ends[i]! >= 2 ** 31 - 1 && step === 1) return
    if (axis === 0 || typeof length !== 'number' || step < 1)
      throw new Unsupported('slices the batch, backwards, or an open length')
    const at = (place: number): number => Math.min(length, Math.max(0, place < 0 ? place + length : place))
    crops[axis] = [at(start), length - at(ends[i]!)]
    strides[axis] = step
  })
  // Cropping2D and poolings work on axes 1 and 2 of what they are given
  const order = crops[1]!.some((amount) => amount !== 0) || strides[1] !== 1 ? plainOrder(4) : channelsLast(4)
  const [, first, second, last] = order as [number, number, number, number]
  if (crops[last]!.some((amount) => amount !== 0) || strides[last] !== 1)
    throw new Unsupported('slices channels and width at a time')
  const isCropped = [...crops[first]!, ...crops[second]!].some((amount) => amount !== 0)
  const isStrided = strides[first] !== 1 || strides[second] !== 1
  const input = to.read(x, order)
  const cropped = isCropped
    ? to.add('Cropping2D', isStrided ? `${node.name}/part` : node.name, [input], {
        cropping: [crops[first], crops[second]],
        data_format: 'channels_last',
      })
    : input
  const name = isStrided
    ? to.add('MaxPooling2D', node.name, [cropped], {
        pool_size: [1, 1],
        strides: [strides[first], strides[second]],
        padding: 'valid',
        data_format: 'channels_last',
      })
    : cropped
  to.hold(node.outputs[0]!, name, order)
}

/** LayerNormalization over the last axes. */
export function layerNorm(to: LayerExporter, node: Node): void {
  if (node.outputs.slice(1).some((output) => output !== '')) throw new Unsupported('gives mean or deviation')
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const given = intAttribute(node, 'axis', -1)
  const axes = plainOrder(rank).slice(given < 0 ? given + rank : given)
  const [gamma, beta] = [to.constant(node.inputs[1]), to.constant(node.inputs[2])]
  if (!gamma || (node.inputs[2] && !beta)) throw new Unsupported('has a scale that is computed')
  if (axes[0] === 0) throw new Unsupported('normalizes over the batch')
  const shape = axes.map((axis) => to.dims(x)[axis] as number)
  const all = shape.reduce((product, dim) => product * dim, 1)
  if (gamma.dims.length !== shape.length || toFloat32(gamma).length !== all)
    throw new Unsupported('has a scale of another shape than what it normalizes')
  const config = { axis: axes, epsilon: floatAttribute(node, 'epsilon', 1e-5), center: beta !== null, scale: true }
  const lists = {
    gamma: { shape, values: toFloat32(gamma) },
    ...(beta && { beta: { shape, values: toFloat32(beta) } }),
  }
  to.hold(
    node.outputs[0]!,
    to.addWithLists('LayerNormalization', node.name, to.read(x), config, lists),
    plainOrder(rank),
  )
}
