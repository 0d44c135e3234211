import type { Node } from '../../../graph/model.ts'
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../graph/attributes.ts'
import { floatTensor, toFloat32 } from '../../../graph/tensors.ts'
import { productOf } from '../../../graph/shapes/facts.ts'
import { permuteTensor } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import { withoutAxes } from '../lower/reduction.ts'
import { plainOrder } from '../lower/value.ts'
import { broadcast, commonOrder } from './elementwise.ts'
import type { Exporter } from './exporter.ts'
import { tf, type TfAttribute } from './tf-node.ts'
import { emitFused } from './windows.ts'

const index = { Tidx: tf.type('DT_INT32') }

export function identity(to: Exporter, node: Node): void {
  if (node.outputs.slice(1).some((output) => output !== '')) throw new Unsupported('gives a mask')
  to.alias(node.inputs[0]!, node.outputs[0]!)
}

/** Reshape, Flatten, Squeeze and Unsqueeze: the dims of the output say it all. */
export function reshape(to: Exporter, node: Node): void {
  if (to.dims(node.outputs[0]!).some((dim) => dim === null || dim === 0))
    throw new Unsupported('reshapes to lengths that cannot be told')
  to.reshaped(node.inputs[0]!, node.outputs[0]!)
}

export function transpose(to: Exporter, node: Node): void {
  const rank = to.dims(node.inputs[0]!).length
  const perm = intsAttribute(node, 'perm') ?? [...plainOrder(rank)].reverse()
  to.transposed(node.inputs[0]!, node.outputs[0]!, perm)
}

function axisOf(node: Node, rank: number, fallback: number): number {
  const axis = intAttribute(node, 'axis', fallback)
  return axis < 0 ? axis + rank : axis
}

export function concat(to: Exporter, node: Node): void {
  const rank = to.dims(node.inputs[0]!).length
  const order = commonOrder(to, node.inputs, rank)
  const along = to.integers(`${node.name}/axis`, [order.indexOf(axisOf(node, rank, 0))], [])
  const inputs = [...node.inputs.map((input) => to.read(input, order)), along]
  to.hold(
    node.outputs[0]!,
    to.emit('ConcatV2', node.name, inputs, { N: tf.int(node.inputs.length), ...index }, to.typeOf(node.inputs[0]!)),
    order,
  )
}

export function split(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const dims = to.dims(x)
  const axis = axisOf(node, dims.length, 0)
  const sizes = node.outputs.map((output) => to.dims(output)[axis])
  if (sizes.some((size) => typeof size !== 'number')) throw new Unsupported('splits into parts of open length')
  const order = to.heldOrder(x)
  const lengths = to.integers(`${node.name}/lengths`, sizes as number[])
  const along = to.integers(`${node.name}/axis`, [order.indexOf(axis)], [])
  const attr = { num_split: tf.int(sizes.length), Tlen: tf.type('DT_INT32') }
  const name = to.emit('SplitV', node.name, [to.read(x, order), lengths, along], attr, to.typeOf(x))
  node.outputs.forEach((output, i) => to.hold(output, i === 0 ? name : `${name}:${i}`, order))
}

export function slice(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const [starts, ends, axes, strides] = node.inputs.slice(1).map((input) => to.numbers(input))
  if (!starts || !ends) throw new Unsupported('slices by numbers that are computed')
  const order = to.heldOrder(x)
  const begin = new Array<number>(rank).fill(0)
  const end = new Array<number>(rank).fill(0)
  const step = new Array<number>(rank).fill(1)
  let beginMask = 2 ** rank - 1
  let endMask = 2 ** rank - 1
  starts.forEach((start, i) => {
    const axis = axes?.[i] ?? i
    const at = order.indexOf(axis < 0 ? axis + rank : axis)
    const by = strides?.[i] ?? 1
    const until = ends[i]!
    step[at] = by
    if (Math.abs(start) < 2 ** 31 - 1) {
      begin[at] = start
      beginMask -= 2 ** at
    }
    if (Math.abs(until) < 2 ** 31 - 1) {
      end[at] = until
      endMask -= 2 ** at
    }
  })
  const input = [
    to.read(x, order),
    to.integers(`${node.name}/begin`, begin),
    to.integers(`${node.name}/end`, end),
    to.integers(`${node.name}/strides`, step),
  ]
  const attr = {
    Index: tf.type('DT_INT32'),
    begin_mask: tf.int(beginMask),
    end_mask: tf.int(endMask),
    ellipsis_mask: tf.int(0),
    new_axis_mask: tf.int(0),
    shrink_axis_mask: tf.int(0),
  }
  to.hold(node.outputs[0]!, to.emit('StridedSlice', node.name, input, attr, to.typeOf(x)), order)
}

