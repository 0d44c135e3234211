import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { candidateRanges } from '../../calibration/candidate-ranges.ts'
import { decodeCollection } from '../../calibration/collection-codec.ts'
import type { Collection } from '../../calibration/collection.ts'
import { rangeSource } from '../../calibration/range-source.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { Engine, EngineTensor, Feeds } from '../../engines/port.ts'
import { modelBytes } from '../../formats/onnx/index.ts'
import type { Model } from '../../graph/model.ts'
import { prefixOf } from '../../graph/prefix.ts'
import { isDistribution, klDivergence, measurePair, type ScoreKind } from '../../quant/metrics.ts'
import { quantizeModel } from '../../quant/quantize.ts'
import {
  bundleQuantizer,
  encodeBundle,
  repairedTensors,
  withRepairedBiases,
  type RepairedConstants,
} from '../../quant/repairs/bundle.ts'
import { geometryOf, type WeightGeometry } from '../../quant/repairs/geometry.ts'
import { MOMENT_INPUTS, momentsModel } from '../../quant/repairs/moments-model.ts'
import { leastSquares, type Moments } from '../../quant/repairs/moments.ts'
import { movesBias, repairLayer, type LayerRepairs, type RepairEffect } from '../../quant/repairs/repair-layer.ts'
import { resolvePlan } from '../../quant/resolve-plan.ts'
import type { QuantizedLayer, ResolvedPlan } from '../../quant/setup.ts'
import { weightSiteOf, type WeightSite } from '../../quant/weight-site.ts'
import type { RangeSource } from '../../quant/params.ts'
import { readModelFile } from '../model-file.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

export interface RepairInput {
  /** path of the prepared model */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model */
  readonly hash: string
  /** bytes of the calibration collection; null where no layer is static */
  readonly collection: Uint8Array | null
  readonly data: DataSpec
  readonly split: DataSplit
  readonly seed: number
  /** samples to take the statistics on; the first of them where they are more than needed */
  readonly range: SampleRange
  readonly preprocess: Preprocess | null
  readonly repairs: LayerRepairs & { readonly calibrators: boolean }
  readonly threads: number
}

/** What became of one layer; `reason` where it was left as it was. */
export interface LayerRepairReport {
  readonly id: string
  readonly effect: RepairEffect | null
  readonly reason: string | null
}

export interface RepairOutput {
  /** `encodeBundle` */
  readonly bundle: Uint8Array
  readonly layers: readonly LayerRepairReport[]
  readonly samples: number
  /** distance of the model's output from the float model's on those samples, see `OutputDistance`, without and with the repairs */
  readonly distance: { readonly plain: number; readonly repaired: number; readonly measure: string }
}

/** Multiply-accumulates that all passes together may cost, about: the number of samples is chosen by it. */
const BUDGET_MACS = 1.5e13
const [FEWEST_SAMPLES, MOST_SAMPLES] = [64, 512]
/** Bytes of the columns of one batch. */
const BATCH_BYTES = 64 * 2 ** 20
const MOST_BATCH = 32

/**
 * Repairs a plan's weighted layers one after the other, in graph order: the statistics of each are taken with all layers before it already
 * repaired and quantized, so that it makes up for their errors as well. @throws Fault plan.*, data.*, engine.*
 */
export function createRepairTask(deps: TaskDeps): Task<RepairInput, RepairOutput> {
  return async (input, context) => {
    const { model } = await readModelFile(input.prepared, { signal: context.signal })
    const resolved = resolvePlan(input.plan, input.layers, model, input.hash)
    const collection = input.collection === null ? null : decodeCollection(input.collection)
    const layers = repairable(resolved)
    const source = await deps.openSamples(input.data, input.split)
    try {
      const range = { start: input.range.start, end: input.range.start + samplesFor(layers, input) }
      const feeder = createFeeder(fedInputs(model), input.preprocess)
      const order = shuffledOrder(source.info.count, input.seed)
      const batch = feeder.fixedBatch ?? batchFor(model, layers)
      const batches: Feeds[] = []
      for await (const { feeds } of readBatches(source, { order, range, batch, feeder, signal: context.signal }))
        batches.push(feeds)
      const repairer = new Repairer(deps.engine, { model, resolved, collection, layers, batches, input }, context)
      return { ...(await repairer.run()), samples: range.end - range.start }
    } finally {
      await source.close()
    }
  }
}

/** Inputs that are fed; older files list initializers among them. */
function fedInputs({ graph }: Model): Parameters<typeof createFeeder>[0] {
  return graph.inputs.flatMap(({ name, dataType, shape }) =>
    dataType === null || graph.initializers.has(name) ? [] : [{ name, dataType, shape }],
  )
}

