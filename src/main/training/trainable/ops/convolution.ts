import { intAttribute, intsAttribute } from '../../../graph/attributes.ts'
import { convTransposeOutput, windowSpecs } from '../../../graph/shapes/window.ts'
import type { NativeOps, Tensor, Tensor4D, Tfjs } from '../../../engines/tensor-api.ts'
import type { Node } from '../../../graph/model.ts'
import { input, type Op, type OpCall, type OpRow } from '../op.ts'
import { nhwc, toNhwc, toPlain } from '../value.ts'
import { everyNth, isSame, padded, windowsOf, type AxisWindow } from './window.ts'

type Windows = readonly [AxisWindow, AxisWindow]
type Pair = [number, number]

const conv: Op = (call) => {
  const { tf, native, node } = call
  const x = toNhwc(tf, input(call, 0))
  const group = intAttribute(node, 'group', 1)
  // ONNX's weight is [out, in / group, kH, kW]
  const depthwise = group > 1 && x.shape[3] === group
  const filter = depthwise ? depthwiseFilter(call, group) : plainFilter(call)
  const windows = windowsOf(node, filter.shape.slice(0, 2), [x.shape[1]!, x.shape[2]!])
  const y = depthwise
    ? depthwiseConv(tf, x, filter, windows)
    : group === 1
      ? denseConv(tf, native, x, filter, windows)
      : groupedConv(tf, native, x, filter, windows, group)
  return nhwc(withBias(call, y))
}

function plainFilter(call: OpCall): Tensor {
  return call.weight(1) ?? call.tf.transpose(toPlain(call.tf, input(call, 1)), [2, 3, 1, 0])
}

function depthwiseFilter(call: OpCall, group: number): Tensor {
  const stored = call.weight(1)
  if (stored) return stored
  const weight = toPlain(call.tf, input(call, 1))
  const [out, , h, w] = weight.shape as [number, number, number, number]
  return call.tf.reshape(call.tf.transpose(weight, [2, 3, 1, 0]), [h, w, group, out / group])
}

function withBias(call: OpCall, y: Tensor): Tensor {
  const bias = call.inputs[2]
  return bias ? call.tf.add(y, toPlain(call.tf, bias)) : y
}

const strides = ([h, w]: Windows): Pair => [h.spec.stride, w.spec.stride]
const dilations = ([h, w]: Windows): Pair => [h.spec.dilation, w.spec.dilation]
const isDilated = (windows: Windows): boolean => dilations(windows).some((dilation) => dilation > 1)

function denseConv(tf: Tfjs, native: NativeOps, x: Tensor, filter: Tensor, windows: Windows): Tensor {
  const run = (y: Tensor, stride: Pair, pad: 'same' | 'valid'): Tensor => native.conv2d(y, filter, stride, pad)
  return windowed(tf, x, windows, run)
}

function depthwiseConv(tf: Tfjs, x: Tensor, filter: Tensor, windows: Windows): Tensor {
  const [h, w] = strides(windows)
  const run = (y: Tensor, stride: Pair, pad: 'same' | 'valid'): Tensor =>
    tf.depthwiseConv2d(y as Tensor4D, filter as Tensor4D, stride, pad)
  if (h === w) return windowed(tf, x, windows, run)
  // the kernel takes equal strides only
  return strided(tf, windowed(tf, padded(tf, x, windows), stepless(windows), run), [h, w])
}

function groupedConv(tf: Tfjs, native: NativeOps, x: Tensor, filter: Tensor, windows: Windows, group: number): Tensor {
  const inputs = tf.split(x, group, 3)
  const filters = tf.split(filter, group, 3)
  return tf.concat(
    inputs.map((part, i) => denseConv(tf, native, part, filters[i]!, windows)),
    3,
  )
}

/** One convolution with the padding and dilation that the engine can differentiate. */
function windowed(
  tf: Tfjs,
  x: Tensor,
  windows: Windows,
  run: (x: Tensor, stride: Pair, pad: 'same' | 'valid') => Tensor,
): Tensor {
  if (isDilated(windows)) {
    const dense = spaceToBatch(tf, padded(tf, x, windows), dilations(windows), windows, (y) => run(y, [1, 1], 'valid'))
    return strided(tf, dense, strides(windows))
  }
  if (isSame(windows)) return run(x, strides(windows), 'same')
  return run(padded(tf, x, windows), strides(windows), 'valid')
}

