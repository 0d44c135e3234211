import type { Node } from '../../../graph/model.ts'
import { intAttribute, intsAttribute } from '../../../graph/attributes.ts'
import type { Tensor, Tensor4D, Tfjs } from '../../../engines/tensor-api.ts'
import { input, type Op, type OpRow } from '../op.ts'
import { nhwc, toNhwc } from '../value.ts'
import { isSame, padded, windowsOf, type AxisWindow } from './window.ts'

/** Below every real activation; -Infinity itself would turn into NaN where a gradient of 0 meets it. */
const LOWEST = -3.4e38

const maxPool: Op = (call) => {
  const { tf, node } = call
  const x = toNhwc(tf, input(call, 0))
  const { windows, kernel, strides } = geometry(node, x)
  if (isSame(windows)) return nhwc(tf.maxPool(x as Tensor4D, kernel, strides, 'same'))
  return nhwc(tf.maxPool(padded(tf, x, windows, LOWEST) as Tensor4D, kernel, strides, 'valid'))
}

const averagePool: Op = (call) => {
  const { tf, node } = call
  const x = toNhwc(tf, input(call, 0))
  const { windows, kernel, strides } = geometry(node, x)
  const countPads = intAttribute(node, 'count_include_pad', 0) === 1
  const unpadded = windows.every(({ padBegin, padEnd }) => padBegin + padEnd === 0)
  // TensorFlow's SAME leaves the padding out of the count, as ONNX does unless told otherwise
  if (unpadded || (!countPads && isSame(windows))) {
    return nhwc(tf.avgPool(x as Tensor4D, kernel, strides, unpadded ? 'valid' : 'same'))
  }
  const y = tf.avgPool(padded(tf, x, windows) as Tensor4D, kernel, strides, 'valid')
  return nhwc(tf.mul(y, countCorrection(tf, windows, countPads)))
}

function geometry(
  node: Node,
  x: Tensor,
): { windows: [AxisWindow, AxisWindow]; kernel: [number, number]; strides: [number, number] } {
  const kernel = (intsAttribute(node, 'kernel_shape') ?? [1, 1]) as [number, number]
  const windows = windowsOf(node, kernel, [x.shape[1]!, x.shape[2]!])
  return { windows, kernel, strides: [windows[0].spec.stride, windows[1].spec.stride] }
}

/**
 * Window size over the number of elements that count, [1, outH, outW, 1]. Padding counts where the node says so, but what ceil_mode adds
 * beyond it never does. Source: ONNX AveragePool-19.
 */
function countCorrection(tf: Tfjs, windows: readonly [AxisWindow, AxisWindow], countPads: boolean): Tensor {
  const counts = windows.map(({ spec, input: length, output, padBegin }) => {
    const first = countPads ? -padBegin : 0
    const end = countPads ? length + spec.padEnd : length
    return Array.from({ length: output }, (_, i) => {
      const start = i * spec.stride - padBegin
      return Math.min(start + spec.kernel, end) - Math.max(start, first)
    })
  }) as [number[], number[]]
  const full = windows[0].spec.kernel * windows[1].spec.kernel
  const ratios = counts[0].flatMap((rows) => counts[1].map((columns) => full / (rows * columns)))
  return tf.tensor4d(ratios, [1, windows[0].output, windows[1].output, 1])
}

const globalAverage: Op = (call) => nhwc(call.tf.mean(toNhwc(call.tf, input(call, 0)), [1, 2], true))
const globalMax: Op = (call) => nhwc(call.tf.max(toNhwc(call.tf, input(call, 0)), [1, 2], true))

function refuse(node: Node): string | null {
  const kernel = intsAttribute(node, 'kernel_shape') ?? []
  if (kernel.length !== 2) return `has ${kernel.length} spatial axes, only 2 are trained`
  if ((intsAttribute(node, 'dilations') ?? []).some((dilation) => dilation !== 1)) return 'is dilated'
  return node.outputs.length > 1 && node.outputs[1] !== '' ? 'gives the places of the maxima' : null
}

/** Pools. */
export const pools: Readonly<Record<string, OpRow>> = {
  MaxPool: { run: maxPool, refuse },
  AveragePool: { run: averagePool, refuse },
  GlobalAveragePool: { run: globalAverage },
  GlobalMaxPool: { run: globalMax },
}
