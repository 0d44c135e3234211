import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { isFault } from '../../../shared/contract/fault.ts'
import { rangeSource } from '../../calibration/range-source.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import type { Session } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { dequantize } from '../../quant/affine.ts'
import { sqnrDb } from '../../quant/metrics.ts'
import { quantizeModel } from '../../quant/quantize.ts'
import { requiredOpset, resolvePlan } from '../../quant/resolve-plan.ts'
import type { ResolvedPlan } from '../../quant/setup.ts'
import { weightSiteOf } from '../../quant/weight-site.ts'
import { roundToNearest } from '../../quant/weights.ts'
import { instrumentLayers, SCAN_COLUMNS, SCAN_OUTPUT, type ScanVariant } from '../../search/quick-scan.ts'
import { readOwnModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { readCollection } from './collection-file.ts'
import type { TaskDeps } from './deps.ts'
import { raiseOpset } from './raise-opset.ts'

export interface ScanBuildInput {
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  /** one a layer: that layer alone quantized */
  readonly plans: readonly { readonly layerId: string; readonly plan: QuantPlan }[]
  readonly hash: string
  /** path of the calibration collection */
  readonly collection: string
  readonly output: string
}

export interface ScanBuildOutput {
  /** in the order of the instrumented model's output */
  readonly layers: readonly { readonly id: string; readonly weightSqnrDb: number | null }[]
}

/** Writes the model of a quick scan. @throws Fault plan.*, model.opsetUpgrade, file.* */
export function createScanBuildTask(): Task<ScanBuildInput, ScanBuildOutput> {
  return async (input, { signal }) => {
    const { model } = await readOwnModelFile(input.prepared, { signal })
    const resolved = input.plans.map(({ plan }) => resolvePlan(plan, input.layers, model, input.hash))
    const base = raiseOpset(model, Math.max(...resolved.map(requiredOpset)))
    const collection = await readCollection(input.collection)
    const byId = new Map(input.layers.map((layer) => [layer.id, layer]))
    const variants = input.plans.map(({ layerId, plan }, i): ScanVariant => {
      signal.throwIfAborted()
      const ranges = rangeSource(collection, plan.tensors)
      const { model: variant, report } = quantizeModel({ model: base, resolved: resolved[i]!, ranges })
      const layer = byId.get(layerId)!
      const pair = report.pairs.find(({ tensor, like }) => tensor === layer.outputs[0] && like === null)
      return { layer, model: variant, pair: pair ?? null }
    })
    const scan = instrumentLayers(base, variants)
    await writeModelFile(scan.model, input.output, { force: true, signal })
    const plans = new Map(input.plans.map(({ layerId }, i) => [layerId, resolved[i]!]))
    return { layers: scan.layers.map((id) => ({ id, weightSqnrDb: weightSqnr(id, plans.get(id)!, base) })) }
  }
}

/** Of the weights alone, rounded to nearest; null for layers without. */
function weightSqnr(layerId: string, { layers }: ResolvedPlan, model: Model): number | null {
  const entry = layers.find(({ layer }) => layer.id === layerId)
  if (!entry || entry.decision.kind !== 'quantized' || entry.decision.weights === null) return null
  const site = weightSiteOf({ layer: entry.layer, decision: entry.decision }, model)
  if (typeof site === 'string') return null
  const { values, params, dims } = roundToNearest(layerId, site.values, site.layout, site.scheme, null)
  return sqnrDb(site.values, dequantize(values, params, dims))
}

export interface ScanRunInput {
  readonly model: string
  readonly data: DataSpec
  readonly split: DataSplit
  readonly dataHash: string
  readonly seed: number
  readonly preprocess: Preprocess | null
  readonly range: SampleRange
  /** samples in a batch; a model that cannot run several at once is run one by one */
  readonly batch: number
  readonly threads: number
}

export interface ScanRunOutput {
  /** `[layers · SCAN_COLUMNS]`, summed over the samples in their order */
  readonly sums: Float64Array
}

/** Runs the model of a quick scan over some samples. @throws Fault data.*, engine.* */
export function createScanRunTask(deps: TaskDeps): Task<ScanRunInput, ScanRunOutput> {
  let kept: { readonly path: string; readonly session: Session } | null = null
  return async (input, { signal }) => {
    if (kept?.path !== input.model) {
      await kept?.session.release()
      kept = { path: input.model, session: await deps.engine.createSession(input.model, { threads: input.threads }) }
    }
    const source = await deps.openSamples(input.data, input.split, { knownHash: input.dataHash })
    try {
      return { sums: await sumsWithFallback(kept.session, source, input, signal) }
    } finally {
      await source.close()
    }
  }
}

async function sumsWithFallback(
  session: Session,
  source: SampleSource,
  input: ScanRunInput,
  signal: AbortSignal,
): Promise<Float64Array> {
  try {
    return await sumsOf(session, source, input, signal)
  } catch (error) {
    // a model that declares an open batch and cannot run one
    if (input.batch === 1 || !isFault(error) || !error.code.startsWith('engine.')) throw error
    return sumsOf(session, source, { ...input, batch: 1 }, signal)
  }
}

async function sumsOf(
  session: Session,
  source: SampleSource,
  { range, batch, seed, preprocess }: ScanRunInput,
  signal: AbortSignal,
): Promise<Float64Array> {
  const feeder = createFeeder(session.inputs, preprocess, { reuseBuffer: true })
  const order = shuffledOrder(source.info.count, seed)
  let sums: Float64Array | null = null
  for await (const { feeds } of readBatches(source, { order, range, batch, feeder, signal })) {
    const values = (await session.run(feeds))[SCAN_OUTPUT]!.data as Float32Array
    sums ??= new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) sums[i] = sums[i]! + values[i]!
  }
  return sums ?? new Float64Array(SCAN_COLUMNS)
}