/** The windows once their padding is laid on, walking every element. */
function stepless(windows: Windows): Windows {
  const [h, w] = windows.map((axis): AxisWindow => {
    const length = axis.input + axis.padBegin + axis.padEnd
    const output = length - (axis.spec.kernel - 1) * axis.spec.dilation
    return { spec: { ...axis.spec, stride: 1 }, input: length, output, padBegin: 0, padEnd: 0 }
  }) as [AxisWindow, AxisWindow]
  return [h, w]
}

function strided(tf: Tfjs, x: Tensor, [h, w]: Pair): Tensor {
  return everyNth(tf, everyNth(tf, x, 1, h), 2, w)
}

/**
 * A dilated window over an image is a dense one over each of the dilation's interleaved sub-images.
 * Source: TensorFlow's tf.nn.with_space_to_batch.
 */
function spaceToBatch(tf: Tfjs, x: Tensor, block: Pair, windows: Windows, run: (x: Tensor) => Tensor): Tensor {
  const [, h, w] = x.shape as [number, number, number, number]
  const extra = [h, w].map((length, i) => (block[i]! - (length % block[i]!)) % block[i]!) as Pair
  const y = run(
    tf.spaceToBatchND(x, block, [
      [0, extra[0]],
      [0, extra[1]],
    ]),
  )
  const span = windows.map(({ spec }) => (spec.kernel - 1) * spec.dilation) as Pair
  const crops = [h, w].map((length, i) => [0, y.shape[i + 1]! * block[i]! - (length - span[i]!)])
  return tf.batchToSpaceND(y, block, crops)
}

const convTranspose: Op = (call) => {
  const { tf, node } = call
  const x = toNhwc(tf, input(call, 0)) as Tensor4D
  const filter = (call.weight(1) ?? tf.transpose(toPlain(tf, input(call, 1)), [2, 3, 1, 0])) as Tensor4D
  const [kH, kW, out] = filter.shape
  const specs = windowSpecs(node, [kH, kW])
  const axis = (i: 0 | 1): { full: number; output: number; begin: number; stride: number; length: number } => {
    const spec = specs[i]!
    const { kernel, stride } = spec
    const length = x.shape[i + 1]!
    const extra = intsAttribute(node, 'output_padding')?.[i] ?? 0
    const { output, padBegin } = convTransposeOutput(
      length,
      spec,
      extra,
      intsAttribute(node, 'output_shape')?.[i] ?? null,
    )
    return { full: (length - 1) * stride + kernel, output, begin: padBegin, stride, length }
  }
  const [h, w] = [axis(0), axis(1)]
  const full = tf.conv2dTranspose(x, filter, [x.shape[0], h.full, w.full, out], [h.stride, w.stride], 'valid')
  return nhwc(withBias(call, fitted(tf, full, [h, w])))
}

/** Cuts the padding off; where output_padding goes past the last window, zeros follow. */
function fitted(tf: Tfjs, full: Tensor, axes: readonly { full: number; output: number; begin: number }[]): Tensor {
  const pads = axes.map(({ full: length, output, begin }) => Math.max(0, begin + output - length))
  const wide = pads.some((pad) => pad > 0)
    ? tf.pad(full, [
        [0, 0],
        [0, pads[0]!],
        [0, pads[1]!],
        [0, 0],
      ])
    : full
  const [n, , , c] = full.shape as [number, number, number, number]
  return tf.slice(wide, [0, axes[0]!.begin, axes[1]!.begin, 0], [n, axes[0]!.output, axes[1]!.output, c])
}

function refuseRank(node: Node): string | null {
  const kernel =
    intsAttribute(node, 'kernel_shape') ?? intsAttribute(node, 'strides') ?? intsAttribute(node, 'dilations')
  return kernel && kernel.length !== 2 ? `has ${kernel.length} spatial axes, only 2 are trained` : null
}

function refuseTransposed(node: Node): string | null {
  if (intAttribute(node, 'group', 1) !== 1) return 'has groups'
  if ((intsAttribute(node, 'dilations') ?? []).some((dilation) => dilation !== 1)) return 'is dilated'
  return refuseRank(node)
}

/** Convolutions. */
export const convolutions: Readonly<Record<string, OpRow>> = {
  Conv: { run: conv, refuse: refuseRank },
  ConvTranspose: { run: convTranspose, refuse: refuseTransposed },
}
