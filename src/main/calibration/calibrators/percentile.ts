import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'
import { binsOf, type Bin } from '../histogram.ts'

/** Share of the values kept, in percent, where the plan gives none. */
export const DEFAULT_PERCENTILE = 99.99

/**
 * The range that keeps `percentile` per cent of the values. Symmetric: the percentile of the magnitudes. Affine: half of the rest is
 * cut at each end, or all of it at the one end that has values. Inside a bin values count as evenly spread; always widened to contain 0.
 * Source: Wu et al., Integer Quantization for Deep Learning Inference, section 3.1; the halves as in ONNX Runtime's calibrator.
 */
export function percentile(statistics: TensorStatistics, { symmetric, calibrator }: ActivationScheme): Range {
  const share = (calibrator.method === 'percentile' ? calibrator.percentile : undefined) ?? DEFAULT_PERCENTILE
  const { min, max, histogram } = statistics
  const bins = binsOf(histogram, min, max)
  const cut = bins.reduce((count, bin) => count + bin.count, 0) * (1 - share / 100)
  if (symmetric && min < 0) {
    const bound = upperBound(foldedBins(bins), cut)
    return { rmin: -bound, rmax: Math.max(0, bound) }
  }
  if (min >= 0) return { rmin: 0, rmax: upperBound(bins, cut) }
  if (max <= 0) return { rmin: -upperBound(mirroredBins(bins), cut), rmax: 0 }
  return { rmin: Math.min(0, -upperBound(mirroredBins(bins), cut / 2)), rmax: Math.max(0, upperBound(bins, cut / 2)) }
}

/** The value that `cut` of the counted values exceed. */
function upperBound(ascending: readonly Bin[], cut: number): number {
  let left = cut
  for (let i = ascending.length - 1; i >= 0; i--) {
    const { from, to, count } = ascending[i]!
    if (count >= left) return to - ((to - from) * left) / count
    left -= count
  }
  return ascending[0]?.from ?? 0
}

function mirroredBins(bins: readonly Bin[]): Bin[] {
  return bins.map(({ from, to, count }) => ({ from: -to, to: -from, count })).reverse()
}

/** Bins of the magnitudes. Both signs have the same edges, except where the outermost bin ends at the exact bound. */
function foldedBins(bins: readonly Bin[]): Bin[] {
  const magnitudes = [...bins.filter((bin) => bin.from >= 0), ...mirroredBins(bins.filter((bin) => bin.from < 0))]
  return magnitudes.sort((a, b) => a.to - b.to)
}
