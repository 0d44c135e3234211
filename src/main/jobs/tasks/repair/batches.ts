import type { createFeeder } from '../../../data/feeder.ts'
import type { Model } from '../../../graph/model.ts'
import type { QuantizedLayer, ResolvedPlan } from '../../../quant/setup.ts'
import { weightSiteOf } from '../../../quant/weight-site.ts'
import type { RepairInput } from '../repair.ts'

/** Multiply-accumulates that all passes together may cost, about: the number of samples is chosen by it. */
const BUDGET_MACS = 1.5e13
const [FEWEST_SAMPLES, MOST_SAMPLES] = [64, 512]
/** Bytes of the columns of one batch. */
const BATCH_BYTES = 64 * 2 ** 20
const MOST_BATCH = 32

/** Inputs that are fed; older files list initializers among them. */
export function fedInputs({ graph }: Model): Parameters<typeof createFeeder>[0] {
  return graph.inputs.flatMap(({ name, dataType, shape }) =>
    dataType === null || graph.initializers.has(name) ? [] : [{ name, dataType, shape }],
  )
}

/** Layers whose weights repairs can change. */
export function repairable(resolved: ResolvedPlan): QuantizedLayer[] {
  return resolved.layers.flatMap(({ layer, decision }) =>
    decision.kind === 'quantized' && decision.weights !== null && decision.mode !== 'dynamic'
      ? [{ layer, decision }]
      : [],
  )
}

/** Samples that the budget allows. */
export function samplesFor(layers: readonly QuantizedLayer[], { range, layers: all }: RepairInput): number {
  const macs = all.reduce((sum, { macs: own }) => sum + (own ?? 0), 0)
  const affordable = Math.floor(BUDGET_MACS / Math.max(1, macs * layers.length))
  return Math.min(range.end - range.start, Math.max(FEWEST_SAMPLES, Math.min(MOST_SAMPLES, affordable)))
}

/** Samples whose columns fit into `BATCH_BYTES`, for the widest layer. */
export function batchFor(model: Model, layers: readonly QuantizedLayer[]): number {
  let widest = 1
  for (const entry of layers) {
    const site = weightSiteOf(entry, model)
    const macs = entry.layer.macs
    if (typeof site === 'string' || !macs) continue
    // products of one sample over output channels are its columns
    const rows = site.layout.dims[entry.layer.op === 'Conv' ? 0 : 1] ?? 1
    widest = Math.max(widest, (8 * macs) / rows)
  }
  return Math.max(1, Math.min(MOST_BATCH, 2 ** Math.floor(Math.log2(BATCH_BYTES / widest))))
}
