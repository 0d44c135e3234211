import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Infer, OpContext } from '../context.ts'
import { fact, UNKNOWN, unknownDims } from '../facts.ts'
import type { AutoPad, WindowResult, WindowSpec } from '../window.ts'
import { convOutput, convTransposeOutput, keepsLength, poolOutput } from '../window.ts'
import { shapeText } from '../broadcast.ts'

/** Convolutions: Conv, FusedConv, ConvInteger (int32 output). The weight is input 1. */
export const inferConv: Infer = (op) => [fact(op.type(0), convShape(op, 0, 1))]

/** Source: ONNX ConvInteger-10. */
export const inferConvInteger: Infer = (op) => [fact('int32', convShape(op, 0, 1))]

/** Source: ONNX QLinearConv-10: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point. */
export const inferQLinearConv: Infer = (op) => [fact(op.type(7) ?? op.type(0), convShape(op, 0, 3))]

function convShape(op: OpContext, data: number, weight: number): Dim[] | null {
  const x = op.shape(data)
  const w = op.shape(weight)
  const rank = x?.length ?? w?.length
  if (rank === undefined) return null
  op.expectRank(data, 3)
  op.expectRank(weight, Math.max(rank, 3), rank)
  const group = positive(op, 'group', op.int('group', 1))
  if (x !== null && w !== null) checkChannels(op, x[1]!, w[1]!, group)
  const spatial = spatialOf(op, x, rank, kernelOf(op, w, rank), convOutput)
  return [x?.[0] ?? null, w?.[0] ?? null, ...spatial]
}

function checkChannels(op: OpContext, inChannels: Dim, perGroup: Dim, group: number): void {
  if (typeof inChannels === 'number' && typeof perGroup === 'number' && inChannels !== perGroup * group) {
    op.fail(`the input has ${inChannels} channels, the weight expects ${perGroup} × ${group} groups`)
  }
}

function kernelOf(op: OpContext, w: readonly Dim[] | null, rank: number): readonly Dim[] {
  return op.ints('kernel_shape') ?? w?.slice(2) ?? unknownDims(rank - 2)
}

/** Source: ONNX ConvTranspose-11: weight [inChannels, outChannels / group, …]. */
export const inferConvTranspose: Infer = (op) => {
  const x = op.shape(0)
  const w = op.shape(1)
  const rank = x?.length ?? w?.length
  if (rank === undefined) return [fact(op.type(0), null)]
  op.expectRank(0, 3)
  op.expectRank(1, Math.max(rank, 3), rank)
  const group = positive(op, 'group', op.int('group', 1))
  if (x !== null && w !== null) checkChannels(op, x[1]!, w[0]!, 1)
  const extra = op.ints('output_padding')
  const asked = op.ints('output_shape')
  const spatial = spatialOf(op, x, rank, kernelOf(op, w, rank), (input, spec, axis) =>
    convTransposeOutput(input, spec, extra?.[axis] ?? 0, asked?.[axis + asked.length - (rank - 2)] ?? null),
  )
  // an unknown length that the window alone would keep is settled, or grown, by these two attributes
  asked?.slice(-(rank - 2)).forEach((length, axis) => (spatial[axis] = length))
  extra?.forEach((more, axis) => {
    if (more !== 0 && typeof spatial[axis] === 'string') spatial[axis] = null
  })
  const channels = w?.[1]
  return [fact(op.type(0), [x?.[0] ?? null, typeof channels === 'number' ? channels * group : null, ...spatial])]
}

/** MaxPool, AveragePool, LpPool; MaxPool's second output is int64 indices. */
export const inferPool: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), null), fact('int64', null)]
  op.expectRank(0, 3)
  const kernel = op.ints('kernel_shape')
  if (kernel === null) return op.fail('the attribute kernel_shape is missing')
  const shape = [x[0]!, x[1]!, ...spatialOf(op, x, x.length, kernel, poolOutput)]
  return [fact(op.type(0), shape), fact('int64', shape)]
}

