import type { ActivationScheme, CalibratorSpec } from '../../shared/contract/plan.ts'
import { calibrators } from './calibrators/registry.ts'
import { statisticsOf, type Collection } from './collection.ts'

const METHODS: readonly CalibratorSpec[] = [
  { method: 'minMax' },
  { method: 'percentile', percentile: 99.99 },
  { method: 'percentile', percentile: 99.9 },
  { method: 'entropy' },
  { method: 'mse' },
]

/** Shares of the outermost values that are tried below 8 bits, where what is clipped matters less than the step. */
const UPPER_SHARES = [0.85, 0.7, 0.55, 0.4, 0.3]
const LOWER_SHARES = [1, 0.5, 0]

/**
 * Ranges worth trying for a tensor, the scheme's own first: those of the calibrators and, below 8 bits, narrower ones on either side. Real
 * units, low ≤ 0 ≤ high, each once.
 * @throws Fault plan.noStatistics when the tensor was not observed
 */
export function candidateRanges(
  collection: Collection,
  tensor: string,
  scheme: ActivationScheme,
): (readonly [number, number])[] {
  const statistics = statisticsOf(collection, tensor)
  const found = [scheme.calibrator, ...METHODS].map((calibrator): readonly [number, number] => {
    const { rmin, rmax } = calibrators[calibrator.method](statistics, { ...scheme, calibrator })
    return [Math.min(0, rmin), Math.max(0, rmax)]
  })
  if (scheme.bits < 8) {
    const [low, high] = [Math.min(0, statistics.min), Math.max(0, statistics.max)]
    for (const share of LOWER_SHARES) {
      if (low < 0 && share < 1) found.push([low * share, high])
      for (const upper of UPPER_SHARES) found.push([low * (low < 0 ? Math.min(share, upper + 0.15) : 1), high * upper])
    }
  }
  const known = new Set<string>()
  return found.filter((range) => range[0] < range[1] && !known.has(range.join()) && known.add(range.join()))
}
