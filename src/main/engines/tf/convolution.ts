import type { NativeOps, Tensor, Tensor4D, Tfjs } from '../tensor-api.ts'
import type { NativeBackend } from './native-ops.ts'

/** Under this name tfjs knows the convolution whose gradient is ours. */
const KERNEL = 'QuantbenchConv2D'

type Pair = readonly [number, number]

interface Settings {
  readonly strides: Pair
  readonly pad: 'same' | 'valid'
}

/**
 * TensorFlow's CPU kernel for the gradient by the input multiplies picture by picture: with few pixels and many channels it is up to
 * 14 times slower than the convolution forward (libtensorflow 1.15; 2×2 pixels of 512 channels: 490 ms against 35). That gradient is a
 * convolution too, of the stretched gradient with the turned filter.
 */
export function createConvolution(tf: Tfjs, backend: NativeBackend): NativeOps['conv2d'] {
  const { binding } = backend
  tf.registerKernel({
    kernelName: KERNEL,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => {
      const { strides, pad } = attrs as unknown as Settings
      const attributes = [
        { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'strides', type: binding.TF_ATTR_INT, value: [1, ...strides, 1] },
        { name: 'padding', type: binding.TF_ATTR_STRING, value: pad.toUpperCase() },
        { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
      ]
      const { x, filter } = inputs as unknown as { x: Tensor; filter: Tensor }
      return backend.executeMultipleOutputs('Conv2D', attributes, [x, filter], 1)[0]!
    },
  })
  tf.registerGradient({
    kernelName: KERNEL,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const [x, filter] = saved as [Tensor4D, Tensor4D]
      const settings = attrs as unknown as Settings
      return {
        x: () => inputGradient(tf, dy as Tensor4D, x, filter, settings),
        filter: () =>
          kernelGradient(tf, 'Conv2DBackpropFilter', { x, dy: dy as Tensor }, settings, { filterShape: filter.shape }),
      }
    },
  })
  return (x, filter, strides, pad) =>
    tf.engine().runKernel<Tensor>(KERNEL, { x, filter }, { strides: [...strides], pad })
}

function kernelGradient(
  tf: Tfjs,
  kernel: string,
  inputs: Readonly<Record<string, Tensor>>,
  { strides, pad }: Settings,
  shape: Readonly<Record<string, number[]>>,
): Tensor {
  const attributes = { strides: [...strides], pad, dataFormat: 'NHWC', ...shape }
  return tf.engine().runKernel<Tensor>(kernel, { ...inputs }, attributes)
}

/** Below so many channels the kernels' own gradient is the faster. Measured on LeNet-5 (6 and 16) and ResNet-18 (64 and more). */
const LEAST_CHANNELS = 16
/** With strides most of the stretched gradient is zeros; that pays for few pixels only. Measured at 64 (slower) and 4 (9 times faster). */
const MOST_STRIDED_PIXELS = 8

function inputGradient(tf: Tfjs, dy: Tensor4D, x: Tensor4D, filter: Tensor4D, settings: Settings): Tensor {
  const [, , channels, filters] = filter.shape
  const isStrided = settings.strides.some((stride) => stride > 1)
  const isSlow =
    Math.min(channels, filters) >= LEAST_CHANNELS && (!isStrided || dy.shape[1] * dy.shape[2] <= MOST_STRIDED_PIXELS)
  return isSlow
    ? convolvedBack(tf, dy, x, filter, settings)
    : kernelGradient(tf, 'Conv2DBackpropInput', { dy, filter }, settings, { inputShape: x.shape })
}

/** dx[i] = sum over k of dy[(i + padBegin − k) / stride] · filter[k], for each axis, wherever the index is whole. */
function convolvedBack(tf: Tfjs, dy: Tensor4D, x: Tensor4D, filter: Tensor4D, { strides, pad }: Settings): Tensor {
  const [kH, kW, channels, filters] = filter.shape
  const turned = tf.reverse(tf.reshape(filter, [kH * kW, channels, filters]), 0)
  const swapped: Tensor4D = tf.reshape(tf.transpose(turned, [0, 2, 1]), [kH, kW, filters, channels])
  const axes = ([0, 1] as const).map((axis) => {
    const [kernel, stride, length, output] = [
      filter.shape[axis],
      strides[axis],
      x.shape[axis + 1]!,
      dy.shape[axis + 1]!,
    ]
    const padding = pad === 'valid' ? 0 : Math.max(0, (output - 1) * stride + kernel - length)
    const before = kernel - 1 - Math.floor(padding / 2)
    return { kernel, before, after: length + kernel - 1 - before - output * stride }
  }) as [Side, Side]
  const stretched = stretch(tf, dy, strides)
  const isSame = axes.every(({ kernel, before, after }) => before === (kernel - 1) >> 1 && after === kernel >> 1)
  if (isSame) return tf.conv2d(stretched, swapped, 1, 'same')
  return tf.conv2d(fitted(tf, stretched, axes), swapped, 1, 'valid')
}

interface Side {
  readonly kernel: number
  /** rows to lay before and behind; behind, less than none cuts off */
  readonly before: number
  readonly after: number
}

/** Zeros behind each row and column, as many as a stride leaves out. */
function stretch(tf: Tfjs, dy: Tensor4D, [down, right]: Pair): Tensor4D {
  if (down === 1 && right === 1) return dy
  const [n, h, w, c] = dy.shape
  const spread = tf.pad(tf.reshape(dy, [n, h, 1, w, 1, c]), [
    [0, 0],
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, right - 1],
    [0, 0],
  ])
  return tf.reshape(spread, [n, h * down, w * right, c])
}

function fitted(tf: Tfjs, x: Tensor4D, [h, w]: readonly [Side, Side]): Tensor4D {
  const [n, height, width, c] = x.shape
  const cut = tf.slice(x, [0, 0, 0, 0], [n, height + Math.min(0, h.after), width + Math.min(0, w.after), c])
  return tf.pad(cut, [
    [0, 0],
    [h.before, Math.max(0, h.after)],
    [w.before, Math.max(0, w.after)],
    [0, 0],
  ])
}
