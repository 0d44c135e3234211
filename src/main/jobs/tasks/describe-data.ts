import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { listSplits, openSamples } from '../../data/registry.ts'
import { defaultCalibrationSplit, defaultSplit } from '../../data/order.ts'
import type { Task } from '../worker-host.ts'

export interface DescribeDataInput {
  readonly spec: DataSpec
  /** the split to evaluate; null chooses (see `defaultSplit`) */
  readonly split: DataSplit | null
  readonly calibrate: boolean
  /** true: calibrate on the split that is evaluated, because the user named one split for both */
  readonly sameSplit: boolean
}

export interface DataDescription {
  readonly evaluation: DataInfo
  /** null when nothing is calibrated */
  readonly calibration: DataInfo | null
}

/** Opens a data set and says what its splits hold. @throws Fault data.*, file.* */
export function createDescribeDataTask(): Task<DescribeDataInput, DataDescription> {
  return async ({ spec, split, calibrate, sameSplit }, { signal }) => {
    const splits = await listSplits(spec)
    const evaluationSplit = split ?? defaultSplit(splits)
    const evaluation = await infoOf(spec, evaluationSplit, signal)
    if (!calibrate) return { evaluation, calibration: null }
    const calibrationSplit = sameSplit ? evaluationSplit : defaultCalibrationSplit(splits)
    const calibration = calibrationSplit === evaluationSplit ? evaluation : await infoOf(spec, calibrationSplit, signal)
    return { evaluation, calibration }
  }
}

async function infoOf(spec: DataSpec, split: DataSplit, signal: AbortSignal): Promise<DataInfo> {
  const source = await openSamples(spec, split, { signal })
  await source.close()
  return source.info
}
