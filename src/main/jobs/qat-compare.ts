import { createReadStream, existsSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import type { IntervalView } from '../../shared/contract/api/job-results.ts'
import type { DataInfo } from '../../shared/contract/data.ts'
import { repairNames, type LayerOverride, type QuantPlan } from '../../shared/contract/plan.ts'
import type { Json, LayerResult, RunDetail } from '../../shared/contract/runs.ts'
import { DEFAULT_OPTIONS } from '../training/options.ts'
import { fewestBits, QAT_BITS } from '../training/qat/defaults.ts'
import { assertWritable, writeFilesAtomic } from './atomic-file.ts'
import { runMeasurement } from './desk/measure-run.ts'
import {
  FLOAT_MODEL,
  FLOAT_RUN,
  floatModel,
  recipeOptions,
  runQat,
  type FloatModel,
  type QatRequest,
} from './qat-run.ts'
import type { RunOutcome } from './record-run.ts'
import type { SampleOptions } from './samples.ts'
import { runSensitivity } from './sensitivity-run.ts'
import type { Services } from './services.ts'
import type { TrainSamples } from './tasks/training/data.ts'
import { checkpointFolder, hasCheckpoint, removeCheckpoints, runFolder } from './training/checkpoints.ts'
import { recordTraining } from './training/record.ts'
import { defined, describeTraining, testSamples, trainingRanges, type TestSamples } from './training/samples.ts'

/** What `qat --compare` is asked for. */
export interface CompareRequest extends QatRequest {
  /** null: the most sensitive layers of the plan, found by a quick scan, get 8 bits, or stay in float where they have 8 */
  readonly hybrid: QuantPlan | null
}

/** A way to quantize, as it was measured on the test samples in ONNX Runtime. Rates in 0–1. */
export interface ComparisonRow {
  readonly name: ComparedWay
  /** the run it was measured as; of `float` the one that trained it, null where none did */
  readonly run: string | null
  /** null: float */
  readonly plan: QuantPlan | null
  readonly top1: number
  readonly loss: number
  /** of top-1 against float */
  readonly drop: IntervalView | null
  readonly bytes: number
  readonly wallMs: number | null
  /** the written file; null where none was written */
  readonly output: string | null
}

/**
 * `ptq`: quantized after training, ranges from statistics alone; `ptq-repaired`: with all repairs short of training; `qat`: trained for integers; `hybrid`: by the
 * hybrid plan.
 */
export type ComparedWay = 'float' | 'ptq' | 'ptq-repaired' | 'qat' | 'ptq-hybrid' | 'qat-hybrid'

export interface CompareAnswer {
  readonly rows: readonly ComparisonRow[]
  readonly hybrid: QuantPlan
  /** layers that the hybrid plan treats otherwise than the plan does */
  readonly hybridLayers: readonly string[]
  readonly samples: number
  readonly split: string
  readonly warnings: readonly string[]
}

/** Share of the weighted layers that a hybrid plan spares where the user names none. */
const SPARED = 0.25
/** In the run's folder: the ids of its parts. */
export const PARTS = 'parts.json'

/** What a comparison that goes on takes over. */
const KEPT = [PARTS, FLOAT_MODEL, FLOAT_RUN]

/** Runs that this one is made of, by what they measure; kept, so that a comparison that was cut off goes on with them. */
type Parts = Partial<Record<ComparedWay | 'scan', string>>

/**
 * `quantbench qat --compare`: float, quantization after training, training for integers, and both as hybrids, on the same samples, each
 * a run of its own.
 * @param resumes a comparison that was interrupted: what it finished is taken over, what it began is gone on with
 * @throws Fault as `runQat` and `runMeasurement`
 */
export async function runQatComparison(
  request: CompareRequest,
  services: Services,
  resumes: string | null = null,
): Promise<{ run: string; value: CompareAnswer }> {
  const written = resumes === null ? [] : await writtenBy(resumes, services)
  for (const output of Object.values(outputsOf(request.output)))
    if (!written.includes(resolve(output))) await assertWritable(output, { force: request.force })
  return recordTraining('compareQat', request, resumes, KEPT, services, async (run) =>
    compareIn(await checkpointFolder(run.id, resumes, KEPT, services), request, services),
  )
}

/** Files that the finished parts of a comparison have written: they may be there when it goes on. */
async function writtenBy(run: string, services: Services): Promise<string[]> {
  const parts = Object.values(await partsIn(runFolder(run, services)))
  return parts.flatMap((part) => donePart(part, services)?.artifacts.flatMap(({ path }) => path ?? []) ?? [])
}

async function partsIn(folder: string): Promise<Parts> {
  const file = join(folder, PARTS)
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Parts) : {}
}

/** null where it was cut off, or is not known any more. */
function donePart(run: string, { store }: Services): RunDetail | null {
  const known = store.runs.has(run) ? store.runs.get(run) : null
  return known?.status === 'done' ? known : null
}

