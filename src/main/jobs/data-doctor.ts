import { candidatePreprocesses } from '../data/preprocess.ts'
import type { DataFinding } from '../../shared/contract/api/data.ts'
import type { Json } from '../../shared/contract/runs.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import type { ChosenSamples } from './samples.ts'
import type { Services } from './services.ts'
import type { PreprocessTrial, TryPreprocessInput, TryPreprocessOutput } from './tasks/try-preprocess.ts'

/** Samples looked at: enough to tell 3 % from 60 %, over in seconds for any model. */
const SAMPLES = 32
/** Top-1 that another preprocessing must gain before it is recommended; half-width of the 95 % interval of a rate on 32 samples. */
const CLEAR_GAIN = 0.17

/** The float model that samples are tried on. */
export interface ExaminedModel {
  readonly path: string
  /** `sha256:…` of that very file */
  readonly hash: string
  readonly inputs: readonly ValueSpec[]
}

/**
 * Compares inputs and label agreement of the float model under the preprocessing in use with the other presets, on a few samples, before
 * anything long starts (DESIGN section 6, Doctor). What was tried before is not tried again.
 * @returns findings, worst first; empty for arrays, which are taken as they are
 */
export async function examineData(
  model: ExaminedModel,
  chosen: ChosenSamples,
  services: Pick<Services, 'pool' | 'signal' | 'onLog' | 'store' | 'now' | 'environment'>,
): Promise<DataFinding[]> {
  if (chosen.preprocess === null) return []
  const info = chosen.calibration ?? chosen.evaluation
  const { start, end } = chosen.ranges.calibration ?? chosen.ranges.evaluation
  const used = JSON.stringify(chosen.preprocess)
  const others = [...candidatePreprocesses(model.inputs, info)].filter(
    ([, preprocess]) => JSON.stringify(preprocess) !== used,
  )
  const input: TryPreprocessInput = {
    model: model.path,
    data: chosen.spec,
    dataHash: info.hash,
    split: info.split,
    seed: chosen.seed,
    range: { start, end: Math.min(end, start + SAMPLES) },
    candidates: [
      { name: chosen.preset ?? 'the JSON given', preprocess: chosen.preprocess },
      ...others.map(([name, preprocess]) => ({ name, preprocess })),
    ],
  }
  // without labels there is nothing to compare the others by
  const asked = info.labelled ? input : { ...input, candidates: input.candidates.slice(0, 1) }
  const output = await tryOnce(asked, model.hash, services)
  const { min, max, mean } = output.trials[0]!
  services.onLog('info', `Inputs lie in ${number(min)} … ${number(max)}, mean ${number(mean)}.`)
  return findingsOf(output)
}

async function tryOnce(
  input: TryPreprocessInput,
  hash: string,
  { pool, signal, store, now, environment }: Parameters<typeof examineData>[2],
): Promise<TryPreprocessOutput> {
  const { dataHash, split, seed, range, candidates } = input
  const content = {
    kind: 'tryPreprocess',
    model: hash,
    data: dataHash,
    split,
    seed,
    range: [range.start, range.end],
    candidates: candidates as unknown as Json,
    runtime: environment.versions['onnxruntime'] ?? '',
  }
  const kept = store.measurements.find(content)
  if (kept !== null) return kept as unknown as TryPreprocessOutput
  const output = await pool.run<TryPreprocessInput, TryPreprocessOutput>('tryPreprocess', input, {
    signal,
    retry: true,
  })
  // JSON has no NaN and no infinities
  const isFinite = output.trials.every(({ min, max, mean }) => [min, max, mean].every(Number.isFinite))
  if (isFinite) store.measurements.keep(content, output as unknown as Json, now())
  return output
}

const number = (value: number): string => String(Number(value.toPrecision(3)))
const percent = (rate: number): string => `${(rate * 100).toFixed(0)} %`

/** What the trials say; the first is the preprocessing in use. */
export function findingsOf({ trials, labels, classes }: TryPreprocessOutput): DataFinding[] {
  const [used, ...others] = trials
  if (!used) return []
  if (used.min === used.max) {
    const message = `Every input value is ${number(used.min)}: check --preprocess (its scale and mean) and the pictures.`
    return [{ code: 'constantInput', message }]
  }
  const labelled = labels.filter((label) => label !== null)
  if (classes < 2 || labelled.length < 8) return []
  const outside = labelled.find((label) => label >= classes)
  if (outside !== undefined) {
    const message = `The data have a label ${outside}, but the model's classes are 0 to ${classes - 1}: check that data and model belong together.`
    return [{ code: 'labelsOutside', message }]
  }
  const own = agreement(used, labels, 0)
  const better = others
    .map((trial) => ({ name: trial.name, rate: agreement(trial, labels, 0) }))
    .sort((a, b) => b.rate - a.rate)
    .find(({ rate }) => rate - own >= CLEAR_GAIN)
  if (better) {
    const message = `The float model gets ${percent(own)} of ${labelled.length} samples right with the preprocessing in use (${used.name}) and ${percent(better.rate)} with "${better.name}": use --preprocess ${better.name}.`
    return [{ code: 'otherPreprocess', message, preset: better.name }]
  }
  return lowAccuracy(used, labels, own, classes)
}

function lowAccuracy(
  used: PreprocessTrial,
  labels: readonly (number | null)[],
  own: number,
  classes: number,
): DataFinding[] {
  const distinct = new Set(labels).size
  if (new Set(used.predictions).size === 1 && distinct > 2) {
    const message = `The float model gives class ${used.predictions[0]} for all samples though their labels differ: check --preprocess and that the model is trained.`
    return [{ code: 'oneClass', message }]
  }
  if (distinct < 3) return []
  for (const shift of [1, -1]) {
    const rate = agreement(used, labels, shift)
    if (rate - own < CLEAR_GAIN) continue
    const message = `The model's class is the label ${shift > 0 ? '+ 1' : '− 1'} in ${percent(rate)} of the samples and the label itself in ${percent(own)}: the labels are off by one (1,001 classes?).`
    return [{ code: 'labelsShifted', message }]
  }
  if (own > Math.max(1.5 / classes, 0.05)) return []
  const message = `The float model gets ${percent(own)} of the samples right, about what guessing gives: check labels, class order and preprocessing before reading anything into accuracies.`
  return [{ code: 'nearChance', message }]
}

/** Share of labelled samples whose predicted class is the label plus `shift`. */
function agreement({ predictions }: PreprocessTrial, labels: readonly (number | null)[], shift: number): number {
  let right = 0
  let count = 0
  labels.forEach((label, i) => {
    if (label === null) return
    count++
    if (predictions[i] === label + shift) right++
  })
  return count === 0 ? 0 : right / count
}
