import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan, RepairName } from '../../../shared/contract/plan.ts'
import { candidateRanges } from '../../calibration/candidate-ranges.ts'
import type { Collection } from '../../calibration/collection.ts'
import { integerDistribution } from '../../calibration/integer-distribution.ts'
import { rangeSource } from '../../calibration/range-source.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { Engine, Feeds } from '../../engines/port.ts'
import { modelBytes } from '../../formats/onnx/index.ts'
import type { Model } from '../../graph/model.ts'
import { quantizeModel } from '../../quant/quantize.ts'
import {
  bundleQuantizer,
  encodeBundle,
  repairedTensors,
  withReducedRange,
  withRepairedBiases,
  type RepairedConstants,
} from '../../quant/repairs/bundle.ts'
import { geometryOf, type WeightGeometry } from '../../quant/repairs/geometry.ts'
import { MomentSums } from '../../quant/repairs/moment-sums.ts'
import { MOMENT_INPUTS, momentsModel } from '../../quant/repairs/moments-model.ts'
import { leastSquares, type Moments } from '../../quant/repairs/moments.ts'
import { movesBias, repairLayer, type RepairEffect } from '../../quant/repairs/repair-layer.ts'
import { requiredOpset, resolvePlan } from '../../quant/resolve-plan.ts'
import { NOTICEABLE_SATURATION, predictSaturation } from '../../quant/saturation.ts'
import type { QuantizedLayer, ResolvedPlan } from '../../quant/setup.ts'
import { weightSiteOf, type WeightSite } from '../../quant/weight-site.ts'
import { roundToNearest } from '../../quant/weights.ts'
import type { RangeSource } from '../../quant/params.ts'
import { readOwnModelFile } from '../model-file.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import { readCollection } from './collection-file.ts'
import type { TaskDeps } from './deps.ts'
import { raiseOpset } from './raise-opset.ts'
import { batchFor, fedInputs, repairable, samplesFor } from './repair/batches.ts'
import { fetcherOf } from './repair/fetcher.ts'
import { OutputDistance } from './repair/output-distance.ts'

export interface RepairInput {
  /** path of the prepared model */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model */
  readonly hash: string
  /** path of the calibration collection; null where no layer is static */
  readonly collection: string | null
  readonly data: DataSpec
  readonly split: DataSplit
  readonly seed: number
  /** samples to take the statistics on; the first of them where they are more than needed */
  readonly range: SampleRange
  readonly preprocess: Preprocess | null
  readonly repairs: Readonly<Record<RepairName, boolean>>
  /** the prepared model with channels evened out, and what was calibrated on it; null without that repair */
  readonly equalized: { readonly prepared: string; readonly collection: string | null } | null
  readonly threads: number
}

/** What became of one layer; `reason` where it was left as it was. */
export interface LayerRepairReport {
  readonly id: string
  readonly effect: RepairEffect | null
  readonly reason: string | null
}

/** What one repair brought: distance of the model's output from the float model's on the samples, with those before it and with it. */
export interface RepairStep {
  readonly repair: RepairName
  readonly before: number
  readonly after: number
  readonly kept: boolean
  readonly note: string | null
}

export interface RepairOutput {
  /** `encodeBundle` */
  readonly bundle: Uint8Array
  /** whether the plan is to be applied to the equalized model */
  readonly equalized: boolean
  readonly steps: readonly RepairStep[]
  readonly layers: readonly LayerRepairReport[]
  readonly samples: number
  /** distance of the model's output from the float model's on those samples, see `OutputDistance`, without and with the repairs */
  readonly distance: { readonly plain: number; readonly repaired: number; readonly measure: string }
}

/**
 * Repairs a plan's weighted layers one after the other, in graph order: the statistics of each are taken with all layers before it already
 * repaired and quantized, so that it makes up for their errors as well. @throws Fault plan.*, data.*, engine.*
 */
export function createRepairTask(deps: TaskDeps): Task<RepairInput, RepairOutput> {
  return async (input, context) => {
    const base = await readBase(input, input, context.signal)
    const equalized = input.equalized && (await readBase(input, input.equalized, context.signal))
    const { model } = base
    const layers = repairable(base.resolved)
    const source = await deps.openSamples(input.data, input.split)
    try {
      const range = { start: input.range.start, end: input.range.start + samplesFor(layers, input) }
      const feeder = createFeeder(fedInputs(model), input.preprocess)
      const order = shuffledOrder(source.info.count, input.seed)
      const batch = feeder.fixedBatch ?? batchFor(model, layers)
      const batches: Feeds[] = []
      for await (const { feeds } of readBatches(source, { order, range, batch, feeder, signal: context.signal }))
        batches.push(feeds)
      const repairer = new Repairer(deps.engine, { model, layers, batches, input }, base, context)
      return { ...(await repairer.run(equalized)), samples: range.end - range.start }
    } finally {
      await source.close()
    }
  }
}

