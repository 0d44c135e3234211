import { basename, extname } from 'node:path'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { ArtifactInfo, Json } from '../../shared/contract/runs.ts'
import { serializePlan } from '../quant/plan.ts'
import { planOfBits, type BitsCurve } from '../search/bits.ts'
import { writeFilesAtomic } from './atomic-file.ts'
import type { Evaluation } from './evaluate.ts'
import { isMeasured, measurePlan, type PlanMeasurement } from './measure-plan.ts'
import { recordRun, type OpenRun, type RunOutcome } from './record-run.ts'
import { bitsSvg } from './report/bits-figure.ts'
import { samplesJson, type ChosenSamples, type SampleOptions } from './samples.ts'
import type { Services } from './services.ts'
import { openStudy, type Study } from './study.ts'
import { sweepFiles, type SweepFiles } from './sweep/files.ts'
import { pointJson, pointOf, pointsCsv, type SweepPoint, type SweepReference } from './sweep/point.ts'
import { PointsProgress } from './sweep/progress.ts'
import { withWorkFolder } from './work-folder.ts'

/** What `sweep` is asked for; everything in it goes into the run's parameters. */
export interface SweepRunRequest {
  readonly model: string
  readonly samples: SampleOptions
  /** 1–8, ascending */
  readonly bits: readonly number[]
  readonly curves: readonly BitsCurve[]
  /** what every point starts from: calibrator, granularity, layers in float, repairs */
  readonly template: QuantPlan
  /** folder, or what the names of the three files have before the dot; null: a folder of our own */
  readonly output: string | null
  readonly force: boolean
}

/** What `sweep` answers beside the run's id. */
export interface SweepAnswer {
  readonly points: readonly SweepPoint[]
  readonly reference: SweepReference
  readonly files: SweepFiles
  readonly samples: number
  /** plans measured now, and those found in the store; points whose plans are equal count once */
  readonly measured: number
  readonly found: number
  readonly wallMs: number
  readonly warnings: readonly string[]
}

/**
 * `quantbench sweep`: accuracy over the bits of weights, activations and both, a run of the store. Each point is kept by content as soon as
 * it is measured: a sweep cut off, or one of more bits, measures only what is new. The files are written together at the end.
 * @throws Fault file.*; as `openStudy` and `measurePlan`; the signal's reason when aborted (nothing is written)
 */
export async function runSweep(
  request: SweepRunRequest,
  services: Services,
): Promise<{ run: string; value: SweepAnswer }> {
  const start = performance.now()
  const files = await sweepFiles(request.output, request.model, request.force)
  const { model, ...parameters } = request
  return recordRun(services, { kind: 'sweep', modelPath: model, parameters: parameters as unknown as Json }, (run) =>
    withWorkFolder('sweep', (folder) => sweepIn(folder, request, files, run, services, start)),
  )
}

async function sweepIn(
  folder: string,
  request: SweepRunRequest,
  files: SweepFiles,
  run: OpenRun,
  services: Services,
  start: number,
): Promise<RunOutcome<SweepAnswer>> {
  const { model, samples } = request
  const study = await openStudy(
    folder,
    { model, samples, needsRanges: true, identify: (known) => run.identify(known) },
    services,
  )
  const { points, measurements } = await measurePoints(folder, study, request, services)
  const [first] = measurements.values()
  const answer: SweepAnswer = {
    points,
    reference: referenceOf(first!.evaluation, study),
    files,
    samples: first!.evaluation.result.samples,
    measured: [...measurements.values()].filter(({ isNew }) => isNew).length,
    found: [...measurements.values()].filter(({ isNew }) => !isNew).length,
    wallMs: performance.now() - start,
    warnings: study.findings,
  }
  const contents = contentsOf(run.id, answer, request, study, services)
  // the JSON names the others: it takes its name last
  const written = (['svg', 'csv', 'json'] as const).map((kind) => ({ path: files[kind], chunks: [contents[kind]] }))
  await writeFilesAtomic(written, { force: request.force || request.output === null, signal: services.signal })
  return outcomeOf(answer, contents, study, services)
}

/** Every point in turn, each spread over all workers; equal plans (8 bits of either side) are measured once. */
async function measurePoints(
  folder: string,
  study: Study,
  { bits, curves, template }: SweepRunRequest,
  services: Services,
): Promise<{ points: SweepPoint[]; measurements: Map<string, PlanMeasurement> }> {
  const base = { ...template, model: study.summary.hash }
  const asked = pointsAsked({ bits, curves, template: base }).map((point) => ({
    ...point,
    key: serializePlan(point.plan, 0),
  }))
  const plans = new Map(asked.map(({ key, plan }) => [key, plan]))
  const unknown = [...plans.values()].filter((plan) => !isMeasured(study, { plan }, services))
  const progress = new PointsProgress(plans.size, unknown.length, services)
  const measurements = new Map<string, PlanMeasurement>()
  for (const { what, bits: count, plan, key } of asked) {
    services.signal.throwIfAborted()
    if (measurements.has(key)) continue
    const begun = performance.now()
    const name = `${what} in ${bitsText(count)}`
    const measurement = await measurePlan(folder, study, { plan }, progress.begin(name))
    measurements.set(key, measurement)
    const equal = asked.filter((point) => point.key === key)
    services.onPartial?.({
      kind: 'sweep',
      points: equal.map((point) => measuredPoint(point, measurement)),
      reference: referenceOf(measurement.evaluation, study),
      samples: measurement.evaluation.result.samples,
    })
    if (measurement.isNew) services.onLog('info', `${name}: ${pointText(measurement)}`)
    progress.end(measurement.isNew, performance.now() - begun)
  }
  return { points: asked.map((point) => measuredPoint(point, measurements.get(point.key)!)), measurements }
}

