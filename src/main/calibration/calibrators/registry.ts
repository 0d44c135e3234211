import type { ActivationScheme, CalibratorMethod } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'
import { entropy } from './entropy.ts'
import { minMax } from './min-max.ts'
import { movingAverage } from './moving-average.ts'
import { mse } from './mse.ts'
import { percentile } from './percentile.ts'

/** Turns the statistics of a tensor into a range with rmin ≤ 0 ≤ rmax, for the bits and symmetry of the scheme. */
export type Calibrator = (statistics: TensorStatistics, scheme: ActivationScheme) => Range

/** What the product can calibrate with: one row a method, its code in the file of the same name. */
export const calibrators: Readonly<Record<CalibratorMethod, Calibrator>> = {
  minMax,
  movingAverage,
  percentile,
  entropy,
  mse,
}
