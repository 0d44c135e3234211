import { createReadStream } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { LayerInfo, ModelSummary } from '../../shared/contract/model.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { ArtifactInfo, Json, LayerResult } from '../../shared/contract/runs.ts'
import { isForeseen } from '../quant/quantize-report.ts'
import type { ExecutionReport } from '../quant/execution.ts'
import { serializePlan } from '../quant/plan.ts'
import type { QuantizeReport } from '../quant/quantize.ts'
import { assertWritable, writeFilesAtomic } from './atomic-file.ts'
import { EQUAL_SQNR_DB } from './evaluate-run.ts'
import { recordRun, type RunOutcome } from './record-run.ts'
import { samplesJson, type ChosenSamples, type SampleOptions } from './samples.ts'
import type { Services } from './services.ts'
import { applyPlan, openStudy, planNeedsRanges, type Statistics } from './study.ts'
import type { QuantizeTaskOutput } from './tasks/quantize.ts'
import type { RepairOutput } from './tasks/repair.ts'
import { executionWarnings, verifyExecution } from './verify.ts'
import { withWorkFolder } from './work-folder.ts'

export interface QuantizeRunRequest {
  readonly model: string
  readonly output: string
  /** replace an output that is there */
  readonly force: boolean
  readonly plan: QuantPlan
  /** ids to keep in float beyond the plan; unknown ones are refused */
  readonly keepFloat: readonly string[]
  /** null where no layer is static */
  readonly samples: SampleOptions | null
}

/** One layer as exported and as it runs. */
export interface QuantizedLayerAnswer {
  readonly id: string
  readonly op: string
  /** container of its weights, or of its output without weights; `float` */
  readonly type: string
  readonly execution: LayerResult['execution']
  readonly ms: number | null
  /** scale and zero point of its output, null where it has no pair */
  readonly scale: number | null
  readonly zeroPoint: number | null
  readonly bits: number | null
  readonly granularity: string | null
  /** smallest and largest scale of its weights */
  readonly weightScales: readonly [number, number] | null
  readonly reason: string | null
}

export interface QuantizeAnswer {
  readonly output: string
  readonly bytes: number
  readonly referenceBytes: number
  readonly modelHash: string
  readonly layers: readonly QuantizedLayerAnswer[]
  readonly warnings: readonly string[]
  readonly samples: ChosenSamples | null
  readonly plan: QuantPlan
  /** null without repairs */
  readonly repairs: RepairsAnswer | null
}

/** What repairs brought, on the samples they were made on. */
export interface RepairsAnswer {
  readonly samples: number
  /** what each brought, in the order they were made */
  readonly steps: RepairOutput['steps']
  /** distance of the model's output from the float model's, without and with all of them */
  readonly distance: RepairOutput['distance']
  /** signal to noise of each repaired layer's output in dB, without and with; null with the reason where a layer was left */
  readonly layers: readonly {
    readonly id: string
    readonly plainDb: number | null
    readonly repairedDb: number | null
    readonly reason: string | null
  }[]
}

/**
 * `quantbench quantize`: prepare, calibrate, apply the plan, check how each layer really runs, write the file; a run of the store.
 * The output appears only when all of it worked.
 * @throws Fault file.*, format.*, model.*, plan.*, data.*, usage.*, engine.*; `engine.floatLayerQuantized` when the runtime computes a
 *   layer in integers that the plan keeps in float
 */
export async function runQuantization(
  request: QuantizeRunRequest,
  services: Services,
): Promise<{ run: string; value: QuantizeAnswer }> {
  await assertWritable(request.output, { force: request.force })
  const parameters: Json = {
    plan: request.plan as unknown as Json,
    keepFloat: request.keepFloat,
    output: request.output,
  }
  return recordRun(services, { kind: 'quantize', modelPath: request.model, parameters }, (run) =>
    withWorkFolder('quantize', (folder) => quantizeIn(folder, request, services, run)),
  )
}

