import { PRODUCT } from '../../../shared/contract/product.ts'
import type { Environment, RunDetail } from '../../../shared/contract/runs.ts'
import { modelName } from '../model-name.ts'
import type { Report, ReportVariant } from './report.ts'

/**
 * A report about runs of the store: the float model as far as they measured it, then each run. Where runs speak of several models, each
 * says which.
 */
export function reportOfRuns(
  runs: readonly RunDetail[],
  environment: Environment,
  generatedAt: string,
  title?: string,
): Report {
  const names = [...new Set(runs.map(({ modelPath }) => (modelPath === null ? '(no model)' : modelName(modelPath))))]
  return {
    title: title ?? `Quantbench: ${names.join(', ')}`,
    generatedAt,
    product: `${PRODUCT.name} ${PRODUCT.version}`,
    facts: [
      ['Models', names.join(', ')],
      ['Runs', runs.map(({ id, kind }) => `${id} (${kind})`).join(', ')],
      ['Measured', [...new Set(runs.map(({ startedAt }) => startedAt.slice(0, 10)))].join(', ')],
    ],
    environment: runs.find((run) => run.environment !== null)?.environment ?? environment,
    variants: [floatVariant(runs), ...runs.map((run) => variantOf(run, names.length > 1))],
  }
}

/** What the runs say of the float model beside their own. */
function floatVariant(runs: readonly RunDetail[]): ReportVariant {
  const first = (name: string): number | null =>
    runs.map(({ metrics }) => metrics[name]).find((value) => value !== undefined) ?? null
  return {
    name: 'float',
    run: null,
    sizeBytes: first('referenceBytes') ?? 0,
    top1: first('referenceTop1'),
    agreement: null,
    sqnrDb: null,
    medianMs: first('referenceMedianMs'),
    floatMs: null,
    speedup: 1,
    layers: [],
    warnings: [],
  }
}

function variantOf(
  { id, kind, metrics, layers, warnings, modelPath, note }: RunDetail,
  withModel: boolean,
): ReportVariant {
  const model = withModel && modelPath !== null ? ` of ${modelName(modelPath)}` : ''
  const metric = (name: string): number | null => metrics[name] ?? null
  return {
    name: note === '' ? `${kind}${model} ${id}` : note,
    run: id,
    sizeBytes: metrics['bytes'] ?? 0,
    top1: metric('top1'),
    agreement: metric('agreement'),
    sqnrDb: metric('sqnrDb'),
    medianMs: metric('medianMs'),
    floatMs: metric('referenceMedianMs'),
    speedup: metric('speedup'),
    layers: layers.filter(({ execution }) => execution !== null),
    warnings,
  }
}