/** Every point of a sweep with its plan, curve by curve. */
export function pointsAsked({
  bits,
  curves,
  template,
}: Pick<SweepRunRequest, 'bits' | 'curves' | 'template'>): { what: BitsCurve; bits: number; plan: QuantPlan }[] {
  return curves.flatMap((what) => bits.map((count) => ({ what, bits: count, plan: planOfBits(what, count, template) })))
}

function measuredPoint(
  { what, bits }: Pick<SweepPoint, 'what' | 'bits'>,
  { evaluation, bytes }: PlanMeasurement,
): SweepPoint {
  return pointOf(what, bits, evaluation.result, bytes)
}

/** A point in words, for who watches. */
function pointText({ evaluation, bytes }: PlanMeasurement): string {
  const { top1, drop, agreement, sqnrDb } = pointOf('both', 8, evaluation.result, bytes)
  const percent = (rate: number): string => `${(100 * rate).toFixed(2)} %`
  if (top1 !== null) return `top-1 ${percent(top1)}${drop === null ? '' : `, ${(100 * drop).toFixed(2)} points lost`}`
  const noise = sqnrDb === null ? [] : [`SQNR ${sqnrDb.toFixed(1)} dB`]
  return [...(agreement === null ? [] : [`agreement ${percent(agreement)}`]), ...noise].join(', ')
}

const bitsText = (bits: number): string => (bits === 1 ? '1 bit' : `${bits} bits`)

function referenceOf({ result }: Evaluation, { summary }: Study): SweepReference {
  const { reference } = result
  return { top1: reference?.top1 ?? null, loss: reference?.loss ?? null, bytes: summary.sizeBytes }
}

/** What scripts rely on, then what else is known. */
export function sweepJson(run: string, answer: SweepAnswer): { [key: string]: Json } {
  const { points, reference, files, samples, measured, found, wallMs, warnings } = answer
  const { top1, loss, bytes } = reference
  return {
    run,
    points: points.map(pointJson),
    reference: { ...(top1 === null ? {} : { top1 }), ...(loss === null ? {} : { loss }), bytes },
    files: { ...files },
    samples,
    measured,
    found,
    wallMs,
    warnings: [...warnings],
  }
}

type Contents = Readonly<Record<keyof SweepFiles, Uint8Array>>

function contentsOf(
  run: string,
  answer: SweepAnswer,
  request: SweepRunRequest,
  study: Study,
  services: Services,
): Contents {
  const encoder = new TextEncoder()
  const { points, reference } = answer
  const document = {
    ...sweepJson(run, answer),
    model: { path: request.model, hash: study.summary.hash },
    data: samplesJson(study.chosen!),
    template: request.template as unknown as Json,
  }
  return {
    json: encoder.encode(`${JSON.stringify(document, null, 2)}\n`),
    csv: encoder.encode(pointsCsv(points, reference)),
    svg: encoder.encode(
      bitsSvg({
        title: `Accuracy over bits: ${basename(request.model, extname(request.model))}`,
        about: aboutText(answer, request, study.chosen!, services),
        points,
        reference,
      }),
    ),
  }
}

/** The small print: what was measured, on what, and what the curves leave alone. */
function aboutText(
  { samples, points }: SweepAnswer,
  { template, curves }: SweepRunRequest,
  chosen: ChosenSamples,
  { environment }: Services,
): string[] {
  const count = (value: number): string => value.toLocaleString('en-US')
  const { ranges, spec, evaluation } = chosen
  const calibration = ranges.calibration
    ? `, calibrated on ${count(ranges.calibration.end - ranges.calibration.start)}`
    : ''
  const repairs = template.repairs ?? []
  const { weights, activations } = template.defaults
  const alone = [
    ...(curves.includes('weights') ? [`weights alone: activations in ${bitsText(activations.bits)}`] : []),
    ...(curves.includes('activations') ? [`activations alone: weights in ${bitsText(weights.bits)}`] : []),
  ]
  const bars = points.some(({ interval }) => interval !== null) ? ' Bars: 95 % intervals.' : ''
  const runtime = `ONNX Runtime ${environment.versions['onnxruntime'] ?? ''}`.trim()
  return [
    `${count(samples)} ${evaluation.split} samples of ${spec.kind}${calibration}; ${repairs.length === 0 ? 'no repairs' : `repairs: ${repairs.join(', ')}`}. Measured in ${runtime}.`,
    `${alone.length === 0 ? '' : `${sentence(alone.join('; '))}.`}${bars}`.trim(),
  ].filter((line) => line !== '')
}

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

function outcomeOf(
  answer: SweepAnswer,
  contents: Contents,
  study: Study,
  { store }: Services,
): RunOutcome<SweepAnswer> {
  const { points, reference, measured, found, samples, wallMs, files } = answer
  const kinds = ['json', 'csv', 'svg'] as const
  const artifacts = kinds.map((kind): ArtifactInfo => ({
    role: `sweep.${kind}`,
    ...store.artifacts.putBytes(contents[kind]),
    path: files[kind],
  }))
  if (study.statistics)
    artifacts.push({
      role: 'calibration',
      sha256: study.statistics.sha256,
      bytes: study.statistics.bytes,
      path: null,
    })
  return {
    value: answer,
    metrics: {
      points: points.length,
      measured,
      found,
      samples,
      wallMs,
      ...(reference.top1 === null ? {} : { referenceTop1: reference.top1 }),
    },
    artifacts,
    warnings: answer.warnings,
    results: {
      samples: samplesJson(study.chosen!),
      points: points.map(pointJson),
      reference: { ...reference },
    },
  }
}
