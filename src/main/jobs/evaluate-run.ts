import { Fault } from '../../shared/contract/fault.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { findInstallation } from '../engines/tf/cache.ts'
import { notInstalledFault } from '../engines/tf/load.ts'
import type { EvaluationResult } from '../quant/accumulator.ts'
import { evaluateModel, type Evaluation, type EvaluationRequest } from './evaluate.ts'
import { examineData } from './data-doctor.ts'
import { measuredOnly, recordRun, type RunOutcome } from './record-run.ts'
import { chooseSamples, samplesJson, type ChosenSamples, type SampleOptions } from './samples.ts'
import type { Services } from './services.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import type { EvaluationEngine } from './tasks/evaluate.ts'
import { tfjsEngineVersion } from './tfjs-engine.ts'

export interface EvaluateRunRequest {
  readonly model: string
  readonly reference: string | null
  readonly samples: SampleOptions
  readonly batch?: number
  readonly threads?: number
  /** what runs the model, ONNX Runtime by default; 'tfjs' for TensorFlow.js's own files */
  readonly engine?: EvaluationEngine
}

/** What `eval` answers beside the run's id; rates in 0–1. */
export interface EvaluateAnswer {
  readonly evaluation: Evaluation
  readonly chosen: ChosenSamples
  readonly sizeBytes: number
  /** what the doctor says of data and preprocessing */
  readonly warnings: readonly string[]
}

/**
 * `quantbench eval`: measures a model as a run of the store. A measurement that was made before with equal content is found again.
 * @throws Fault as `evaluateModel` and `chooseSamples`
 */
export async function runEvaluation(
  request: EvaluateRunRequest,
  services: Services,
): Promise<{ run: string; value: EvaluateAnswer }> {
  const parameters: Json = {
    reference: request.reference,
    batch: request.batch ?? null,
    threads: request.threads ?? null,
    engine: request.engine ?? 'onnxruntime',
  }
  return recordRun(services, { kind: 'evaluate', modelPath: request.model, parameters }, async (run) => {
    const describe = (path: string): Promise<ModelDescription> =>
      services.pool.run('describeModel', { path }, { signal: services.signal, retry: true })
    const model = await describe(request.model)
    assertEngineFits(request, model)
    const reference = request.reference === null ? null : await describe(request.reference)
    const chosen = await chooseSamples(request.samples, model, false, services)
    run.identify({ modelHash: model.hash, dataHash: chosen.evaluation.hash })
    // the float model, where there is one, knows best which inputs it was trained on
    const { hash, inputs } = reference ?? model
    const findings = await examineData({ path: request.reference ?? request.model, hash, inputs }, chosen, services)
    const warnings = findings.map(({ message }) => message)
    for (const message of warnings) services.onLog('warning', message)
    const hashes = { model: model.hash, reference: reference?.hash ?? null }
    const evaluation = await measureOnce(evaluationRequest(request, chosen), hashes, chosen, services)
    return evaluationOutcome({ evaluation, chosen, sizeBytes: model.sizeBytes, warnings })
  })
}

/** @throws Fault usage.engine, engine.notInstalled, before any data are read */
function assertEngineFits({ engine, model }: EvaluateRunRequest, { format }: ModelDescription): void {
  if (engine !== 'tfjs') return
  if (format === 'onnx') {
    throw new Fault(
      'usage.engine',
      `${model} is an ONNX file, which TensorFlow.js does not read: convert it first, or measure it in ONNX Runtime.`,
      { path: model },
    )
  }
  if (findInstallation() === null) throw notInstalledFault()
}

function evaluationRequest(request: EvaluateRunRequest, chosen: ChosenSamples): EvaluationRequest {
  return {
    model: request.model,
    reference: request.reference,
    data: chosen.spec,
    split: chosen.evaluation.split,
    dataHash: chosen.evaluation.hash,
    range: chosen.ranges.evaluation,
    seed: chosen.seed,
    preprocess: chosen.preprocess,
    batch: request.batch,
    threads: request.threads,
    engine: request.engine,
  }
}

/**
 * Evaluates, or gives back what an equal evaluation measured before (DESIGN section 6: measurements are durable). What it depends on is
 * the content of model, reference and data, range, seed, preprocessing, batch, threads, runtime version and instruction set.
 */
export async function measureOnce(
  request: EvaluationRequest,
  hashes: { readonly model: string; readonly reference: string | null },
  chosen: ChosenSamples,
  services: Services,
): Promise<Evaluation> {
  const { store, environment, pool, signal, onProgress, onLog, now } = services
  const content = {
    kind: 'evaluate',
    ...hashes,
    data: chosen.evaluation.hash,
    range: [request.range.start, request.range.end],
    seed: request.seed,
    preprocess: chosen.preprocess as Json,
    batch: request.batch ?? 1,
    threads: request.threads ?? 1,
    optimization: request.optimization ?? 'all',
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
    ...(request.engine === 'tfjs' && { engine: tfjsEngineVersion() }),
  }
  const kept = store.measurements.find(content)
  if (kept !== null) {
    onLog('info', 'This was measured before with equal content; the kept result is shown.')
    return kept as unknown as Evaluation
  }
  const evaluation = withFiniteSqnr(await evaluateModel(request, pool, { signal, onProgress, onLog }))
  store.measurements.keep(content, evaluation as unknown as Json, now())
  return evaluation
}

/** SQNR in dB that stands for equal outputs: JSON has no infinity, and sums in double precision resolve no more than about 313 dB. */
export const EQUAL_SQNR_DB = 400

function withFiniteSqnr(evaluation: Evaluation): Evaluation {
  const outputs =
    evaluation.result.outputs?.map((output) => ({ ...output, sqnrDb: Math.min(output.sqnrDb, EQUAL_SQNR_DB) })) ?? null
  return { ...evaluation, result: { ...evaluation.result, outputs } }
}

function evaluationOutcome(answer: EvaluateAnswer): RunOutcome<EvaluateAnswer> {
  const { evaluation, chosen, sizeBytes } = answer
  return {
    value: answer,
    warnings: answer.warnings,
    metrics: { ...evaluationMetrics(evaluation.result), bytes: sizeBytes },
    results: { samples: samplesJson(chosen), evaluation: evaluation as unknown as Json },
  }
}

/** The single numbers of an evaluation, by the names that runs are compared by. */
export function evaluationMetrics(result: EvaluationResult): Record<string, number> {
  const { model, outputs } = result
  return measuredOnly({
    samples: result.samples,
    top1: model?.top1,
    top5: model?.top5,
    loss: model?.loss,
    agreement: result.agreement,
    kl: result.kl,
    sqnrDb: worstSqnrDb(result),
    referenceTop1: result.reference?.top1,
    drop: result.drop?.value,
    cosine: outputs && outputs.length > 0 ? Math.min(...outputs.map((output) => output.cosine)) : null,
  })
}

/** The lowest SQNR over the outputs, null without a reference: one bad output must not hide behind a good one. */
export function worstSqnrDb({ outputs }: EvaluationResult): number | null {
  return outputs && outputs.length > 0 ? Math.min(...outputs.map((output) => output.sqnrDb)) : null
}