function repairable(resolved: ResolvedPlan): QuantizedLayer[] {
  return resolved.layers.flatMap(({ layer, decision }) =>
    decision.kind === 'quantized' && decision.weights !== null && decision.mode !== 'dynamic'
      ? [{ layer, decision }]
      : [],
  )
}

function samplesFor(layers: readonly QuantizedLayer[], { range, layers: all }: RepairInput): number {
  const macs = all.reduce((sum, { macs: own }) => sum + (own ?? 0), 0)
  const affordable = Math.floor(BUDGET_MACS / Math.max(1, macs * layers.length))
  return Math.min(range.end - range.start, Math.max(FEWEST_SAMPLES, Math.min(MOST_SAMPLES, affordable)))
}

/** Samples whose columns fit into `BATCH_BYTES`, for the widest layer. */
function batchFor(model: Model, layers: readonly QuantizedLayer[]): number {
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

interface Job {
  readonly model: Model
  readonly resolved: ResolvedPlan
  readonly collection: Collection | null
  readonly layers: readonly QuantizedLayer[]
  readonly batches: readonly Feeds[]
  readonly input: RepairInput
}

class Repairer {
  readonly #engine: Engine
  readonly #job: Job
  readonly #context: TaskContext
  readonly #layers = new Map<string, RepairedConstants>()
  readonly #ranges: Record<string, readonly [number, number]> = {}

  constructor(engine: Engine, job: Job, context: TaskContext) {
    this.#engine = engine
    this.#job = job
    this.#context = context
  }

  async run(): Promise<Omit<RepairOutput, 'samples'>> {
    const reports: LayerRepairReport[] = []
    const { layers, resolved, input, model } = this.#job
    const weighted = new Map(layers.map((entry) => [entry.layer.id, entry]))
    const distance = await OutputDistance.to(this.#engine, model, this.#job.batches, this.#options())
    const plain = await distance.of(this.#quantized({ foldsStems: true }))
    for (const [done, { layer, decision }] of resolved.layers.entries()) {
      this.#context.onProgress({ stage: 'repair', done, total: resolved.layers.length, unit: 'layers' })
      const entry = weighted.get(layer.id)
      if (entry && (input.repairs.rounding || input.repairs.bias)) {
        const outcome = await this.#repair(entry)
        const isText = typeof outcome === 'string'
        reports.push({ id: layer.id, effect: isText ? null : outcome, reason: isText ? outcome : null })
      }
      if (input.repairs.calibrators && decision.kind === 'quantized' && decision.mode === 'static')
        await this.#chooseRanges(done, distance)
    }
    const repaired = await distance.of(this.#quantized({ foldsStems: true }))
    return {
      bundle: encodeBundle({ layers: this.#layers, ranges: this.#ranges }),
      layers: reports,
      distance: { plain, repaired, measure: distance.measure },
    }
  }

  /**
   * The ranges of the pairs that layer `last` brings, one after the other, each the candidate that leaves the model's output nearest to the
   * float model's while all layers behind are in float.
   */
  async #chooseRanges(last: number, distance: OutputDistance): Promise<void> {
    const { collection, resolved, input } = this.#job
    if (collection === null) return
    const { report } = this.#quantize({ last })
    for (const { tensor, like, layerId } of report.pairs) {
      if (like !== null || tensor in this.#ranges || input.plan.tensors?.[tensor]) continue
      const owner = resolved.layers.find(({ layer }) => layer.id === layerId)
      if (owner?.decision.kind !== 'quantized' || !collection.tensors.has(tensor)) continue
      let best: { range: readonly [number, number]; distance: number } | null = null
      for (const range of candidateRanges(collection, tensor, owner.decision.activations)) {
        this.#context.signal.throwIfAborted()
        this.#ranges[tensor] = range
        const found = await distance.of(this.#quantized({ last }))
        if (best === null || found < best.distance) best = { range, distance: found }
      }
      if (best) this.#ranges[tensor] = best.range
    }
  }

  /** Repairs one layer, or says why it is left. */
  async #repair(entry: QuantizedLayer): Promise<RepairEffect | string> {
    const { model, input } = this.#job
    const site = weightSiteOf(entry, model)
    if (typeof site === 'string') return site
    const { scheme } = site
    if (!scheme.symmetric && scheme.granularity === 'perBlock') return 'blocks with zero points are rounded to nearest'
    const node = model.graph.nodes.find(({ name }) => name === site.node)!
    const geometry = geometryOf(node, site)
    if (typeof geometry === 'string') return geometry
    const moments = await this.#moments(site, geometry)
    if (typeof moments === 'string') return moments
    const centred = movesBias(site, input.repairs)
    const problems = moments.map((own) => leastSquares(own, centred))
    const { weights, bias, effect } = repairLayer(site, geometry, problems, input.repairs)
    this.#layers.set(entry.layer.id, { weights, bias })
    return effect
  }

  /** The quantized model so far; with `last` only up to that layer of the plan. */
  #quantized(options: { last?: number; foldsStems?: boolean } = {}): Model {
    return this.#quantize(options).model
  }

  #quantize({
    last = Infinity,
    foldsStems = false,
  }: {
    last?: number
    foldsStems?: boolean
  }): ReturnType<typeof quantizeModel> {
    const { model, resolved, collection, layers, input } = this.#job
    const bundle = { layers: this.#layers }
    const decided = resolved.layers.map((entry, i) =>
      i <= last ? entry : { ...entry, decision: { kind: 'float' as const } },
    )
    return quantizeModel({
      model: withRepairedBiases(model, layers, bundle),
      resolved: { ...resolved, layers: decided },
      ranges: rangesOf(collection, input.plan, this.#ranges),
      quantizeWeights: bundleQuantizer(bundle),
      foldsStems,
    })
  }

  async #moments(site: WeightSite, geometry: WeightGeometry): Promise<Moments[] | string> {
    const { model, batches } = this.#job
    const quantized = this.#quantized()
    const reader = quantized.graph.nodes.find(({ name }) => name === site.node)
    const read = reader?.inputs[0]
    const node = model.graph.nodes.find(({ name }) => name === site.node)!
    if (!read || (reader.opType !== node.opType && reader.opType !== 'Gemm'))
      return 'it is not a node of its own in the quantized model'
    const float = await this.#fetcher(model, site.inputTensor)
    const tested = await this.#fetcher(quantized, read)
    const summing = await this.#engine.createSession(
      modelBytes(momentsModel(node, geometry, site.layout.dims)),
      this.#options(),
    )
    try {
      const sums = new MomentSums(geometry)
      for (const feeds of batches) {
        this.#context.signal.throwIfAborted()
        const x = await float.fetch(feeds)
        const q = await tested.fetch(feeds)
        sums.add(await summing.run({ [MOMENT_INPUTS.float]: x, [MOMENT_INPUTS.quantized]: q }))
      }
      return sums.blocks()
    } finally {
      await Promise.all([float.release(), tested.release(), summing.release()])
    }
  }

  #options(): { readonly threads: number } {
    return { threads: this.#job.input.threads }
  }

  /** Computes one tensor of a model, from a session of its ancestors alone. */
  async #fetcher(model: Model, tensor: string): Promise<Fetcher> {
    if (model.graph.inputs.some(({ name }) => name === tensor))
      return { fetch: (feeds) => Promise.resolve(feeds[tensor]!), release: () => Promise.resolve() }
    const prefix = prefixOf(model, tensor)
    const session = await this.#engine.createSession(modelBytes(prefix), this.#options())
    const names = session.inputs.map(({ name }) => name)
    return {
      fetch: async (feeds) => {
        const own = Object.fromEntries(names.map((name) => [name, feeds[name]!]))
        return (await session.run(own, [tensor]))[tensor]!
      },
      release: () => session.release(),
    }
  }
}

/** Sums the moments of batches in double precision. */
class MomentSums {
  readonly #size: number
  readonly #blocks: number
  readonly #sums: Readonly<Record<'gram' | 'cross' | 'floatGram' | 'sumQ' | 'sumX', Float64Array>>
  #count = 0

  constructor({ groups, splits, size }: WeightGeometry) {
    this.#blocks = groups * splits
    this.#size = size / splits
    const matrix = this.#blocks * this.#size ** 2
    const vector = this.#blocks * this.#size
    this.#sums = {
      gram: new Float64Array(matrix),
      cross: new Float64Array(matrix),
      floatGram: new Float64Array(matrix),
      sumQ: new Float64Array(vector),
      sumX: new Float64Array(vector),
    }
  }

  add(outputs: Feeds): void {
    for (const [name, sum] of Object.entries(this.#sums)) {
      const values = outputs[name]!.data as Float32Array
      for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!
    }
    this.#count += Number(outputs['count']!.data[0])
  }

  blocks(): Moments[] {
    const [matrix, vector] = [this.#size ** 2, this.#size]
    const { gram, cross, floatGram, sumQ, sumX } = this.#sums
    return Array.from({ length: this.#blocks }, (_, b) => ({
      size: this.#size,
      count: this.#count,
      gram: gram.slice(b * matrix, (b + 1) * matrix),
      cross: cross.slice(b * matrix, (b + 1) * matrix),
      floatGram: floatGram.slice(b * matrix, (b + 1) * matrix),
      sumQ: sumQ.slice(b * vector, (b + 1) * vector),
      sumX: sumX.slice(b * vector, (b + 1) * vector),
    }))
  }
}

/** How far a model's outputs are from the float model's, on the samples of the repair. */
class OutputDistance {
  readonly measure: string
  readonly #engine: Engine
  readonly #batches: readonly Feeds[]
  readonly #options: { readonly threads: number }
  readonly #wanted: readonly Feeds[]
  readonly #kind: ScoreKind | null

  private constructor(
    engine: Engine,
    batches: readonly Feeds[],
    options: { readonly threads: number },
    wanted: readonly Feeds[],
  ) {
    this.#engine = engine
    this.#batches = batches
    this.#options = options
    this.#wanted = wanted
    this.#kind = scoreKindOf(wanted)
    this.measure = this.#kind === null ? 'noise of the outputs over their signal' : 'KL of the class scores in nats'
  }

  static async to(
    engine: Engine,
    model: Model,
    batches: readonly Feeds[],
    options: { readonly threads: number },
  ): Promise<OutputDistance> {
    return new OutputDistance(engine, batches, options, await runAll(engine, model, batches, options))
  }

  async of(model: Model): Promise<number> {
    const found = await runAll(this.#engine, model, this.#batches, this.#options)
    let [sum, count] = [0, 0]
    found.forEach((outputs, i) => {
      for (const [name, wanted] of Object.entries(this.#wanted[i]!)) {
        if (wanted.dataType !== 'float') continue
        const [a, b] = [wanted.data as Float32Array, outputs[name]!.data as Float32Array]
        if (this.#kind === null) {
          const { noise, signal } = measurePair(a, b)
          sum += signal > 0 ? noise / signal : noise
          count++
          continue
        }
        const rows = wanted.dims[0] ?? 1
        const length = a.length / rows
        for (let row = 0; row < rows; row++, count++) {
          const at = [row * length, (row + 1) * length] as const
          sum += scoreDistance(a.subarray(...at), b.subarray(...at), this.#kind)
        }
      }
    })
    return sum / Math.max(1, count)
  }
}

/** Standard deviation that scores are brought to: that of a usual classifier's. */
const SCORE_DEVIATION = 3

/**
 * KL of two rows of class scores. Scores far apart (some models give thousands) are brought nearer together first: with theirs a single
 * sample that changes sides would outweigh all others.
 */
function scoreDistance(wanted: Float32Array, found: Float32Array, kind: ScoreKind): number {
  if (kind === 'probabilities') return klDivergence(wanted, found, kind)
  const mean = wanted.reduce((sum, value) => sum + value, 0) / wanted.length
  const deviation = Math.sqrt(wanted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / wanted.length)
  if (deviation <= SCORE_DEVIATION) return klDivergence(wanted, found, kind)
  const factor = SCORE_DEVIATION / deviation
  return klDivergence(
    wanted.map((value) => value * factor),
    found.map((value) => value * factor),
    kind,
  )
}

async function runAll(
  engine: Engine,
  model: Model,
  batches: readonly Feeds[],
  options: { readonly threads: number },
): Promise<Feeds[]> {
  const session = await engine.createSession(modelBytes(model), options)
  try {
    const outputs: Feeds[] = []
    for (const feeds of batches) outputs.push(await session.run(feeds))
    return outputs
  } finally {
    await session.release()
  }
}

/** How the only output is to be read, null where the model does not classify. */
function scoreKindOf(outputs: readonly Feeds[]): ScoreKind | null {
  const rows = outputs.flatMap((feeds) => Object.values(feeds))
  const isScores = rows.every(({ dims, dataType }) => dataType === 'float' && dims.length === 2 && dims[1]! > 1)
  if (!isScores || Object.keys(outputs[0] ?? {}).length !== 1) return null
  return rows.every(({ data, dims }) => isDistribution((data as Float32Array).subarray(0, dims[1])))
    ? 'probabilities'
    : 'logits'
}

/** Ranges with those that repairs chose in the place of the calibrator's. */
function rangesOf(
  collection: Collection | null,
  plan: QuantPlan,
  chosen: Readonly<Record<string, readonly [number, number]>>,
): RangeSource {
  if (collection === null)
    return {
      rangeOf: (tensor) => {
        throw new Error(`${tensor} has no statistics`)
      },
    }
  return rangeSource(collection, repairedTensors(plan, { ranges: chosen }))
}

interface Fetcher {
  fetch(feeds: Feeds): Promise<EngineTensor>
  release(): Promise<void>
}
