import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import { int, string } from '../../../graph/attributes.ts'
import { numberOfDataType } from '../../../graph/data-types.ts'
import { floatTensor, int32Tensor } from '../../../graph/tensors.ts'
import { commonOrder } from './elementwise.ts'
import type { Lowering } from './lowering.ts'
import { Malformed, Unsupported } from './problem.ts'
import { normalAxes } from './reduction.ts'
import { heldOrder, permuted, plainOrder, type Value } from './value.ts'

/** Joins values along an axis. */
export function concatenate(to: Lowering, name: string, values: readonly Value[], axis: number): Value {
  const [first] = values
  if (!first) throw new Malformed('joins nothing')
  if (values.length === 1) return first
  if (values.some((value) => value.dims.length !== first.dims.length))
    throw new Malformed('joins values of several ranks')
  const [along] = normalAxes([axis], first.dims.length)
  const order = commonOrder(values)
  const inputs = values.map((value) => to.read(value, order))
  return to.value(
    name,
    to.emit({ opType: 'Concat', name, inputs, attributes: [['axis', int(order.indexOf(along!))]] }),
    order,
  )
}

/** Adds [begin, end] elements at each axis: a constant, or a mirror image. Negative amounts cut. */
export function pad(
  to: Lowering,
  name: string,
  x: Value,
  amounts: readonly (readonly [number, number])[],
  options: { readonly mode?: 'constant' | 'reflect'; readonly value?: number } = {},
): Value {
  if (amounts.length !== x.dims.length)
    throw new Malformed(`pads ${amounts.length} axes of an input of rank ${x.dims.length}`)
  if (amounts.every(([begin, end]) => begin === 0 && end === 0)) return x
  const order = heldOrder(x)
  const stored = permuted(amounts, order)
  const pads = to.integers(`${name}/pads`, [...stored.map(([begin]) => begin), ...stored.map(([, end]) => end)])
  const inputs = [to.read(x, order), pads]
  const { mode = 'constant', value = 0 } = options
  if (mode === 'constant' && (value !== 0 || x.dataType !== 'float'))
    inputs.push(to.store(scalarOf(`${name}/value`, x.dataType, value)))
  return to.value(name, to.emit({ opType: 'Pad', name, inputs, attributes: [['mode', string(mode)]] }), order)
}

function scalarOf(name: string, dataType: DataType, value: number): ReturnType<typeof floatTensor> {
  if (dataType === 'int32') return int32Tensor(name, [], Int32Array.of(value))
  if (dataType !== 'float') throw new Unsupported(`pads values of type ${dataType}`)
  return floatTensor(name, [], [value])
}

/** One axis of a slice: from `begin` by `step` until `end`, which may be beyond. */
export interface AxisSlice {
  readonly axis: number
  readonly begin: number
  readonly end: number
  readonly step: number
}

/** "To the end" in either direction. Source: ONNX Slice-13 asks for the largest and smallest integers. */
export const FAR_END = 2 ** 31 - 1
export const FAR_BEGIN = -(2 ** 31)

/** A part of a value. */
export function slice(to: Lowering, name: string, x: Value, parts: readonly AxisSlice[]): Value {
  const wanted = parts.filter(({ begin, end, step }) => begin !== 0 || end !== FAR_END || step !== 1)
  if (wanted.length === 0) return x
  const order = heldOrder(x)
  const inputs = [
    to.read(x, order),
    to.integers(
      `${name}/starts`,
      wanted.map(({ begin }) => begin),
    ),
    to.integers(
      `${name}/ends`,
      wanted.map(({ end }) => end),
    ),
    to.integers(
      `${name}/axes`,
      wanted.map(({ axis }) => order.indexOf(axis)),
    ),
    to.integers(
      `${name}/steps`,
      wanted.map(({ step }) => step),
    ),
  ]
  return to.value(name, to.emit({ opType: 'Slice', name, inputs }), order)
}

