import type { ActivationScheme, WeightScheme, WeightStorage } from '../../shared/contract/plan.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { QuantParams, Range } from './params.ts'
import { roundHalfEven } from './affine.ts'

/** Integer types that hold activations in the file. */
export type ActivationContainer = 'int8' | 'uint8' | 'int16' | 'uint16'
export type Container = WeightStorage

/** Integers a scheme may use, with the zero point where the scheme fixes it. */
export interface Bounds {
  readonly qmin: number
  readonly qmax: number
  /** null: chosen from the range (affine) */
  readonly zeroPoint: number | null
}

/**
 * The smallest scale given out. Products of two of them and a zero tensor's scale stay far from float32 denormals, which
 * the integer kernels' requantization does not treat alike everywhere.
 */
export const smallestScale = 2 ** -60

/** Scale of a tensor that is zero throughout: no step fits, so one that leaves an unseen value of order 1 in range. */
const scaleOfZero = 2 ** -7

/** Bits of a container. */
export function containerBits(container: Container): 4 | 8 | 16 {
  switch (container) {
    case 'int4':
    case 'uint4':
      return 4
    case 'int8':
    case 'uint8':
      return 8
    case 'int16':
    case 'uint16':
      return 16
  }
}

export const isSigned = (container: Container): boolean => container.startsWith('int')

/** Lowest and highest integer of a container. */
export function containerRange(container: Container): readonly [number, number] {
  const bits = containerBits(container)
  return isSigned(container) ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
}

/**
 * Bounds of weights. Symmetric signed weights use [−(2^(b−1)−1), 2^(b−1)−1]; in an unsigned container the same integers
 * sit around 2^(b−1). Affine weights use all 2^b integers from the container's lowest (1 bit: {0, 1}).
 * @throws Fault usage.symmetricOneBit
 * Source: DESIGN section 4.
 */
export function weightBounds(scheme: Pick<WeightScheme, 'bits' | 'storage' | 'symmetric' | 'reducedRange'>): Bounds {
  const bits = scheme.reducedRange ? Math.max(1, scheme.bits - 1) : scheme.bits
  if (!scheme.symmetric) {
    const low = isSigned(scheme.storage) ? -(2 ** (bits - 1)) : 0
    return { qmin: low, qmax: low + 2 ** bits - 1, zeroPoint: null }
  }
  refuseOneBit(bits)
  const zeroPoint = isSigned(scheme.storage) ? 0 : 2 ** (containerBits(scheme.storage) - 1)
  const half = 2 ** (bits - 1) - 1
  return { qmin: zeroPoint - half, qmax: zeroPoint + half, zeroPoint }
}

/**
 * Bounds of an activation. Where it cannot be negative (after Relu, Clip, Sigmoid, Softmax) the zero point equals the
 * container's lowest integer, the condition for ONNX Runtime to fuse the Relu (m); the bits then count upwards from it.
 * Fewer bits than the container's are held by an integer Clip between Q and DQ.
 * @throws Fault usage.symmetricOneBit for a symmetric signed tensor of one bit
 */
export function activationBounds(
  scheme: Pick<ActivationScheme, 'bits' | 'symmetric'>,
  container: ActivationContainer,
  nonNegative: boolean,
): Bounds {
  const [lowest] = containerRange(container)
  const count = 2 ** scheme.bits
  if (nonNegative) return { qmin: lowest, qmax: lowest + count - 1, zeroPoint: lowest }
  if (!scheme.symmetric) return { qmin: lowest, qmax: lowest + count - 1, zeroPoint: null }
  refuseOneBit(scheme.bits)
  const zeroPoint = isSigned(container) ? 0 : 2 ** (containerBits(container) - 1)
  return { qmin: zeroPoint - count / 2, qmax: zeroPoint + count / 2 - 1, zeroPoint }
}

function refuseOneBit(bits: number): void {
  if (bits > 1) return
  throw new Fault(
    'usage.symmetricOneBit',
    'One bit cannot be symmetric (only 0 would be left): ask for affine, which uses {0, 1}.',
  )
}

/**
 * Scale and zero point that cover a range. The range is widened to contain 0; with a fixed zero point the scale covers
 * the wider side, otherwise the zero point is the integer nearest to where 0 falls, so that 0 stays exact.
 * Source: ONNX DynamicQuantizeLinear-11 (scale and zero point of a range).
 */
export function paramsOfRange(range: Range, bounds: Bounds): QuantParams {
  const { scale, zeroPoint } = scaleOfRange(range.rmin, range.rmax, bounds)
  return {
    qmin: bounds.qmin,
    qmax: bounds.qmax,
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(zeroPoint),
    axis: null,
  }
}

/** As `paramsOfRange`, for one channel: the float32 scale and the zero point. */
export function scaleOfRange(min: number, max: number, bounds: Bounds): { scale: number; zeroPoint: number } {
  const rmin = Math.min(0, min)
  const rmax = Math.max(0, max)
  const { qmin, qmax } = bounds
  if (bounds.zeroPoint !== null) {
    const up = qmax - bounds.zeroPoint
    const down = bounds.zeroPoint - qmin
    // symmetric bounds of activations reach one step further down; that step is a bonus, not part of the scale
    const steps = up > 0 && down === up + 1 ? up : down
    const scale = Math.max(up > 0 ? rmax / up : 0, steps > 0 ? -rmin / steps : 0)
    return { scale: usableScale(scale), zeroPoint: bounds.zeroPoint }
  }
  const scale = usableScale((rmax - rmin) / (qmax - qmin))
  const zeroPoint = Math.min(qmax, Math.max(qmin, roundHalfEven(qmin - rmin / scale)))
  return { scale, zeroPoint }
}

/** A float32 scale > 0 that is never denormal or infinite; 0 (a tensor that is zero throughout) gets a neutral one. */
export function usableScale(scale: number): number {
  if (scale === 0) return scaleOfZero
  return Math.fround(Math.min(Math.max(scale, smallestScale), 1e36))
}
