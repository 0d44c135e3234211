import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import { activationBounds, scaleOfRange } from '../../quant/scheme.ts'

/** The real values a quantized activation can take: low, low + scale, …, high; 0 is one of them. */
export interface Lattice {
  readonly scale: number
  readonly low: number
  readonly high: number
}

/** The lattice that the quantizer makes of a range; `nonNegative` where the tensor holds no negative value. */
export function latticeOf(
  range: Range,
  scheme: Pick<ActivationScheme, 'bits' | 'symmetric'>,
  nonNegative: boolean,
): Lattice {
  const container = scheme.bits > 8 ? 'uint16' : 'uint8'
  const bounds = activationBounds(scheme, container, nonNegative)
  const { scale, zeroPoint } = scaleOfRange(range.rmin, range.rmax, bounds)
  return { scale, low: scale * (bounds.qmin - zeroPoint), high: scale * (bounds.qmax - zeroPoint) }
}
