import type { DataInfo, DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { resolvePreprocess } from '../../data/preprocess.ts'
import type { Services } from '../services.ts'
import type { DataDescription, DescribeDataInput } from '../tasks/describe-data.ts'
import type { ModelDescription } from '../tasks/describe-model.ts'
import type { TrainSamples } from '../tasks/training/data.ts'

const VALIDATION_PART = 0.1
const MOST_VALIDATION = 5000

/** The split that is learned from. @throws Fault data.labelMissing */
export async function describeTraining(spec: DataSpec, { pool, signal }: Services): Promise<DataInfo> {
  const input: DescribeDataInput = { spec, split: null, calibrate: true, sameSplit: false }
  const { evaluation, calibration } = await pool.run<DescribeDataInput, DataDescription>('describeData', input, {
    signal,
    retry: true,
  })
  const info = calibration ?? evaluation
  if (info.labelled) return info
  throw new Fault('data.labelMissing', 'These data have no labels; training needs one for every sample.')
}

/** The first positions of the order are held out, the rest is learned from. @throws Fault usage.range */
export function trainingRanges(
  { samples, validation }: { readonly samples: number | null; readonly validation: number | null },
  { count, split }: DataInfo,
  { onLog }: Pick<Services, 'onLog'>,
): TrainSamples['ranges'] {
  const held = validation ?? Math.min(MOST_VALIDATION, Math.floor(count * VALIDATION_PART))
  if (held >= count) {
    throw new Fault(
      'usage.range',
      `--validation ${held} leaves nothing to learn from: the ${split} split has ${count} samples.`,
      { count },
    )
  }
  const end = samples === null ? count : Math.min(count, held + samples)
  onLog('info', `Training on ${split} ${held}:${end} of ${count}, choosing the best epoch on 0:${held}.`)
  return { train: { start: held, end }, validation: { start: 0, end: held } }
}

/** What a trained model is measured on. */
export interface TestSamples {
  readonly split: DataSplit
  /** the split's name, or `validation` where nothing apart from training is there */
  readonly name: string
  readonly dataHash: string
  readonly range: SampleRange
}

/** The test split where there is one apart, else what was held out, else nothing new. */
export async function testSamples(
  spec: DataSpec,
  learned: DataInfo,
  ranges: TrainSamples['ranges'],
  { pool, signal }: Services,
): Promise<TestSamples> {
  const ask: DescribeDataInput = { spec, split: null, calibrate: false, sameSplit: false }
  const { evaluation } = await pool.run<DescribeDataInput, DataDescription>('describeData', ask, {
    signal,
    retry: true,
  })
  const apart = evaluation.hash !== learned.hash
  const held = lengthOf(ranges.validation) > 0 ? ranges.validation : ranges.train
  return {
    split: evaluation.split,
    name: apart ? evaluation.split : 'validation',
    dataHash: evaluation.hash,
    range: apart ? { start: 0, end: evaluation.count } : held,
  }
}

/** How samples become inputs: as asked for, else as the model and the data suggest. @throws Fault usage.preprocess */
export function trainingPreprocess(
  asked: string | null,
  { inputs, metadata }: Pick<ModelDescription, 'inputs' | 'metadata'>,
  info: DataInfo,
  { onLog }: Pick<Services, 'onLog'>,
): Preprocess | null {
  const { preprocess, why } = resolvePreprocess(asked ?? undefined, inputs, info, new Map(Object.entries(metadata)))
  onLog('info', `Preprocessing: ${why}`)
  return preprocess
}

export const lengthOf = ({ start, end }: SampleRange): number => end - start

/** Options without what nobody named. */
export function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}
