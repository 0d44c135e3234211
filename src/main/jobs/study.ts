import { join } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { ModelSummary } from '../../shared/contract/model.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import { calibrateOnce } from './calibrate.ts'
import { examineData } from './data-doctor.ts'
import { prepareOnce } from './prepare-once.ts'
import { repairOnce } from './repair.ts'
import { chooseSamples, type ChosenSamples, type SampleOptions } from './samples.ts'
import type { Services } from './services.ts'
import type { PlanInput } from './tasks/plan-builder.ts'
import type { QuantizeTaskInput, QuantizeTaskOutput } from './tasks/quantize.ts'
import type { RepairOutput } from './tasks/repair.ts'

/** A model as plans are tried on it: prepared, with samples chosen, and with the statistics of its activations where they are needed. */
export interface Study {
  /** the source file, its layers and its hash, which plans are for */
  readonly summary: ModelSummary
  /** path of the prepared model, inside the folder that was handed in */
  readonly preparedPath: string
  /** `sha256:…` of the prepared file */
  readonly preparedHash: string
  /** dims of the inputs as one sample has them */
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>
  /** null where no data were given */
  readonly chosen: ChosenSamples | null
  /** null where no layer is static */
  readonly statistics: Statistics | null
  /** what the doctor says of data and preprocessing */
  readonly findings: readonly string[]
}

/** The stored calibration collection; every method and bit width is derived from it. */
export interface Statistics {
  /** its file */
  readonly path: string
  readonly sha256: string
  /** size of the file */
  readonly bytes: number
}

export interface StudyRequest {
  /** path of the model as the user has it */
  readonly model: string
  readonly samples: SampleOptions | null
  /** whether ranges of activations are needed, and so samples to calibrate on */
  readonly needsRanges: boolean
  /** called as soon as a hash is known, so that a run that fails later still says what it was about */
  readonly identify?: (known: { modelHash?: string; dataHash?: string }) => void
}

/**
 * Prepares a model in `folder`, chooses samples and calibrates once; statistics that were kept with equal content are found again.
 * @throws Fault file.*, format.*, model.*, data.*, usage.*, engine.*; usage.noData where ranges are needed and no data were given
 */
export async function openStudy(folder: string, request: StudyRequest, services: Services): Promise<Study> {
  const preparedPath = join(folder, 'prepared.onnx')
  services.onProgress({ stage: 'prepare', done: 0, total: null, unit: '' })
  const { summary, sampleShapes, prepared } = await prepareOnce(request.model, preparedPath, services)
  request.identify?.({ modelHash: summary.hash })
  services.store.catalog.keepModel(summary, services.now())
  const common = { summary, preparedPath, preparedHash: prepared.hash, sampleShapes }
  if (request.samples === null) {
    if (request.needsRanges)
      throw new Fault(
        'usage.noData',
        'Static quantization needs samples to calibrate on: give --data, or --mode dynamic or weight-only.',
      )
    return { ...common, chosen: null, statistics: null, findings: [] }
  }
  const model = { inputs: summary.inputs, metadata: prepared.metadata }
  const chosen = await chooseSamples(request.samples, model, request.needsRanges, services)
  request.identify?.({ dataHash: (chosen.calibration ?? chosen.evaluation).hash })
  const examined = { path: preparedPath, hash: prepared.hash, inputs: summary.inputs }
  const findings = (await examineData(examined, chosen, services)).map(({ message }) => message)
  for (const message of findings) services.onLog('warning', message)
  const statistics = request.needsRanges ? await calibrateStudy(preparedPath, prepared.hash, chosen, services) : null
  return { ...common, chosen, statistics, findings }
}

async function calibrateStudy(
  model: string,
  modelHash: string,
  chosen: ChosenSamples,
  services: Services,
): Promise<Statistics> {
  const data = chosen.calibration ?? chosen.evaluation
  const { sha256, bytes } = await calibrateOnce(
    {
      model,
      data: chosen.spec,
      split: data.split,
      range: chosen.ranges.calibration!,
      seed: chosen.seed,
      preprocess: chosen.preprocess,
    },
    { model: modelHash, data: data.hash },
    services,
  )
  return { path: services.store.artifacts.pathOf(sha256), sha256, bytes }
}

/** Whether any layer of a plan is static, and so needs ranges. */
export function planNeedsRanges(plan: QuantPlan): boolean {
  const overrides = Object.values(plan.layers)
  return [plan.defaults.mode, ...overrides.map((layer) => (layer === 'float' ? undefined : layer.mode))].includes(
    'static',
  )
}

/** A plan with all that a worker needs to apply it, its repairs made. */
export interface ReadyPlan {
  readonly input: PlanInput
  readonly repairs: RepairOutput | null
}

/** Gets a plan ready; repairs that were made before with equal content are found again. @throws Fault usage.noData; as the repairs */
export async function readyPlan(study: Study, plan: QuantPlan, services: Services): Promise<ReadyPlan> {
  const { preparedPath, summary, statistics } = study
  const repaired = (plan.repairs ?? []).length === 0 ? null : await repairOnce(study, plan, services)
  const input = {
    prepared: repaired?.prepared ?? preparedPath,
    layers: summary.layers,
    plan,
    hash: summary.hash,
    collection: repaired ? repaired.collection : (statistics?.path ?? null),
    bundle: repaired?.repairs.bundle ?? null,
  }
  return { input, repairs: repaired?.repairs ?? null }
}

/** What a plan was made into, with what its repairs brought. */
export interface AppliedPlan extends QuantizeTaskOutput {
  readonly repairs: RepairOutput | null
}

/** Writes the model that a plan makes of a study to `output`, in a worker. @throws Fault plan.*, model.opsetUpgrade, file.*; as `readyPlan` */
export async function applyPlan(
  study: Study,
  plan: QuantPlan,
  output: string,
  services: Services,
): Promise<AppliedPlan> {
  const { pool, signal } = services
  const { input, repairs } = await readyPlan(study, plan, services)
  const written = await pool.run<QuantizeTaskInput, QuantizeTaskOutput>(
    'quantize',
    { ...input, output },
    { signal, retry: true },
  )
  return { ...written, repairs }
}
