import type { Node } from '../../../graph/model.ts'
import { convOutput, poolOutput, windowSpecs, type WindowSpec } from '../../../graph/shapes/window.ts'
import type { Tensor, Tfjs } from '../../../engines/tensor-api.ts'

/** A window along one spatial axis: what the node says, and what that is on an input of a certain length. */
export interface AxisWindow {
  readonly spec: WindowSpec
  readonly input: number
  readonly output: number
  readonly padBegin: number
  /** with ceil_mode more than the node says: up to the end of the last window; less where the last window ends before the padding does */
  readonly padEnd: number
}

/** The windows of height and width. `length` [H, W] of the input. Source: ONNX Conv-11, MaxPool-12, AveragePool-19. */
export function windowsOf(
  node: Node,
  kernel: readonly number[],
  length: readonly [number, number],
): [AxisWindow, AxisWindow] {
  const specs = windowSpecs(node, kernel)
  const axis = (i: 0 | 1): AxisWindow => {
    const spec = specs[i]!
    const { output, padBegin } = spec.ceilMode ? poolOutput(length[i], spec) : convOutput(length[i], spec)
    if (output < 1) throw new Error(`${node.opType} '${node.name}' has a window longer than its input (${length[i]})`)
    const reach = (output - 1) * spec.stride + (spec.kernel - 1) * spec.dilation + 1
    return { spec, input: length[i], output, padBegin, padEnd: Math.max(0, reach - length[i] - padBegin) }
  }
  return [axis(0), axis(1)]
}

/** True where TensorFlow's SAME pads exactly so: as little as possible, the odd element at the end. */
export function isSame(windows: readonly AxisWindow[]): boolean {
  return windows.every(({ spec, input, output, padBegin, padEnd }) => {
    const total = Math.max(0, (output - 1) * spec.stride + (spec.kernel - 1) * spec.dilation + 1 - input)
    return (
      output === Math.ceil(input / spec.stride) && padBegin === Math.floor(total / 2) && padEnd === total - padBegin
    )
  })
}

/** [N, H, W, C] with the windows' padding laid around it; the tensor itself where there is none. */
export function padded(tf: Tfjs, x: Tensor, [h, w]: readonly [AxisWindow, AxisWindow], value = 0): Tensor {
  if (h.padBegin + h.padEnd + w.padBegin + w.padEnd === 0) return x
  return tf.pad(
    x,
    [
      [0, 0],
      [h.padBegin, h.padEnd],
      [w.padBegin, w.padEnd],
      [0, 0],
    ],
    value,
  )
}

/** Every `step`-th element of an axis, beginning with the first; tfjs's own stridedSlice has no gradient. */
export function everyNth(tf: Tfjs, x: Tensor, axis: number, step: number): Tensor {
  if (step === 1) return x
  const length = x.shape[axis]!
  const count = Math.ceil(length / step)
  const missing = count * step - length
  const whole =
    missing === 0
      ? x
      : tf.pad(
          x,
          x.shape.map((_, i) => [0, i === axis ? missing : 0] as [number, number]),
        )
  // three axes are enough, and TensorFlow slices at most a few: [before, count, step, after]
  const before = x.shape.slice(0, axis).reduce((a, b) => a * b, 1)
  const after = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const grouped = tf.reshape(whole, [before, count, step * after])
  const first = tf.slice(grouped, [0, 0, 0], [before, count, after])
  return tf.reshape(
    first,
    x.shape.map((dim, i) => (i === axis ? count : dim)),
  )
}