async function readBase(
  { plan, layers, hash }: RepairInput,
  { prepared, collection }: Pick<RepairInput, 'prepared' | 'collection'>,
  signal: AbortSignal,
): Promise<Base> {
  const { model } = await readOwnModelFile(prepared, { signal })
  const resolved = resolvePlan(plan, layers, model, hash)
  const raised = raiseOpset(model, requiredOpset(resolved))
  return { model: raised, resolved, collection: collection === null ? null : await readCollection(collection) }
}

interface Job {
  readonly model: Model
  readonly layers: readonly QuantizedLayer[]
  readonly batches: readonly Feeds[]
  readonly input: RepairInput
}

/** A float model with its statistics: what plans are made on. */
interface Base {
  readonly model: Model
  readonly resolved: ResolvedPlan
  readonly collection: Collection | null
}

class Repairer {
  readonly #engine: Engine
  readonly #job: Job
  readonly #context: TaskContext
  readonly #layers = new Map<string, RepairedConstants>()
  readonly #ranges: Record<string, readonly [number, number]> = {}
  readonly #steps: RepairStep[] = []
  #base: Base
  #reduced: readonly string[] = []

  constructor(engine: Engine, job: Job, base: Base, context: TaskContext) {
    this.#engine = engine
    this.#job = job
    this.#base = base
    this.#context = context
  }

