import type { DataInfo, DataSpec, DataSplit, Preprocess } from '../../shared/contract/data.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { chooseRanges, type AskedRange, type ChosenRanges } from '../data/order.ts'
import { resolvePreprocess } from '../data/preprocess.ts'
import type { Services } from './services.ts'
import type { DataDescription, DescribeDataInput } from './tasks/describe-data.ts'
import type { ModelDescription } from './tasks/describe-model.ts'

/** What the user says of data; shared by every command that reads samples (DESIGN section 8, common options). */
export interface SampleOptions {
  readonly data: DataSpec
  readonly split?: DataSplit
  readonly range?: AskedRange
  readonly calibrationRange?: AskedRange
  readonly samples?: number
  readonly calibrationSamples?: number
  readonly seed: number
  /** a preset's name or JSON; proposed from the model's input when absent */
  readonly preprocess?: string
  readonly allowOverlap?: boolean
}

/** Data, ranges and preprocessing as settled for one job. */
export interface ChosenSamples {
  readonly spec: DataSpec
  readonly seed: number
  readonly evaluation: DataInfo
  readonly calibration: DataInfo | null
  readonly ranges: ChosenRanges
  readonly preprocess: Preprocess | null
  /** name of the preset, null for JSON or arrays */
  readonly preset: string | null
}

/**
 * Opens the data in a worker, cuts the ranges and settles the preprocessing; what was chosen without being asked for is logged.
 * @throws Fault data.*, file.*, usage.overlap, usage.range, usage.preprocess
 */
export async function chooseSamples(
  options: SampleOptions,
  model: Pick<ModelDescription, 'inputs' | 'metadata'>,
  calibrate: boolean,
  services: Services,
): Promise<ChosenSamples> {
  const { pool, signal, onLog } = services
  const input: DescribeDataInput = {
    spec: options.data,
    split: options.split ?? null,
    calibrate,
    sameSplit: options.split !== undefined,
  }
  const { evaluation, calibration } = await pool.run<DescribeDataInput, DataDescription>('describeData', input, {
    signal,
    retry: true,
  })
  const ranges = chooseRanges({ ...options, evaluation, calibration })
  const metadata = new Map(Object.entries(model.metadata))
  const { preprocess, preset, why } = resolvePreprocess(options.preprocess, model.inputs, evaluation, metadata)
  for (const sentence of [...ranges.why, `Preprocessing: ${why}`]) onLog('info', sentence)
  services.store.catalog.keepData(evaluation, services.now())
  return { spec: options.data, seed: options.seed, evaluation, calibration, ranges, preprocess, preset }
}

/** The choice as a run's parameters keep it. */
export function samplesJson(chosen: ChosenSamples): Json {
  const { spec, seed, evaluation, calibration, ranges, preprocess, preset } = chosen
  return {
    spec: { ...spec },
    seed,
    split: evaluation.split,
    hash: evaluation.hash,
    range: [ranges.evaluation.start, ranges.evaluation.end],
    calibration:
      calibration && ranges.calibration
        ? {
            split: calibration.split,
            hash: calibration.hash,
            range: [ranges.calibration.start, ranges.calibration.end],
          }
        : null,
    overlap: ranges.overlap,
    preset,
    preprocess: preprocess as Json,
  }
}
