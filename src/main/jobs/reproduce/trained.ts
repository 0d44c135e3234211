import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataSpec } from '../../../shared/contract/data.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import type { TrainOptions } from '../../training/options.ts'
import { runQat, type QatRequest } from '../qat-run.ts'
import type { ModelDescription } from '../tasks/describe-model.ts'
import type { Services } from '../services.ts'
import { runTraining, type TrainAnswer, type TrainRequest } from '../train-run.ts'
import { hasCheckpoint } from '../training/checkpoints.ts'
import type { DataDescription, DescribeDataInput } from '../tasks/describe-data.ts'
import { contentKey } from '../../store/content-key.ts'

/** A model that a training wrote, kept in the home: whoever asks for equal recipe, options and data gets it again. */
export interface Kept<Facts> {
  readonly path: string
  readonly run: string
  readonly facts: Facts
}

/** What is remembered of a float training. A type, not an interface: it is kept as JSON. */
export type TrainFacts = {
  readonly parameters: number
  readonly bytes: number
  readonly epochs: number
  readonly engine: string
}

/** How a training is found again, and how it is done where it is not. */
interface KeptAsk<Facts extends Json> {
  /** what it depends on, whole */
  readonly content: { readonly [key: string]: Json }
  /** names the file, for people */
  readonly stem: string
  readonly train: (output: string, services: Services, resumes: string | null) => Promise<{ run: string; facts: Facts }>
}

const FOLDER = 'trained'

/** `sha256:…` of what the split holds that is learned from, and of the one that is evaluated. @throws Fault data.*, file.* */
export async function dataHashes(
  data: DataSpec,
  { pool, signal }: Services,
): Promise<{ readonly train: string; readonly test: string }> {
  const input: DescribeDataInput = { spec: data, split: null, calibrate: true, sameSplit: false }
  const { evaluation, calibration } = await pool.run<DescribeDataInput, DataDescription>('describeData', input, {
    signal,
    retry: true,
  })
  return { train: (calibration ?? evaluation).hash, test: evaluation.hash }
}

/**
 * Gives the model of a training: the kept one, else one that is trained now, from the checkpoint of an equal training that was
 * interrupted where there is one.
 * @throws Fault as the training
 */
async function trainOnce<Facts extends Json>(
  ask: KeptAsk<Facts>,
  services: Services,
  onTrain: () => void,
): Promise<Kept<Facts>> {
  const { store, now } = services
  const content = { kind: 'trained', model: null, ...ask.content }
  const begun = { ...content, kind: 'trainingBegun' }
  const path = join(store.home, FOLDER, `${ask.stem}-${contentKey(content).slice(-12)}.onnx`)
  const kept = store.measurements.find(content) as { run: string; facts: Facts } | null
  if (kept !== null && existsSync(path)) return { path, ...kept }
  onTrain()
  await mkdir(join(store.home, FOLDER), { recursive: true })
  await rm(path, { force: true })
  const resumes = interruptedRun(store.measurements.find(begun), services)
  if (resumes !== null) services.onLog('info', `Going on with the training of run ${resumes}, which was interrupted.`)
  const noted: Services = {
    ...services,
    // known before the first step, so that a killed process leaves a trace to go on from
    onRun: (run) => store.measurements.keep(begun, { run, before: resumes }, now()),
  }
  const { run, facts } = await ask.train(path, noted, resumes)
  store.measurements.keep(content, { run, facts }, now())
  return { path, run, facts }
}

/** The last begun training of equal content that left a checkpoint; it was ended before it was done, or its file would be known. */
function interruptedRun(begun: Json, services: Services): string | null {
  if (begun === null) return null
  const { run, before } = begun as { run: string; before: string | null }
  const left = [run, before].find((id) => id !== null && hasCheckpoint(id, services))
  return left ?? null
}

/** Trains a float model once. */
export async function floatOnce(
  request: Omit<TrainRequest, 'output' | 'force'>,
  stem: string,
  services: Services,
  onTrain: () => void = () => undefined,
): Promise<Kept<TrainFacts>> {
  const { start, data, ...rest } = request
  const content = {
    what: 'float',
    start: start.kind === 'recipe' ? start.text : start.path,
    data: (await dataHashes(data, services)).train,
    ...(JSON.parse(JSON.stringify(rest)) as { [key: string]: Json }),
  }
  return trainOnce(
    {
      content,
      stem,
      train: async (output, noted, resumes) => {
        const { run, value } = await runTraining({ ...request, output, force: true }, noted, resumes)
        return { run, facts: factsOf(value) }
      },
    },
    services,
    onTrain,
  )
}

function factsOf({ parameters, bytes, history, engine }: TrainAnswer): TrainFacts {
  return { parameters, bytes, epochs: history.length, engine }
}

/** A training for integers, as tables ask for it. */
export interface QatOnceAsk {
  /** path of the float model */
  readonly float: string
  readonly stem: string
  readonly data: DataSpec
  readonly plan: QuantPlan
  readonly options: Partial<TrainOptions>
  readonly samples: number | null
  readonly validation: number | null
}

/** What is remembered of a training for integers. */
export type QatFacts = { readonly gap: number; readonly epochs: number; readonly learningRate: number }

/** Trains a float model for integers once. @throws Fault as `runQat` */
export async function qatOnce(ask: QatOnceAsk, services: Services, onTrain: () => void): Promise<Kept<QatFacts>> {
  const { float, stem, data, plan, options, samples, validation } = ask
  const { pool, signal } = services
  const { hash } = await pool.run<{ path: string }, ModelDescription>(
    'describeModel',
    { path: float },
    { signal, retry: true },
  )
  const content = {
    what: 'qat',
    float: hash,
    data: (await dataHashes(data, services)).train,
    ...(JSON.parse(JSON.stringify({ plan, options, samples, validation })) as { [key: string]: Json }),
  }
  const request: Omit<QatRequest, 'output'> = {
    start: { kind: 'model', path: float },
    data,
    preprocess: null,
    samples,
    validation,
    classes: null,
    size: null,
    plan,
    floatOptions: {},
    options,
    freeze: null,
    // the published trainings follow ranges
    lsq: false,
    force: true,
  }
  return trainOnce(
    {
      content,
      stem,
      train: async (output, noted, resumes) => {
        const { run, value } = await runQat({ ...request, output }, noted, resumes)
        const { gap, history, options: used } = value
        return { run, facts: { gap, epochs: history.length, learningRate: used.learningRate } }
      },
    },
    services,
    onTrain,
  )
}