async function quantizeIn(
  folder: string,
  request: QuantizeRunRequest,
  services: Services,
  run: { identify(known: { modelHash?: string; dataHash?: string }): void },
): Promise<RunOutcome<QuantizeAnswer>> {
  const { pool, signal } = services
  const needsRanges = planNeedsRanges(request.plan)
  const needsSamples = needsRanges || (request.plan.repairs ?? []).length > 0
  const study = await openStudy(
    folder,
    {
      model: request.model,
      samples: needsSamples ? request.samples : null,
      needsRanges,
      identify: (known) => run.identify(known),
    },
    services,
  )
  const { summary, sampleShapes } = study
  const plan = completePlan(request, summary)
  const staged = join(folder, 'out', basename(request.output))
  const quantized = await applyPlan(study, plan, await inNewFolder(staged), services)
  const execution = await verifyExecution(
    { model: staged, layers: summary.layers, report: quantized.report, shapes: sampleShapes },
    pool,
    {
      signal,
      onProgress: services.onProgress,
    },
  )
  const [error] = execution.errors
  if (error)
    throw new Fault('engine.floatLayerQuantized', `${error} The file was not written.`, {
      errors: [...execution.errors],
    })
  const answer: QuantizeAnswer = {
    output: resolve(request.output),
    bytes: quantized.sizeBytes,
    referenceBytes: summary.sizeBytes,
    modelHash: summary.hash,
    layers: layerAnswers(summary.layers, quantized.report, execution),
    warnings: [...study.findings, ...warningsOf(summary, quantized, execution)],
    samples: study.chosen,
    plan,
    repairs: quantized.repairs && repairsAnswer(quantized.repairs),
  }
  await publish(staged, request, signal)
  return { value: answer, ...(await outcomeOf(answer, study.statistics, services)) }
}

function repairsAnswer({ samples, distance, steps, layers }: RepairOutput): RepairsAnswer {
  const decibels = (power: number, error: number): number =>
    error > 0 ? Math.min(EQUAL_SQNR_DB, 10 * Math.log10(power / error)) : EQUAL_SQNR_DB
  return {
    samples,
    distance,
    steps,
    layers: layers.map(({ id, effect, reason }) => ({
      id,
      plainDb: effect && decibels(effect.power, effect.plainError),
      repairedDb: effect && decibels(effect.power, effect.error),
      reason,
    })),
  }
}

/** The plan with the model's hash written in and `--keep-float` applied. */
function completePlan(request: QuantizeRunRequest, summary: ModelSummary): QuantPlan {
  const kept = Object.fromEntries(request.keepFloat.map((id) => [id, 'float' as const]))
  return { ...request.plan, model: request.plan.model ?? summary.hash, layers: { ...request.plan.layers, ...kept } }
}

async function inNewFolder(file: string): Promise<string> {
  await mkdir(dirname(file))
  return file
}

/** Copies what was staged alone in its folder (the file, and its external data where there is any) to the output: all of it or nothing. */
export async function publish(
  staged: string,
  request: Pick<QuantizeRunRequest, 'output' | 'force'>,
  signal: AbortSignal,
): Promise<void> {
  const folder = dirname(staged)
  const names = await readdir(folder)
  // the model file refers to the others, so it takes its name last
  names.sort((a, b) => Number(a === basename(staged)) - Number(b === basename(staged)))
  const files = names.map((name) => ({
    path: resolve(dirname(request.output), name),
    chunks: createReadStream(join(folder, name)) as AsyncIterable<Uint8Array>,
  }))
  await writeFilesAtomic(files, { force: request.force, signal })
}

