import type { RepairName } from '../../shared/contract/plan.ts'

/** What each repair does, in a few words. */
export const REPAIRS: Readonly<Record<RepairName, string>> = {
  equalize: 'even out channels between neighbouring layers',
  reducedRange: 'one bit less where AVX2 would saturate',
  calibrators: 'best calibrator for each tensor',
  rounding: 'rounding for the least output error',
  bias: 'bias that takes out the mean error',
}