  /** @param equalized the same model with its channels evened out; null where that was not asked for or there was nothing to even out */
  async run(equalized: Base | null): Promise<Omit<RepairOutput, 'samples'>> {
    const { input, model, batches } = this.#job
    const distance = await OutputDistance.to(this.#engine, model, batches, this.#options())
    const plain = await distance.of(this.#quantized({ foldsStems: true }))
    let now = plain
    if (input.repairs.equalize) now = await this.#equalize(equalized, now, distance)
    if (input.repairs.reducedRange) now = await this.#reduce(now, distance)
    const layers = await this.#walk(distance)
    const repaired = await this.#tellEffects(now, distance)
    return {
      bundle: encodeBundle({ layers: this.#layers, ranges: this.#ranges, reduced: this.#reduced }),
      equalized: this.#steps.some(({ repair, kept }) => repair === 'equalize' && kept),
      steps: this.#steps,
      layers,
      distance: { plain, repaired, measure: distance.measure },
    }
  }

  /** Goes on with the equalized model where that is nearer to the float model's output. */
  async #equalize(equalized: Base | null, before: number, distance: OutputDistance): Promise<number> {
    if (equalized === null) {
      const note = 'no two quantized layers follow each other with nothing but scale-equivariant operators between them'
      this.#steps.push({ repair: 'equalize', before, after: before, kept: false, note })
      return before
    }
    const former = this.#base
    this.#base = equalized
    const after = await distance.of(this.#quantized({ foldsStems: true }))
    const kept = after < before
    const note = kept ? null : 'left out: the output was farther from the float model with it'
    this.#steps.push({ repair: 'equalize', before, after, kept, note })
    if (!kept) this.#base = former
    return kept ? after : before
  }

  /** Takes a bit from the weights of layers that would saturate; what it brings shows on such a CPU only, so it is kept in any case. */
  async #reduce(before: number, distance: OutputDistance): Promise<number> {
    const { input } = this.#job
    const found = this.#saturating()
    this.#reduced = found.map(({ id }) => id)
    const plan = withReducedRange(input.plan, this.#reduced)
    const { model } = this.#base
    this.#base = { ...this.#base, resolved: resolvePlan(plan, input.layers, model, input.hash) }
    const after = found.length === 0 ? before : await distance.of(this.#quantized({ foldsStems: true }))
    const note =
      found.length === 0
        ? 'no layer is expected to saturate on an AVX2 CPU without VNNI'
        : `of each output value ${found.map(({ id, expected }) => `${expected.toPrecision(2)} sums of ${id}`).join(', ')} would saturate on an AVX2 CPU without VNNI, and cannot with 7 bits; this machine need not show it`
    this.#steps.push({ repair: 'reducedRange', before, after, kept: found.length > 0, note })
    return after
  }

  #saturating(): { readonly id: string; readonly expected: number }[] {
    const { model, collection } = this.#base
    const { pairs } = this.#quantize({}).report
    return this.#layersNow().flatMap((entry) => {
      const { scheme } = entry.decision.weights ? { scheme: entry.decision.weights } : { scheme: null }
      const site = weightSiteOf(entry, model)
      if (!collection || typeof site === 'string' || scheme?.bits !== 8 || entry.decision.mode !== 'static') return []
      const pair = pairs.find(({ tensor }) => tensor === site.inputTensor)
      const statistics = collection.tensors.get(pair?.like ?? site.inputTensor)
      if (!pair || pair.container !== 'uint8' || !statistics) return []
      const node = model.graph.nodes.find(({ name }) => name === site.node)!
      const weights = roundToNearest(site.layerId, site.values, site.layout, site.scheme, null)
      const { expected } = predictSaturation(node, site, weights, integerDistribution(statistics, pair.params))
      return expected >= NOTICEABLE_SATURATION ? [{ id: entry.layer.id, expected }] : []
    })
  }

  async #walk(distance: OutputDistance): Promise<LayerRepairReport[]> {
    const { input } = this.#job
    const { calibrators, rounding, bias } = input.repairs
    const reports: LayerRepairReport[] = []
    if (!calibrators && !rounding && !bias) return reports
    const { layers } = this.#base.resolved
    const weighted = new Map(this.#layersNow().map((entry) => [entry.layer.id, entry]))
    for (const [done, { layer, decision }] of layers.entries()) {
      this.#context.onProgress({ stage: 'repair', done, total: layers.length, unit: 'layers' })
      const entry = weighted.get(layer.id)
      if (entry && (rounding || bias)) {
        const outcome = await this.#repair(entry)
        const isText = typeof outcome === 'string'
        reports.push({ id: layer.id, effect: isText ? null : outcome, reason: isText ? outcome : null })
      }
      if (calibrators && decision.kind === 'quantized' && decision.mode === 'static')
        await this.#chooseRanges(done, distance)
    }
    return reports
  }

  /** Measures what each of the repairs made layer by layer brings to those before it. */
  async #tellEffects(start: number, distance: OutputDistance): Promise<number> {
    const asked = (['calibrators', 'rounding', 'bias'] as const).filter((name) => this.#job.input.repairs[name])
    const made = new Map(this.#layers)
    let before = start
    for (const repair of asked) {
      const shown = asked.slice(0, asked.indexOf(repair) + 1)
      this.#layers.clear()
      for (const [id, { weights, bias }] of made)
        this.#layers.set(id, {
          weights: shown.includes('rounding') ? weights : null,
          bias: shown.includes('bias') ? bias : null,
        })
      const after = await distance.of(this.#quantized({ foldsStems: true }))
      this.#steps.push({ repair, before, after, kept: true, note: null })
      before = after
    }
    return before
  }

  #layersNow(): QuantizedLayer[] {
    return repairable(this.#base.resolved)
  }

  /**
   * The ranges of the pairs that layer `last` brings, one after the other, each the candidate that leaves the model's output nearest to the
   * float model's while all layers behind are in float.
   */
  async #chooseRanges(last: number, distance: OutputDistance): Promise<void> {
    const { input } = this.#job
    const { resolved, collection } = this.#base
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
    const { input } = this.#job
    const { model } = this.#base
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
    const { input } = this.#job
    const { model, resolved, collection } = this.#base
    const bundle = { layers: this.#layers }
    const decided = resolved.layers.map((entry, i) =>
      i <= last ? entry : { ...entry, decision: { kind: 'float' as const } },
    )
    return quantizeModel({
      model: withRepairedBiases(model, this.#layersNow(), bundle),
      resolved: { ...resolved, layers: decided },
      ranges: rangesOf(collection, input.plan, this.#ranges),
      quantizeWeights: bundleQuantizer(bundle),
      foldsStems,
    })
  }

  async #moments(site: WeightSite, geometry: WeightGeometry): Promise<Moments[] | string> {
    const { batches } = this.#job
    const { model } = this.#base
    const quantized = this.#quantized()
    const reader = quantized.graph.nodes.find(({ name }) => name === site.node)
    const read = reader?.inputs[0]
    const node = model.graph.nodes.find(({ name }) => name === site.node)!
    if (!read || (reader.opType !== node.opType && reader.opType !== 'Gemm'))
      return 'it is not a node of its own in the quantized model'
    const float = await fetcherOf(this.#engine, model, site.inputTensor, this.#options())
    const tested = await fetcherOf(this.#engine, quantized, read, this.#options())
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
