import type { LayerInfo } from '../../shared/contract/model.ts'
import type {
  ActivationScheme,
  LayerOverride,
  QuantMode,
  QuantPlan,
  RepairName,
  TensorOverride,
  WeightScheme,
  WeightStorage,
} from '../../shared/contract/plan.ts'

/** Bits a layer gets; what is absent stays as it is. */
export interface BitChoice {
  readonly weights?: number
  /** container of the weights in the file; the 8- or 16-bit one that fits when absent */
  readonly storage?: WeightStorage
  readonly activations?: number
}

/** One decision about a layer. `default`: what the plan says of layers it does not name. */
export type LayerChange =
  | { readonly kind: 'float' }
  | { readonly kind: 'default' }
  | { readonly kind: 'bits'; readonly bits: BitChoice }
  | { readonly kind: 'weights'; readonly weights: Partial<WeightScheme> }
  | { readonly kind: 'activations'; readonly activations: Partial<ActivationScheme> }
  | { readonly kind: 'mode'; readonly mode: QuantMode }

type Scheme = Exclude<LayerOverride, 'float'>

/** The plan with one decision made about layers. Layers that cannot be quantized are left alone. */
export function changeLayers(plan: QuantPlan, layers: readonly LayerInfo[], change: LayerChange): QuantPlan {
  const overrides: Record<string, LayerOverride> = { ...plan.layers }
  for (const layer of layers) {
    if (!layer.quantizable) continue
    const next = nextOverride(plan, layer, change)
    if (next === undefined) delete overrides[layer.id]
    else overrides[layer.id] = next
  }
  return { ...plan, layers: overrides }
}

/** The plan with what it says of layers replaced, `undefined` for what it no longer names. */
export function replaceLayers(plan: QuantPlan, overrides: ReadonlyMap<string, LayerOverride | undefined>): QuantPlan {
  const layers: Record<string, LayerOverride> = { ...plan.layers }
  for (const [id, override] of overrides) {
    if (override === undefined) delete layers[id]
    else layers[id] = override
  }
  return { ...plan, layers }
}

function nextOverride(plan: QuantPlan, layer: LayerInfo, change: LayerChange): LayerOverride | undefined {
  const current = plan.layers[layer.id]
  const scheme = current === undefined || current === 'float' ? {} : current
  switch (change.kind) {
    case 'float':
      return 'float'
    case 'default':
      return undefined
    case 'bits':
      return named(plan, layer, withBits(plan, layer, scheme, change.bits))
    case 'weights':
      if (layer.role !== 'weighted') return current
      return named(plan, layer, withWeights(scheme, change.weights))
    case 'activations':
      if (layer.role === 'movement') return current
      return named(plan, layer, { ...scheme, activations: { ...scheme.activations, ...change.activations } })
    case 'mode':
      if (layer.role !== 'weighted') return current
      return named(plan, layer, { ...scheme, mode: change.mode })
  }
}

/**
 * An override without what the defaults say anyway. A layer with weights that has nothing left follows the defaults; one without keeps its
 * empty override, which says that it is to be quantized though its neighbours may not be.
 */
function named({ defaults }: QuantPlan, layer: LayerInfo, scheme: Scheme): Scheme | undefined {
  const weights = layer.role === 'weighted' ? differing(scheme.weights, defaults.weights) : undefined
  const activations = differing(scheme.activations, defaults.activations)
  const tidy: Scheme = {
    ...(scheme.mode === undefined || scheme.mode === defaults.mode ? {} : { mode: scheme.mode }),
    ...(weights ? { weights } : {}),
    ...(activations ? { activations } : {}),
    ...(scheme.bias === undefined || scheme.bias.bits === defaults.bias.bits ? {} : { bias: scheme.bias }),
  }
  return layer.role === 'weighted' && Object.keys(tidy).length === 0 ? undefined : tidy
}

function differing<Value extends object>(
  value: Partial<Value> | undefined,
  defaults: Value,
): Partial<Value> | undefined {
  const entries = Object.entries(value ?? {}).filter(
    ([key, inner]) => inner !== undefined && JSON.stringify(inner) !== JSON.stringify(defaults[key as keyof Value]),
  )
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Partial<Value>)
}