/** Parts of a value along an axis, of the given lengths. */
export function split(to: Lowering, name: string, x: Value, axis: number, lengths: readonly number[]): Value[] {
  const [along] = normalAxes([axis], x.dims.length)
  const order = heldOrder(x)
  const inputs = [to.read(x, order), to.integers(`${name}/lengths`, lengths)]
  const attributes = [['axis', int(order.indexOf(along!))]] as const
  const names = to.emitAll({ opType: 'Split', name, inputs, attributes, outputs: lengths.length })
  return names.map((tensor, i) => to.value(i === 0 ? name : `${name}:${i}`, tensor, order))
}

/** Without axes of length 1: those named, or all. */
export function squeeze(to: Lowering, name: string, x: Value, axes: readonly number[] | null): Value {
  const gone = axes ? normalAxes(axes, x.dims.length) : plainOrder(x.dims.length).filter((axis) => x.dims[axis] === 1)
  for (const axis of gone) {
    if (typeof x.dims[axis] === 'number' && x.dims[axis] !== 1)
      throw new Malformed(`drops axis ${axis} of length ${x.dims[axis]}`)
  }
  return to.reshaped(
    name,
    x,
    x.dims.filter((_, axis) => !gone.includes(axis)),
  )
}

/** With a new axis of length 1. */
export function expandDims(to: Lowering, name: string, x: Value, axis: number): Value {
  const [at] = normalAxes([axis], x.dims.length + 1)
  return to.reshaped(name, x, [...x.dims.slice(0, at), 1, ...x.dims.slice(at)])
}

/** Values joined along a new axis. */
export function stack(to: Lowering, name: string, values: readonly Value[], axis: number): Value {
  const raised = values.map((value, i) => expandDims(to, `${name}/${i}`, value, axis))
  return concatenate(to, name, raised, axis)
}

/** Repeats a value along each axis. */
export function tile(to: Lowering, name: string, x: Value, counts: readonly number[]): Value {
  if (counts.length !== x.dims.length)
    throw new Malformed(`repeats ${counts.length} axes of an input of rank ${x.dims.length}`)
  const order = heldOrder(x)
  const repeats = to.integers(`${name}/repeats`, permuted(counts, order))
  return to.value(name, to.emit({ opType: 'Tile', name, inputs: [to.read(x, order), repeats] }), order)
}

/** Items of a value along an axis, by index. */
export function gather(to: Lowering, name: string, x: Value, indices: Value, axis: number): Value {
  const [along] = normalAxes([axis], x.dims.length)
  const attributes = [['axis', int(along!)]] as const
  return to.value(name, to.emit({ opType: 'Gather', name, inputs: [to.read(x), to.read(indices)], attributes }))
}

export function cast(to: Lowering, name: string, x: Value, dataType: DataType): Value {
  if (x.dataType === dataType) return x
  return to.unary(name, 'Cast', x, [['to', int(numberOfDataType(dataType))]])
}

/** New lengths of a reshape: −1 stands for what is left. Keeps the names of open axes where they can be told. */
export function targetDims(source: readonly Dim[], target: readonly Dim[]): Dim[] {
  const open = target.filter((dim) => dim === -1)
  if (open.length > 1) throw new Malformed('reshapes to more than one open length')
  for (const dim of target) {
    if (typeof dim === 'number' && (!Number.isInteger(dim) || dim < -1))
      throw new Malformed(`reshapes to a length of ${dim}`)
  }
  if (open.length === 0) return [...target]
  const [have, wanted] = [factors(source), factors(target.filter((dim) => dim !== -1))]
  const names = [...have.names]
  for (const name of wanted.names) {
    const at = names.indexOf(name)
    if (at < 0) return target.map((dim) => (dim === -1 ? null : dim))
    names.splice(at, 1)
  }
  const rest = have.product / wanted.product
  if (names.length === 0 && !Number.isInteger(rest)) {
    throw new Malformed(`reshapes ${have.product} elements to a multiple of ${wanted.product}`)
  }
  const left: Dim = names.length === 0 ? rest : names.length === 1 && rest === 1 ? names[0]! : null
  return target.map((dim) => (dim === -1 ? left : dim))
}

/** Product of the known lengths, and the open ones. */
function factors(dims: readonly Dim[]): { product: number; names: Dim[] } {
  const numbers = dims.filter((dim) => typeof dim === 'number')
  return {
    product: numbers.reduce((product, dim) => product * dim, 1),
    names: dims.filter((dim) => typeof dim !== 'number'),
  }
}