export function pad(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const amounts = to.numbers(node.inputs[1])
  const mode = stringAttribute(node, 'mode', 'constant')
  if (!amounts || amounts.length !== 2 * rank || node.inputs[3])
    throw new Unsupported('pads by amounts that are computed, or along named axes')
  if (amounts.some((amount) => amount < 0)) throw new Unsupported('pads by negative amounts')
  if (mode !== 'constant' && mode !== 'reflect') throw new Unsupported(`pads in the mode ${mode}`)
  const order = to.heldOrder(x)
  const pairs = order.flatMap((axis) => [amounts[axis]!, amounts[axis + rank]!])
  const input = [to.read(x, order), to.integers(`${node.name}/paddings`, pairs, [rank, 2])]
  const types = { Tpaddings: tf.type('DT_INT32') }
  const value = to.constant(node.inputs[2])
  if (node.inputs[2] && !value) throw new Unsupported('pads by a number that is computed')
  const name =
    mode === 'reflect'
      ? to.emit('MirrorPad', node.name, input, { ...types, mode: tf.text('REFLECT') })
      : to.emit(
          'PadV2',
          node.name,
          [...input, to.number(`${node.name}/value`, value ? toFloat32(value)[0]! : 0)],
          types,
        )
  to.hold(node.outputs[0]!, name, order)
}

export function gather(to: Exporter, node: Node): void {
  const rank = to.dims(node.inputs[0]!).length
  const axis = to.integers(`${node.name}/axis`, [axisOf(node, rank, 0)], [])
  const attr = { Tindices: tf.type('DT_INT32'), Taxis: tf.type('DT_INT32'), batch_dims: tf.int(0) }
  const name = to.emit(
    'GatherV2',
    node.name,
    [to.read(node.inputs[0]!), to.read(node.inputs[1]!), axis],
    attr,
    to.typeOf(node.inputs[0]!),
  )
  to.hold(node.outputs[0]!, name, plainOrder(to.dims(node.outputs[0]!).length))
}

export const reduce =
  (op: string) =>
  (to: Exporter, node: Node): void => {
    const x = node.inputs[0]!
    const rank = to.dims(x).length
    const given = intsAttribute(node, 'axes') ?? to.numbers(node.inputs[1])
    if (node.inputs[1] && !given) throw new Unsupported('reduces along axes that are computed')
    const axes = (given && given.length > 0 ? given : plainOrder(rank)).map((axis) => (axis < 0 ? axis + rank : axis))
    const keep = intAttribute(node, 'keepdims', 1) === 1
    const hasNone = !given || given.length === 0
    if (hasNone && intAttribute(node, 'noop_with_empty_axes', 0) === 1) return to.alias(x, node.outputs[0]!)
    const order = to.heldOrder(x)
    const along = to.integers(
      `${node.name}/axes`,
      axes.map((axis) => order.indexOf(axis)),
    )
    const name = to.emit(
      op,
      node.name,
      [to.read(x, order), along],
      { keep_dims: tf.flag(keep), ...index },
      to.typeOf(x),
    )
    to.hold(node.outputs[0]!, name, keep ? order : withoutAxes(order, axes))
  }

export function argMax(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const dims = to.dims(x)
  const axis = axisOf(node, dims.length, 0)
  if (intAttribute(node, 'select_last_index', 0) === 1) throw new Unsupported('takes the last of equal values')
  const order = to.heldOrder(x)
  const along = to.integers(`${node.name}/axis`, [order.indexOf(axis)], [])
  const found = to.emit(node.opType, node.name, [to.read(x, order), along], {
    output_type: tf.type('DT_INT32'),
    ...index,
  })
  const left = withoutAxes(order, [axis])
  if (intAttribute(node, 'keepdims', 1) === 0) return to.hold(node.outputs[0]!, found, left)
  const at = to.integers(`${node.name}/kept_axis`, [order.indexOf(axis)], [])
  to.hold(
    node.outputs[0]!,
    to.emit('ExpandDims', `${node.name}/kept`, [found, at], { Tdim: tf.type('DT_INT32') }, 'DT_INT32'),
    order,
  )
}

