import type { ActivationScheme, QuantPlan } from '../../shared/contract/plan.ts'
import { isFault } from '../../shared/contract/fault.ts'
import { quantize } from './affine.ts'
import type { Interval } from './operators.ts'
import type { QuantParams, Range, RangeSource } from './params.ts'
import type { ConstantSite, QuantSetup, TensorPair } from './placement.ts'
import { activationBounds, containerRange, paramsOfRange, type ActivationContainer } from './scheme.ts'

/** Parameters of every paired tensor, or the pairs that cannot have any with the reason. */
export interface PairParams {
  readonly params: ReadonlyMap<string, QuantParams>
  readonly failures: ReadonlyMap<string, string>
}

/**
 * Gives every pair of a setup its scale and zero point: the range the plan names for the tensor, else the one `ranges` has
 * for its scheme, cut to what the tensor can hold.
 */
export function resolvePairs(setup: QuantSetup, plan: QuantPlan, ranges: RangeSource): PairParams {
  const params = new Map<string, QuantParams>()
  const failures = new Map<string, string>()
  const roots = [...setup.pairs.values()].filter((pair) => pair.like === null)
  for (const pair of roots) {
    const range = rangeOfPair(pair, plan, ranges)
    if (typeof range === 'string') failures.set(pair.tensor, range)
    else params.set(pair.tensor, paramsOfPair(pair, range))
  }
  for (const { tensor, like } of setup.pairs.values()) {
    const shared = like === null ? undefined : params.get(like)
    if (shared) params.set(tensor, shared)
  }
  return { params, failures }
}

/** A Clip's bounds cut the integers too, where the rounding of the zero point leaves some beyond them; of 16 bits there is no integer Clip (m). */
function paramsOfPair({ scheme, container, interval, clipped }: TensorPair, range: Range): QuantParams {
  const params = activationParams(range, scheme, container, interval)
  if (!clipped || container !== 'uint8') return params
  const wide = { ...params, qmin: -(2 ** 20), qmax: 2 ** 20 }
  const [low, high] = quantize(Float32Array.of(interval.low, interval.high), wide)
  return { ...params, qmin: Math.max(params.qmin, low!), qmax: Math.min(params.qmax, high!) }
}

/** Parameters of an activation tensor from its range. */
export function activationParams(
  range: Range,
  scheme: ActivationScheme,
  container: ActivationContainer,
  interval: Interval,
): QuantParams {
  const cut = { rmin: Math.max(range.rmin, interval.low), rmax: Math.min(range.rmax, interval.high) }
  return paramsOfRange(cut, activationBounds(scheme, container, interval.low >= 0))
}

/** Parameters of a constant that an arithmetic layer reads: its own least and greatest value. */
export function constantParams(values: Float32Array, site: Pick<ConstantSite, 'scheme' | 'container'>): QuantParams {
  let rmin = 0
  let rmax = 0
  for (const value of values) {
    if (value < rmin) rmin = value
    if (value > rmax) rmax = value
  }
  return paramsOfRange({ rmin, rmax }, activationBounds(site.scheme, site.container, rmin >= 0))
}

/** True when the scheme uses fewer integers than its container has: an integer Clip then stands between Q and DQ. */
export function needsIntegerClip(params: QuantParams, container: ActivationContainer): boolean {
  const [lowest, highest] = containerRange(container)
  return params.qmin > lowest || params.qmax < highest
}

/** The range of a pair, or why it has none. */
function rangeOfPair(pair: TensorPair, plan: QuantPlan, ranges: RangeSource): Range | string {
  const override = plan.tensors && Object.hasOwn(plan.tensors, pair.tensor) ? plan.tensors[pair.tensor] : undefined
  if (override?.range) return { rmin: override.range[0], rmax: override.range[1] }
  const scheme = override?.calibrator ? { ...pair.scheme, calibrator: override.calibrator } : pair.scheme
  try {
    const range = ranges.rangeOf(pair.tensor, scheme)
    if (Number.isFinite(range.rmin) && Number.isFinite(range.rmax) && range.rmin <= range.rmax) return range
    return `the calibrated range of its tensor "${pair.tensor}" is [${range.rmin}, ${range.rmax}]`
  } catch (error) {
    if (isFault(error) && error.code === 'plan.noStatistics')
      return `its tensor "${pair.tensor}" was not observed in calibration`
    throw error
  }
}