function outputsOf(output: string): { readonly qat: string; readonly hybrid: string; readonly float: string } {
  const extension = extname(output)
  const beside = (part: string): string => `${output.slice(0, output.length - extension.length)}.${part}${extension}`
  return { qat: output, hybrid: beside('hybrid'), float: beside('float') }
}

async function compareIn(
  folder: string,
  request: CompareRequest,
  services: Services,
): Promise<RunOutcome<CompareAnswer>> {
  const comparison = new Comparison(folder, request, services)
  await comparison.begin()
  const hybrid = request.hybrid ?? (await comparison.spareSensitive())
  const { plan } = request
  const outputs = outputsOf(request.output)
  const measured = [
    await comparison.ptq('ptq', calibrated(plan)),
    await comparison.ptq('ptq-repaired', { ...calibrated(plan), repairs: [...repairNames] }),
    await comparison.qat('qat', plan, outputs.qat),
    await comparison.ptq('ptq-hybrid', { ...calibrated(hybrid), repairs: [...repairNames] }),
    await comparison.qat('qat-hybrid', hybrid, outputs.hybrid),
  ]
  const { test, float } = comparison
  // what was trained here in float goes along: its folder is not kept
  if (float.run !== null) await copyFile(float.path, outputs.float)
  const floatRow = floatRowOf(measured[0]!, float.run, float.run === null ? null : resolve(outputs.float))
  const rows = [floatRow, ...measured.map(({ row }) => row)]
  const value: CompareAnswer = {
    rows,
    hybrid,
    hybridLayers: Object.keys(hybrid.layers).filter(
      (id) => JSON.stringify(hybrid.layers[id]) !== JSON.stringify(plan.layers[id]),
    ),
    samples: test.range.end - test.range.start,
    split: test.name,
    warnings: [
      ...new Set(measured.flatMap(({ detail, row }) => detail.warnings.map((text) => `${row.name}: ${text}`))),
    ],
  }
  return {
    value,
    metrics: Object.fromEntries(rows.flatMap(({ name, top1 }) => [[`${name}.top1`, top1]])),
    warnings: value.warnings,
    results: { rows: rows as unknown as Json, hybrid: hybrid as unknown as Json },
  }
}

interface MeasuredWay {
  readonly row: ComparisonRow
  readonly detail: RunDetail
}

/** One comparison at work: its subject, and the runs it is made of. */
class Comparison {
  readonly #folder: string
  readonly #request: CompareRequest
  readonly #services: Services
  #parts: Parts = {}
  #subject!: { readonly test: TestSamples; readonly float: FloatModel; readonly samples: SampleOptions }

  constructor(folder: string, request: CompareRequest, services: Services) {
    this.#folder = folder
    this.#request = request
    this.#services = services
  }

  get test(): TestSamples {
    return this.#subject.test
  }

  get float(): FloatModel {
    return this.#subject.float
  }