/** Each layer as it was written and as it runs. */
export function layerAnswers(
  layers: readonly LayerInfo[],
  report: QuantizeReport,
  execution: ExecutionReport,
): QuantizedLayerAnswer[] {
  const quantized = new Map(report.layers.map((layer) => [layer.id, layer]))
  const ran = new Map(execution.layers.map((layer) => [layer.id, layer]))
  const pairs = new Map(report.pairs.map((pair) => [pair.tensor, pair.params]))
  return layers.map((layer) => {
    const own = quantized.get(layer.id)
    const pair = own?.outputs.map((output) => pairs.get(output)).find((params) => params !== undefined)
    const scales = own?.weights?.params.scale
    const found = ran.get(layer.id)
    return {
      id: layer.id,
      op: layer.op,
      type: own?.type ?? 'float',
      execution: found?.execution ?? null,
      ms: found?.ms ?? null,
      scale: pair?.scale[0] ?? null,
      zeroPoint: pair?.zeroPoint[0] ?? null,
      bits: own?.weights?.bits ?? null,
      granularity: own?.weights?.granularity ?? null,
      weightScales: scales ? rangeOf(scales) : null,
      reason: found?.reason ?? own?.warnings[0] ?? (layer.quantizable ? null : layer.reason),
    }
  })
}

function rangeOf(values: Float32Array): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), 0)]
}

/** What a quantized model is to be told of: layers left out, integers that are none. */
export function warningsOf(
  summary: ModelSummary,
  { report, sizeBytes }: QuantizeTaskOutput,
  execution: ExecutionReport,
): string[] {
  // what was foreseen of a layer is not told again where the runtime shows it
  const shown = new Set(execution.layers.filter(({ execution: runs }) => runs === 'simulated').map(({ id }) => id))
  const warnings = report.layers.flatMap(({ id, warnings: own }) =>
    own.filter((text) => !(shown.has(id) && isForeseen(text))).map((warning) => `Layer ${id}: ${warning}`),
  )
  const left = summary.layers.filter((layer) => layer.role === 'weighted' && !layer.quantizable)
  for (const { id, op, reason } of left)
    warnings.push(`Layer ${id} (${op}) stays in float: ${reason ?? 'it cannot be quantized'}.`)
  if (sizeBytes > 0.6 * summary.sizeBytes) {
    warnings.push(
      `The file is ${((100 * sizeBytes) / summary.sizeBytes).toFixed(0)} % of the float file: ${sizeReason(summary)}`,
    )
  }
  return [...new Set([...warnings, ...executionWarnings(execution)])]
}

function sizeReason(summary: ModelSummary): string {
  const quantizable = summary.layers.filter((layer) => layer.role === 'weighted' && layer.quantizable)
  const held = quantizable.reduce((sum, layer) => sum + layer.parameters, 0)
  const share = summary.parameters === 0 ? 0 : held / summary.parameters
  if (share < 0.75) return `only ${(100 * share).toFixed(0)} % of its parameters are in layers that can be quantized.`
  return 'its weights are few, so that names and scales weigh more than what 8 bits save.'
}

async function outcomeOf(
  answer: QuantizeAnswer,
  statistics: Statistics | null,
  { store }: Services,
): Promise<Omit<RunOutcome<QuantizeAnswer>, 'value'>> {
  const output = await store.artifacts.putFile(answer.output)
  const plan = store.artifacts.putBytes(new TextEncoder().encode(serializePlan(answer.plan)))
  const artifacts: ArtifactInfo[] = [
    { role: 'output', ...output, path: answer.output },
    { role: 'plan', ...plan, path: null },
  ]
  if (statistics)
    artifacts.push({ role: 'calibration', sha256: statistics.sha256, bytes: statistics.bytes, path: null })
  return {
    metrics: {
      bytes: answer.bytes,
      referenceBytes: answer.referenceBytes,
      sizeRatio: answer.bytes / answer.referenceBytes,
      int8Layers: answer.layers.filter((layer) => layer.execution === 'int8').length,
      floatLayers: answer.layers.filter((layer) => layer.execution === 'float').length,
    },
    layers: answer.layers.map(layerResult),
    artifacts,
    warnings: answer.warnings,
    results: {
      samples: answer.samples ? samplesJson(answer.samples) : null,
      repairs: answer.repairs as unknown as Json,
    },
  }
}

/** A layer as the store keeps it. */
export function layerResult({ id, op, type, execution, ms, reason, scale, bits }: QuantizedLayerAnswer): LayerResult {
  return {
    id,
    op,
    type,
    execution,
    ms,
    reason,
    metrics: { ...(scale === null ? {} : { scale }), ...(bits === null ? {} : { bits }) },
  }
}
