import type { Tensor, TensorEngine, Tfjs } from '../../engines/tensor-api.ts'
import { scaleOfRange, weightBounds, type Bounds } from '../../quant/scheme.ts'
import type { WeightSite } from '../../quant/weight-site.ts'
import type { StoredLayout } from '../trainable/weights.ts'

/** Integers of a weight tensor in the engine: real = scale · (q − zeroPoint), q in [qmin, qmax]. */
export interface WeightGrid {
  /** meets the stored weight by broadcasting */
  readonly scale: Tensor
  readonly zeroPoint: Tensor | number
  readonly qmin: number
  readonly qmax: number
}

/** Scale of a channel that is zero throughout, as the exported file has it. Source: quant/scheme.ts. */
const SCALE_OF_ZERO = 2 ** -7

/**
 * The grid that the exported file would give a weight now: equal to `weightParams` to the last bit, computed in the engine.
 * @param stored the weight in its stored layout
 */
export function weightGrid(
  { tf, native }: TensorEngine,
  stored: Tensor,
  site: Pick<WeightSite, 'scheme' | 'layout'>,
  layout: StoredLayout,
): WeightGrid {
  const bounds = weightBounds(site.scheme)
  const { qmin, qmax } = bounds
  const axes = reducedAxes(stored.rank, site.layout.axis, layout)
  if (bounds.zeroPoint !== null) {
    const largest = tf.max(tf.abs(stored), axes, true)
    return { scale: usable(tf, tf.div(largest, qmax - bounds.zeroPoint)), zeroPoint: bounds.zeroPoint, qmin, qmax }
  }
  if (site.layout.axis === null) {
    const { scale, zeroPoint } = scaleOfRange(native.least(stored), native.greatest(stored), bounds)
    return { scale: tf.scalar(scale), zeroPoint, qmin, qmax }
  }
  const min = tf.minimum(tf.min(stored, axes, true), 0)
  const max = tf.maximum(tf.max(stored, axes, true), 0)
  if (site.layout.sharedZeroPoint) {
    const { zeroPoint } = scaleOfRange(native.least(stored), native.greatest(stored), bounds)
    return { scale: usable(tf, scaleAround(tf, min, max, { ...bounds, zeroPoint })), zeroPoint, qmin, qmax }
  }
  const scale = usable(tf, tf.div(tf.sub(max, min), qmax - qmin))
  const zeroPoint = tf.clipByValue(tf.round(tf.sub(qmin, tf.div(min, scale))), qmin, qmax)
  return { scale, zeroPoint, qmin, qmax }
}

/** Scales that cover ranges around a fixed zero point. Source: `scaleOfRange` of quant/scheme.ts. */
function scaleAround(tf: Tfjs, min: Tensor, max: Tensor, { qmin, qmax, zeroPoint }: Bounds): Tensor {
  const up = qmax - zeroPoint!
  const down = zeroPoint! - qmin
  const steps = up > 0 && down === up + 1 ? up : down
  if (up <= 0) return tf.div(tf.neg(min), steps)
  return steps <= 0 ? tf.div(max, up) : tf.maximum(tf.div(max, up), tf.div(tf.neg(min), steps))
}

function usable(tf: Tfjs, scale: Tensor): Tensor {
  return tf.where(tf.greater(scale, 0), scale, tf.fill(scale.shape, SCALE_OF_ZERO))
}

/**
 * What is left of a weight after quantizing and dequantizing, its gradient passed straight through: a grid that covers all its values
 * cuts nothing off.
 */
export function fakeQuantizeWeight(tf: Tfjs, stored: Tensor, { scale, zeroPoint, qmin, qmax }: WeightGrid): Tensor {
  return straightThrough(tf, stored, (x) => {
    const rounded = tf.round(tf.div(x, scale))
    if (typeof zeroPoint !== 'number') {
      const q = tf.clipByValue(tf.add(rounded, zeroPoint), qmin, qmax)
      return tf.mul(tf.sub(q, zeroPoint), scale)
    }
    // around a symmetric zero point nothing lies beyond the bounds
    const isSymmetric = qmax - zeroPoint === zeroPoint - qmin
    return tf.mul(isSymmetric ? rounded : tf.clipByValue(rounded, qmin - zeroPoint, qmax - zeroPoint), scale)
  })
}

/** `f(x)` whose gradient is that of `x`. Source: Bengio et al. 2013, straight-through estimator. */
export function straightThrough(tf: Tfjs, x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  return tf.customGrad((y) => ({ value: f(y as Tensor), gradFunc: (dy: Tensor) => dy }))(x)
}

/** The stored axes that one scale spans. */
export function reducedAxes(rank: number, axis: number | null, layout: StoredLayout): number[] {
  const kept = axis === null ? [] : keptAxes(axis, layout)
  return Array.from({ length: rank }, (_, i) => i).filter((i) => !kept.includes(i))
}

/** Where an axis of ONNX's weight lies in the engine's layout (see trainable/weights.ts). */
function keptAxes(axis: number, layout: StoredLayout): number[] {
  switch (layout) {
    case 'plain':
      return [axis]
    case 'conv':
    case 'convTranspose':
      return [[3, 2, 0, 1][axis]!]
    case 'depthwise':
      // [kH, kW, channels, multiplier]: the output channels of ONNX are both last axes together
      return [2, 3]
  }
}
