import type { SampleRange } from '../../../shared/contract/data.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import { defaultPlan, type LayerOverride, type QuantPlan } from '../../../shared/contract/plan.ts'
import type { Configuration } from '../../search/grid.ts'
import { serializePlan } from '../../quant/plan.ts'
import type { MeasurementContent } from '../../store/measurements.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'

/** One cell of the grid: a layer in a configuration, as a plan. */
export interface Variant {
  /** null: the base itself, all layers quantized */
  readonly layerId: string | null
  readonly config: string
  readonly plan: QuantPlan
  /** equal for plans that are equal: they are measured once */
  readonly key: string
}

/** Variants that share a base, and so a prefix. */
export interface VariantGroup {
  /** null: the float model */
  readonly basePlan: QuantPlan | null
  readonly variants: readonly Variant[]
}

export interface GridRequest {
  readonly layers: readonly LayerInfo[]
  readonly configurations: readonly Configuration[]
  readonly base: 'float' | 'quantized'
  /** what every plan of the grid starts from: repairs, ranges of tensors; its layers are left aside */
  readonly template?: QuantPlan
}

/** The grid as groups of plans: one group on the float model, one a configuration on its quantized model. */
export function gridVariants(request: GridRequest, allLayers: readonly LayerInfo[]): VariantGroup[] {
  const template = { ...(request.template ?? defaultPlan), layers: {} }
  if (request.base === 'float') {
    const variants = request.configurations.flatMap(({ name, override }) =>
      request.layers.flatMap((layer) => oneQuantized(layer, name, override, template, allLayers)),
    )
    return [{ basePlan: null, variants }]
  }
  return request.configurations.map(({ name, override }) => {
    const basePlan = withDefaults(template, override)
    const variants = request.layers.map((layer) =>
      variantOf(layer.id, name, { ...basePlan, layers: { [layer.id]: 'float' } }),
    )
    return { basePlan, variants: [variantOf(null, name, basePlan), ...variants] }
  })
}

function variantOf(layerId: string | null, config: string, plan: QuantPlan): Variant {
  return { layerId, config, plan, key: serializePlan(plan, 0) }
}

/** Nothing for a layer that has no such form: layers without weights are static. */
function oneQuantized(
  layer: LayerInfo,
  config: string,
  override: Exclude<LayerOverride, 'float'>,
  template: QuantPlan,
  allLayers: readonly LayerInfo[],
): Variant[] {
  const { weights: _, ...withoutWeights } = override
  const own = layer.role === 'weighted' ? override : withoutWeights
  if (layer.role !== 'weighted' && (override.mode ?? template.defaults.mode) !== 'static') return []
  const layers = Object.fromEntries(
    allLayers
      .filter(({ id, quantizable }) => quantizable || id === layer.id)
      .map(({ id }): [string, LayerOverride] => [id, id === layer.id ? own : 'float']),
  )
  return [variantOf(layer.id, config, { ...template, layers })]
}

/** A configuration as the defaults of a plan: every layer that can has it. */
function withDefaults(template: QuantPlan, override: Exclude<LayerOverride, 'float'>): QuantPlan {
  const { defaults } = template
  return {
    ...template,
    defaults: {
      mode: override.mode ?? (override.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode),
      weights: { ...defaults.weights, ...override.weights },
      activations: { ...defaults.activations, ...override.activations },
      bias: override.bias ?? defaults.bias,
    },
  }
}

/** How the samples of a sweep are run; part of what identifies each measurement. */
export interface SampleSettings {
  readonly batch: number
  readonly threads: number
}

/** Samples of one evaluation: consecutive ones by their range, others one by one. */
export interface SampleChunk {
  /** positions of the order that the seed gives */
  readonly positions: readonly number[]
  /** null where they are not consecutive */
  readonly range: SampleRange | null
}

/** Everything the rows of one variant over one chunk depend on. They say how the plan's model differs from the float model. */
export function chunkContent(
  study: Study,
  variant: Variant,
  { positions, range }: SampleChunk,
  { batch, threads }: SampleSettings,
  { environment }: Pick<Services, 'environment'>,
): MeasurementContent {
  const chosen = study.chosen!
  return {
    kind: 'sensitivity',
    model: study.summary.hash,
    prepared: study.preparedHash,
    statistics: study.statistics?.sha256 ?? null,
    plan: variant.plan,
    data: chosen.evaluation.hash,
    split: chosen.evaluation.split,
    samples: range ? [range.start, range.end] : { positions },
    seed: chosen.seed,
    preprocess: chosen.preprocess,
    batch,
    threads,
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
    product: environment.versions['quantbench'] ?? '',
  }
}