export function tile(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const counts = to.numbers(node.inputs[1])
  if (!counts) throw new Unsupported('repeats by numbers that are computed')
  const order = to.heldOrder(x)
  const repeats = to.integers(
    `${node.name}/repeats`,
    order.map((axis) => counts[axis]!),
  )
  to.hold(
    node.outputs[0]!,
    to.emit('Tile', node.name, [to.read(x, order), repeats], { Tmultiples: tf.type('DT_INT32') }),
    order,
  )
}

/** alpha · A · B + beta · C as MatMul with BiasAdd; factors go into the constants. */
export function gemm(to: Exporter, node: Node): void {
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)]
  const weights = to.constant(node.inputs[1])
  if (!weights) throw new Unsupported('has weights that are computed')
  const scaled =
    alpha === 1
      ? weights
      : floatTensor(
          weights.name,
          weights.dims,
          toFloat32(weights).map((value) => value * alpha),
        )
  const kernel = intAttribute(node, 'transB', 0) === 1 ? permuteTensor(scaled, [1, 0]) : scaled
  if (intAttribute(node, 'transA', 0) === 1) throw new Unsupported('transposes its first input')
  const addend = node.inputs[2] ? to.constant(node.inputs[2]) : null
  if (node.inputs[2] && !addend) throw new Unsupported('adds something computed')
  const list = addend && (productOf(addend.dims) === kernel.dims[1] || productOf(addend.dims) === 1) ? addend : null
  if (addend && !list) throw new Unsupported('adds more than one number for each column')
  const bias =
    list &&
    Float32Array.from(
      { length: kernel.dims[1]! },
      (_, i) => beta * (toFloat32(list)[list.data.length === 4 ? 0 : i] ?? 0),
    )
  product(to, node, kernel, bias && to.weight(`${list.name}`, [kernel.dims[1]!], bias))
}

/** MatMul with a constant on the right, or of two computed values. */
export function matMul(to: Exporter, node: Node): void {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!]
  const kernel = to.constant(b)
  if (kernel?.dims.length === 2 && to.dims(a).length === 2) return product(to, node, kernel, null)
  if (to.dims(a).length < 2 || to.dims(b).length < 2) throw new Unsupported('multiplies values of rank below 2')
  const rank = Math.max(to.dims(a).length, to.dims(b).length)
  const op = rank === 2 ? 'MatMul' : 'BatchMatMulV2'
  const attr: Record<string, TfAttribute> =
    rank === 2
      ? { transpose_a: tf.flag(false), transpose_b: tf.flag(false) }
      : { adj_x: tf.flag(false), adj_y: tf.flag(false) }
  const order = plainOrder(rank)
  const inputs = rank === 2 ? [to.read(a), to.read(b)] : [broadcast(to, a, rank, order), broadcast(to, b, rank, order)]
  to.hold(node.outputs[0]!, to.emit(op, node.name, inputs, attr), plainOrder(to.dims(node.outputs[0]!).length))
}

/** The rows of the kernel follow the order a flattened convolution output is held in, which then needs no Transpose. */
function product(
  to: Exporter,
  node: Node,
  kernel: { readonly name: string; readonly dims: readonly number[] } & Parameters<typeof permuteTensor>[0],
  bias: string | null,
): void {
  const x = node.inputs[0]!
  const flat = to.heldFlat(x)
  const rows = flat?.dims.slice(1)
  const isKnown = rows !== undefined && productOf(rows) === kernel.dims[0]
  const inputs = isKnown
    ? [
        to.reshape(`${x}/flat`, flat!.name, [-1, kernel.dims[0]!]),
        to.madeWeight(
          kernel,
          `rows ${node.name}`,
          () => {
            const order = flat!.order.slice(1).map((axis) => axis - 1)
            const moved = permuteTensor({ ...kernel, dims: [...(rows as number[]), kernel.dims[1]!] }, [
              ...order,
              order.length,
            ])
            return { ...moved, dims: kernel.dims }
          },
          1,
        ),
      ]
    : [to.read(x), to.madeWeight(kernel, `kernel ${node.name}`, () => kernel, 1)]
  const attr = { transpose_a: tf.flag(false), transpose_b: tf.flag(false) }
  emitFused(to, node, { plain: 'MatMul', fused: '_FusedMatMul' }, inputs, bias, attr)
}
