import type { Tensor as Constant } from '../../graph/model.ts'
import { elementCount, float32Of, toFloat32, typedArrayOf } from '../../graph/tensors.ts'
import type { Tensor, Tfjs } from '../../engines/tensor-api.ts'

/**
 * What flows along an edge: a tensor of the engine, kept [N, H, W, C] where `nhwc`; or a constant that is known without the engine,
 * such as the shapes that Reshape reads. A Dropout's seed and integers never leave the second form.
 */
export type Value =
  | { readonly kind: 'tensor'; readonly tensor: Tensor; readonly nhwc: boolean }
  | { readonly kind: 'constant'; readonly constant: Constant }

/** A tensor as ONNX lays it out. */
export const plain = (tensor: Tensor): Value => ({ kind: 'tensor', tensor, nhwc: false })
/** A tensor whose ONNX axes N, C, H, W are stored as N, H, W, C. */
export const nhwc = (tensor: Tensor): Value => ({ kind: 'tensor', tensor, nhwc: true })

/** The shape as ONNX sees it. */
export function shapeOf(value: Value): readonly number[] {
  if (value.kind === 'constant') return value.constant.dims
  const { shape } = value.tensor
  return value.nhwc ? [shape[0], shape[3]!, shape[1]!, shape[2]!] : shape
}

/** The stored axis of an ONNX axis (negative ones count from the end). */
export function storedAxis(value: Value, axis: number): number {
  const rank = shapeOf(value).length
  const positive = axis < 0 ? axis + rank : axis
  if (value.kind === 'constant' || !value.nhwc) return positive
  return [0, 3, 1, 2][positive]!
}

/** The value as a tensor [N, H, W, C]; of rank 4. */
export function toNhwc(tf: Tfjs, value: Value): Tensor {
  if (value.kind === 'tensor' && value.nhwc) return value.tensor
  const tensor = toPlain(tf, value)
  const [n, c, h, w] = tensor.shape as [number, number, number, number]
  // with one channel or one pixel both layouts hold the same values in the same order
  if (c === 1 || h * w === 1) return tf.reshape(tensor, [n, h, w, c])
  return tf.transpose(tensor, [0, 2, 3, 1])
}

/** The value as a tensor in ONNX's layout. */
export function toPlain(tf: Tfjs, value: Value): Tensor {
  if (value.kind === 'constant') return constantTensor(tf, value.constant)
  if (!value.nhwc) return value.tensor
  const [n, h, w, c] = value.tensor.shape as [number, number, number, number]
  if (c === 1 || h * w === 1) return tf.reshape(value.tensor, [n, c, h, w])
  return tf.transpose(value.tensor, [0, 3, 1, 2])
}

function constantTensor(tf: Tfjs, constant: Constant): Tensor {
  const values = constant.dataType === 'float' ? float32Of(constant) : toFloat32(constant)
  return tf.tensor(values, [...constant.dims], 'float32')
}

/** The numbers of a constant (int64 as numbers), null for what is known only when the model runs. */
export function numbersOf(value: Value | null | undefined): number[] | null {
  if (!value || value.kind !== 'constant') return null
  return Array.from(typedArrayOf(value.constant), Number)
}

/** `value` as rank 4 [N, H, W, C] against an operand of rank 4: a shape of fewer axes is widened in front, as broadcasting does. */
export function broadcastNhwc(tf: Tfjs, value: Value): Tensor {
  const shape = shapeOf(value)
  if (shape.length === 4) return toNhwc(tf, value)
  const tensor = toPlain(tf, value)
  if (elementCount(shape) === 1) return tf.reshape(tensor, [])
  const wide = [...Array<number>(4 - shape.length).fill(1), ...shape]
  return toNhwc(tf, plain(tf.reshape(tensor, wide)))
}
