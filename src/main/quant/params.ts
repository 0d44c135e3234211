import type { ActivationScheme } from '../../shared/contract/plan.ts'

/**
 * Everything needed to quantize one tensor: real = scale · (q − zeroPoint), q in [qmin, qmax].
 * `scale` and `zeroPoint` have one entry (perTensor), one per index of `axis` (perChannel), or one per block in row-major
 * order of the tensor shape with `axis` divided by `blockSize`, rounded up (perBlock).
 * Source: ONNX QuantizeLinear-25.
 */
export interface QuantParams {
  readonly qmin: number
  readonly qmax: number
  readonly scale: Float32Array
  readonly zeroPoint: Int32Array
  readonly axis: number | null
  readonly blockSize?: number
}

/** Real bounds, rmin ≤ 0 ≤ rmax once widened to contain 0. */
export interface Range {
  readonly rmin: number
  readonly rmax: number
}

/**
 * Gives the range of an activation tensor for a scheme. Implemented by `calibration` over its stored collection; the
 * quantizer asks it, so that quant needs no statistics of its own.
 */
export interface RangeSource {
  /** @throws Fault plan.noStatistics naming the tensor when it was not observed */
  rangeOf(tensor: string, scheme: ActivationScheme): Range
}

export type { ActivationScheme }
