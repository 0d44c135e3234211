import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { PRODUCT } from '../../shared/contract/product.ts'
import type { QuantMode } from '../../shared/contract/plan.ts'
import type { LayerResult } from '../../shared/contract/runs.ts'
import { planFromOptions } from '../quant/plan.ts'
import { writeFileAtomic } from './atomic-file.ts'
import { runBench } from './bench-run.ts'
import { runEvaluation, worstSqnrDb, type EvaluateAnswer } from './evaluate-run.ts'
import { inspectModel } from './inspect.ts'
import { runQuantization, type QuantizeAnswer } from './quantize-run.ts'
import { reportHtml } from './report/html.ts'
import type { Report, ReportVariant } from './report/report.ts'
import type { SampleOptions } from './samples.ts'
import type { Services } from './services.ts'

export interface DemoRequest {
  /** path of the built-in sample model */
  readonly model: string
  /** folder for the files and the report; made where it is absent */
  readonly output: string
}

export interface DemoAnswer {
  readonly report: Report
  readonly reportPath: string
  readonly files: readonly string[]
}

/** One way of quantizing the sample. */
interface Way {
  readonly name: string
  readonly mode: QuantMode
  readonly file: string
  readonly keepFloat?: readonly string[]
}

/**
 * The ways the demo quantizes. The hybrid one keeps the first Conv in float: with 9 products for an output it is slower in integers than all
 * others gain, which the report of the static one shows.
 */
const WAYS: readonly Way[] = [
  { name: 'static int8', mode: 'static', file: 'digits.static.onnx' },
  { name: 'hybrid int8', mode: 'static', file: 'digits.hybrid.onnx', keepFloat: ['stem/conv'] },
  { name: 'dynamic int8', mode: 'dynamic', file: 'digits.dynamic.onnx' },
  { name: 'weight-only int8', mode: 'weightOnly', file: 'digits.weight-only.onnx' },
]

/** A batch that gives the kernels something to do, on one thread: waking others would drown so small a model. */
const BENCH = { batch: 32, threads: 1, limits: { minMs: 600, maxMs: 4000 } } as const

/**
 * The whole job on the built-in sample: inspect, calibrate, quantize four ways, evaluate, bench, export, report. Every step is a run
 * of the store.
 * @throws Fault as its steps
 */
export async function runDemo(request: DemoRequest, services: Services): Promise<DemoAnswer> {
  const { onLog, pool, signal, environment, now } = services
  await mkdir(request.output, { recursive: true })
  const samples: SampleOptions = { data: { kind: 'synthetic-digits' }, seed: 0 }
  onLog('info', '1/3 inspect and evaluate the float model')
  const { summary } = await inspectModel(pool, { path: request.model }, { signal })
  const float = await runEvaluation({ model: request.model, reference: null, samples }, services)
  const variants: ReportVariant[] = []
  for (const [i, way] of WAYS.entries()) {
    onLog('info', `${i === 0 ? '2/3 quantize, evaluate and bench: ' : '    '}${way.name}`)
    const output = path.join(request.output, way.file)
    variants.push(await measureWay(request.model, output, way, samples, services))
  }
  onLog('info', '3/3 report')
  const report: Report = {
    title: 'Quantbench demo: digits-cnn',
    generatedAt: now(),
    product: `${PRODUCT.name} ${PRODUCT.version}`,
    facts: [
      [
        'Model',
        `digits-cnn.onnx (built in), ${summary.parameters} parameters, ${summary.macs ?? '?'} multiply-accumulates a sample`,
      ],
      [
        'Data',
        `synthetic-digits, ${float.value.evaluation.result.samples} test samples; calibrated on training samples only`,
      ],
      ['Speed', `batch ${BENCH.batch}, ${BENCH.threads} thread, medians in turn with the float model`],
    ],
    environment,
    variants: [floatVariant(float.run, float.value), ...variants],
  }
  const reportPath = path.join(request.output, 'report.html')
  await writeFileAtomic(reportPath, new TextEncoder().encode(reportHtml(report)), { force: true })
  return { report, reportPath, files: WAYS.map((way) => path.join(request.output, way.file)) }
}

async function measureWay(
  model: string,
  output: string,
  way: Way,
  samples: SampleOptions,
  services: Services,
): Promise<ReportVariant> {
  const plan = planFromOptions({ mode: way.mode })
  const quantized = await runQuantization(
    {
      model,
      output,
      force: true,
      plan,
      keepFloat: way.keepFloat ?? [],
      samples: way.mode === 'static' ? samples : null,
    },
    services,
  )
  const evaluated = await runEvaluation({ model: output, reference: model, samples }, services)
  const timed = await runBench({ model: output, reference: model, ...BENCH }, services)
  const { result } = evaluated.value.evaluation
  return {
    name: way.name,
    run: quantized.run,
    sizeBytes: quantized.value.bytes,
    top1: result.model?.top1 ?? null,
    agreement: result.agreement,
    sqnrDb: worstSqnrDb(result),
    medianMs: timed.value.medianMs,
    floatMs: timed.value.referenceMedianMs,
    speedup: timed.value.speedup,
    layers: layerResults(quantized.value),
    warnings: [...new Set([...quantized.value.warnings, ...timed.value.warnings])],
  }
}

function floatVariant(run: string, { evaluation, sizeBytes }: EvaluateAnswer): ReportVariant {
  const { model } = evaluation.result
  return {
    name: 'float',
    run,
    sizeBytes,
    top1: model?.top1 ?? null,
    agreement: null,
    sqnrDb: null,
    medianMs: null,
    floatMs: null,
    speedup: 1,
    layers: [],
    warnings: [],
  }
}

function layerResults({ layers }: QuantizeAnswer): LayerResult[] {
  return layers.map(({ id, op, type, execution, ms, reason }) => ({
    id,
    op,
    type,
    execution,
    ms,
    reason: execution === 'int8' ? null : reason,
    metrics: {},
  }))
}