/** Source: ONNX GlobalAveragePool-22: every spatial axis becomes 1. */
export const inferGlobalPool: Infer = (op) => {
  const x = op.shape(0)
  return [fact(op.type(0), x === null ? null : x.map((dim, i) => (i < 2 ? dim : 1)))]
}

/** Source: ONNX MaxUnpool-11; the length asked for by the third input, else the inverse of the pool without ceil_mode. */
export const inferMaxUnpool: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [UNKNOWN]
  op.expectRank(0, 3)
  if (op.has(2)) return [fact(op.type(0), op.numbers(2) ?? unknownDims(x.length))]
  const kernel = op.ints('kernel_shape') ?? []
  const spatial = spatialOf(op, x, x.length, kernel, (input, spec) => convTransposeOutput(input, spec, 0, null))
  return [fact(op.type(0), [x[0]!, x[1]!, ...spatial])]
}

type Along = (input: number, spec: WindowSpec, axis: number) => WindowResult

function spatialOf(op: OpContext, x: readonly Dim[] | null, rank: number, kernel: readonly Dim[], along: Along): Dim[] {
  const axes = rank - 2
  const windows = windowsOf(op, axes, kernel)
  const result: Dim[] = []
  for (let axis = 0; axis < axes; axis++) {
    const input = x?.[axis + 2] ?? null
    const spec = windows[axis]!
    if (spec === null) result.push(null)
    else if (typeof input === 'number') result.push(lengthOf(op, along(input, spec, axis), input, axis))
    else result.push(keepsLength(spec) ? input : null)
  }
  return result
}

function lengthOf(op: OpContext, result: WindowResult, input: number, axis: number): number {
  if (result.output < 0 || (result.output === 0 && input > 0)) {
    op.fail(
      `the window does not fit: spatial axis ${axis} of ${shapeText(op.shape(0))} leaves ${result.output} positions`,
    )
  }
  return result.output
}

/** The window of each spatial axis; null where the kernel's length is unknown. Faults on attributes of the wrong length. */
function windowsOf(op: OpContext, axes: number, kernel: readonly Dim[]): (WindowSpec | null)[] {
  const strides = perAxis(op, 'strides', axes)
  const dilations = perAxis(op, 'dilations', axes)
  const pads = op.ints('pads') ?? new Array<number>(axes * 2).fill(0)
  if (pads.length !== axes * 2) op.fail(`pads has ${pads.length} entries, expected ${axes * 2}`)
  if (kernel.length !== axes) op.fail(`the kernel has ${kernel.length} spatial axes, the input ${axes}`)
  const autoPad = autoPadOf(op)
  const ceilMode = op.int('ceil_mode', 0) !== 0
  return kernel.map((length, axis): WindowSpec | null =>
    typeof length !== 'number'
      ? null
      : {
          kernel: positive(op, 'kernel_shape', length),
          stride: positive(op, 'strides', strides[axis]!),
          dilation: positive(op, 'dilations', dilations[axis]!),
          padBegin: pads[axis]!,
          padEnd: pads[axis + axes]!,
          autoPad,
          ceilMode,
        },
  )
}

function perAxis(op: OpContext, name: string, axes: number): number[] {
  const given = op.ints(name) ?? new Array<number>(axes).fill(1)
  if (given.length !== axes) op.fail(`${name} has ${given.length} entries, expected ${axes}`)
  return given
}

function positive(op: OpContext, name: string, value: number): number {
  if (!(value >= 1 && value <= 2 ** 31)) op.fail(`${name} has the entry ${value}, expected a positive length`)
  return value
}

function autoPadOf(op: OpContext): AutoPad {
  const text = op.string('auto_pad', 'NOTSET')
  if (text === 'SAME_UPPER' || text === 'SAME_LOWER' || text === 'VALID' || text === 'NOTSET') return text
  if (text === '') return 'NOTSET'
  return op.fail(`auto_pad is "${text}", expected NOTSET, SAME_UPPER, SAME_LOWER or VALID`)
}