function withBits(plan: QuantPlan, layer: LayerInfo, scheme: Scheme, bits: BitChoice): Scheme {
  if (layer.role === 'movement') return {}
  const activations = layer.role === 'weighted' ? bits.activations : (bits.activations ?? bits.weights)
  const withActivations =
    activations === undefined ? scheme : { ...scheme, activations: activationsOf(plan, scheme, activations) }
  if (layer.role !== 'weighted' || bits.weights === undefined) return withActivations
  return withWeights(withActivations, weightsOf(plan, scheme, bits.weights, bits.storage))
}

/** One bit is affine: symmetric it would hold nothing but 0. */
function activationsOf({ defaults }: QuantPlan, { activations }: Scheme, bits: number): Partial<ActivationScheme> {
  const wasOne = (activations?.bits ?? defaults.activations.bits) === 1
  const { symmetric, ...rest } = activations ?? {}
  if (bits === 1) return { ...rest, bits, symmetric: false }
  return { ...rest, bits, ...(symmetric === undefined || wasOne ? {} : { symmetric }) }
}

function weightsOf(
  { defaults }: QuantPlan,
  { weights }: Scheme,
  bits: number,
  storage: WeightStorage | undefined,
): Partial<WeightScheme> {
  const wasOne = (weights?.bits ?? defaults.weights.bits) === 1
  const kept = wasOne ? undefined : weights?.symmetric
  const symmetric =
    bits === 1
      ? false
      : storage === undefined
        ? (kept ?? (defaults.weights.symmetric || wasOne))
        : storage.startsWith('int')
  const container: WeightStorage =
    storage ?? (bits > 8 ? (symmetric ? 'int16' : 'uint16') : symmetric ? 'int8' : 'uint8')
  return { bits, storage: container, symmetric }
}

/** Block scales exist for packed 4-bit weights only, and a block size only with them. */
function withWeights(scheme: Scheme, change: Partial<WeightScheme>): Scheme {
  const merged: Partial<WeightScheme> = { ...scheme.weights, ...change }
  const isPacked = merged.storage === undefined || merged.storage === 'int4' || merged.storage === 'uint4'
  const isBlocked = merged.granularity === 'perBlock'
  if (isBlocked && change.granularity !== 'perBlock' && !isPacked) merged.granularity = 'perChannel'
  if (merged.granularity !== undefined && merged.granularity !== 'perBlock') delete merged.blockSize
  return { ...scheme, weights: merged }
}

/** The plan with a range of a tensor set, or taken away (null). */
export function setRange(plan: QuantPlan, tensor: string, range: readonly [number, number] | null): QuantPlan {
  const { range: _, ...rest } = plan.tensors?.[tensor] ?? {}
  return setTensor(plan, tensor, range === null ? rest : { ...rest, range: [range[0], range[1]] })
}

/** The plan with what it says of a tensor; nothing left to say takes the tensor out. */
export function setTensor(plan: QuantPlan, tensor: string, override: TensorOverride): QuantPlan {
  const { [tensor]: _, ...others } = plan.tensors ?? {}
  const tensors = Object.keys(override).length === 0 ? others : { ...others, [tensor]: override }
  const { tensors: __, ...rest } = plan
  return Object.keys(tensors).length === 0 ? rest : { ...rest, tensors }
}

export interface DefaultsChange {
  readonly mode?: QuantMode
  readonly weights?: Partial<WeightScheme>
  readonly activations?: Partial<ActivationScheme>
}

/** The plan with other defaults. */
export function changeDefaults(plan: QuantPlan, change: DefaultsChange): QuantPlan {
  const { defaults } = plan
  const weights = { ...defaults.weights, ...change.weights }
  if (weights.granularity !== 'perBlock') delete weights.blockSize
  return {
    ...plan,
    defaults: {
      ...defaults,
      mode: change.mode ?? defaults.mode,
      weights,
      activations: { ...defaults.activations, ...change.activations },
    },
  }
}

/** The plan with other repairs, in the order they are made. */
export function setRepairs(plan: QuantPlan, repairs: readonly RepairName[]): QuantPlan {
  const { repairs: _, ...rest } = plan
  return repairs.length === 0 ? rest : { ...rest, repairs: [...repairs] }
}