  async begin(): Promise<void> {
    this.#parts = await partsIn(this.#folder)
    const info = await describeTraining(this.#request.data, this.#services)
    const ranges = trainingRanges(this.#request, info, { onLog: () => undefined })
    const test = await testSamples(this.#request.data, info, ranges, this.#services)
    const float = await floatModel(this.#request, this.#folder, this.#inner('float'))
    this.#subject = { test, float, samples: samplesOf(this.#request, info, ranges, test) }
  }

  /** Services of a part: it tells its stage, and is no run that the user waits for. */
  #inner(part: string): Services {
    const { onProgress } = this.#services
    const named: Services['onProgress'] = (progress) =>
      onProgress({ ...progress, note: progress.note === undefined ? part : `${part}: ${progress.note}` })
    return { ...this.#services, onProgress: named, onRun: undefined }
  }

  /** Runs a part, or takes it over where the comparison before has finished it. */
  async #part(
    name: keyof Parts,
    body: (services: Services, left: string | null) => Promise<{ run: string }>,
  ): Promise<RunDetail> {
    const { store } = this.#services
    const before = this.#parts[name] ?? null
    const done = before === null ? null : donePart(before, this.#services)
    if (done !== null) return done
    const begun: Promise<void>[] = []
    const services: Services = { ...this.#inner(name), onRun: (id) => void begun.push(this.#keep(name, id)) }
    const { run } = await body(services, before)
    await Promise.all(begun)
    return store.runs.get(run)
  }

  async #keep(name: keyof Parts, run: string): Promise<void> {
    this.#parts = { ...this.#parts, [name]: run }
    await writeFile(join(this.#folder, PARTS), JSON.stringify(this.#parts))
  }

  async ptq(name: ComparedWay, plan: QuantPlan): Promise<MeasuredWay> {
    const { float, samples } = this.#subject
    const detail = await this.#part(name, (services) =>
      runMeasurement({ model: float.path, plan, samples, time: false, threads: null }, services),
    )
    return { row: rowOf(name, detail, plan, null), detail }
  }

  async qat(name: ComparedWay, plan: QuantPlan, output: string): Promise<MeasuredWay> {
    const { hybrid: _, ...asked } = this.#request
    const options = { ...recipeOptions(asked), ...defined(asked.options) }
    const start = { kind: 'model', path: this.#subject.float.path } as const
    const request: QatRequest = { ...asked, start, classes: null, options, plan, output, force: true }
    const detail = await this.#part(name, async (services, left) => {
      const goesOn = left !== null && hasCheckpoint(left, services)
      // one that ended before its first epoch is begun anew
      if (left !== null && !goesOn) await removeCheckpoints(left, null, services)
      return runQat(request, services, goesOn ? left : null)
    })
    await this.#bring(detail, output)
    return { row: rowOf(name, detail, plan, resolve(output)), detail }
  }

  /** Writes what a finished part kept where its file is not, or not at the name that is asked for now. */
  async #bring({ artifacts }: RunDetail, output: string): Promise<void> {
    const { store, signal } = this.#services
    const kept = artifacts.find(({ role }) => role === 'output')!
    if (kept.path === resolve(output) && existsSync(output)) return
    const chunks = createReadStream(store.artifacts.pathOf(kept.sha256)) as AsyncIterable<Uint8Array>
    await writeFilesAtomic([{ path: output, chunks }], { force: true, signal })
  }

  /** The plan with its most sensitive layers spared: 8 bits where they have fewer, else float. */
  async spareSensitive(): Promise<QuantPlan> {
    const { plan } = this.#request
    const { float, samples } = this.#subject
    const bits = fewestBits(plan)
    const request = {
      model: float.path,
      samples: { ...samples, samples: undefined },
      configs: String(Math.min(8, bits)),
    }
    const rest = { base: 'float', metric: null, exact: false, quick: true, threads: null, resumes: null } as const
    const { layers } = await this.#part('scan', (services) => runSensitivity({ ...request, ...rest }, services))
    const weighted = layers.filter(({ id, metrics }) => 'weightSqnrDb' in metrics && plan.layers[id] !== 'float')
    // a run keeps finite numbers only: without an SQNR a layer has no error
    const sqnrDbOf = ({ metrics }: LayerResult): number => metrics['sqnrDb'] ?? Infinity
    const worst = weighted.toSorted((a, b) => sqnrDbOf(a) - sqnrDbOf(b)).slice(0, Math.ceil(weighted.length * SPARED))
    const spared: LayerOverride =
      bits < QAT_BITS.most ? { weights: { bits: 8, storage: 'int8' }, activations: { bits: 8 } } : 'float'
    return { ...plan, layers: { ...plan.layers, ...Object.fromEntries(worst.map(({ id }) => [id, spared])) } }
  }
}

/** Quantization after training calibrates on what training learns from, and is measured on what training is measured on. */
function samplesOf(
  { data, preprocess, options }: CompareRequest,
  info: DataInfo,
  { train }: TrainSamples['ranges'],
  { range, dataHash }: TestSamples,
): SampleOptions {
  const seed = options.seed ?? DEFAULT_OPTIONS.seed
  const common = { data, seed, range, ...(preprocess === null ? {} : { preprocess }) }
  if (info.hash !== dataHash) return common
  return { ...common, calibrationRange: { start: train.start, end: Math.min(train.end, train.start + CALIBRATED_ON) } }
}

/** Samples that ranges are calibrated on where they must lie among those that are learned from. */
const CALIBRATED_ON = 512

/** Ranges by moving average are training's; statistics of the whole calibration set find the range of least error instead. */
function calibrated(plan: QuantPlan): QuantPlan {
  const { activations } = plan.defaults
  if (activations.calibrator.method !== 'movingAverage') return plan
  return { ...plan, defaults: { ...plan.defaults, activations: { ...activations, calibrator: { method: 'minMax' } } } }
}

interface StoredEvaluation {
  readonly result: {
    readonly model: { readonly top1: number; readonly loss: number }
    readonly reference: { readonly top1: number; readonly loss: number }
    readonly drop: IntervalView | null
  }
}

function evaluationOf({ results }: RunDetail): StoredEvaluation['result'] {
  const kept = results as unknown as { evaluation?: StoredEvaluation; test?: { evaluation: StoredEvaluation } }
  return (kept.test?.evaluation ?? kept.evaluation!).result
}

function rowOf(name: ComparedWay, detail: RunDetail, plan: QuantPlan, output: string | null): ComparisonRow {
  const { model, drop } = evaluationOf(detail)
  const wallMs = detail.endedAt === null ? null : Date.parse(detail.endedAt) - Date.parse(detail.startedAt)
  const bytes = detail.metrics['bytes']!
  return { name, run: detail.id, plan, top1: model.top1, loss: model.loss, drop, bytes, wallMs, output }
}

function floatRowOf({ detail }: MeasuredWay, run: string | null, output: string | null): ComparisonRow {
  const { top1, loss } = evaluationOf(detail).reference
  const bytes = detail.metrics['referenceBytes'] ?? 0
  return { name: 'float', run, plan: null, top1, loss, drop: null, bytes, wallMs: null, output }
}
