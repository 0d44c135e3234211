import type { ActivationView, CalibratedTensor, CandidateRange } from '../../../../shared/contract/api/models.ts'
import type { CalibratorSpec } from '../../../../shared/contract/plan.ts'
import { calibrators } from '../../../calibration/calibrators/registry.ts'
import { statisticsOf, type TensorStatistics } from '../../../calibration/collection.ts'
import { binsOf, type Bin } from '../../../calibration/histogram.ts'
import { linearBins } from '../../desk/linear-histogram.ts'
import type { Task } from '../../worker-host.ts'
import { readCollection } from '../collection-file.ts'

export interface ViewActivationsInput {
  /** path of the stored collection */
  readonly collection: string
  readonly tensor: string
  readonly bits: number
  readonly symmetric: boolean
  readonly calibrators: readonly CalibratorSpec[]
  readonly bins: number
}

export type ViewActivationsOutput = Omit<ActivationView, 'calibration'>

const USUAL: readonly CalibratorSpec[] = [
  { method: 'minMax' },
  { method: 'movingAverage' },
  { method: 'percentile' },
  { method: 'entropy' },
  { method: 'mse' },
]

/** What a stored calibration saw of a tensor, and the ranges that calibrators make of it. @throws Fault plan.noStatistics */
export function createViewActivationsTask(): Task<ViewActivationsInput, ViewActivationsOutput> {
  return async ({ collection: path, tensor, bits, symmetric, calibrators: asked, bins }) => {
    const collection = await readCollection(path)
    const statistics = statisticsOf(collection, tensor)
    const { min, max, histogram, channels } = statistics
    const fine = binsOf(histogram, min, max)
    return {
      tensor,
      samples: collection.samples,
      min,
      max,
      histogram: linearBins(fine, Math.min(min, 0), Math.max(max, 0), bins),
      channels: channels && { min: [...channels.min], max: [...channels.max] },
      ranges: [...USUAL, ...asked].map((calibrator) => candidate(statistics, calibrator, fine, { bits, symmetric })),
    }
  }
}

/** Names and bounds of all tensors of a stored calibration. */
export function createListCalibratedTask(): Task<{ readonly collection: string }, CalibratedTensor[]> {
  return async ({ collection }) => {
    const { tensors } = await readCollection(collection)
    return [...tensors.values()].map(({ name, min, max }) => ({ tensor: name, min, max }))
  }
}

function candidate(
  statistics: TensorStatistics,
  calibrator: CalibratorSpec,
  bins: readonly Bin[],
  scheme: { readonly bits: number; readonly symmetric: boolean },
): CandidateRange {
  const { rmin, rmax } = calibrators[calibrator.method](statistics, { ...scheme, calibrator })
  return { calibrator, rmin, rmax, clipped: shareOutside(bins, rmin, rmax) }
}

function shareOutside(bins: readonly Bin[], rmin: number, rmax: number): number {
  let total = 0
  let outside = 0
  for (const { from, to, count } of bins) {
    total += count
    if (to <= from) outside += from < rmin || from > rmax ? count : 0
    else
      outside +=
        (count * (Math.max(0, Math.min(to, rmin) - from) + Math.max(0, to - Math.max(from, rmax)))) / (to - from)
  }
  return total === 0 ? 0 : outside / total
}
