import type { LayerInfo } from '../../shared/contract/model.ts'
import { Fault, isFault, type FaultCode } from '../../shared/contract/fault.ts'
import type {
  ActivationScheme,
  LayerOverride,
  QuantMode,
  QuantPlan,
  WeightScheme,
  WeightStorage,
} from '../../shared/contract/plan.ts'
import type { Model } from '../graph/model.ts'
import { integerByDefault } from './regions.ts'
import { didYouMean, nearestNames, refuseSymmetricOneBit } from './plan.ts'
import { containerBits } from './scheme.ts'
import type { LayerDecision, ResolvedLayer, ResolvedPlan } from './setup.ts'

/**
 * A plan merged with its defaults and checked against a model: one decision for every layer.
 *
 * Layers that cannot be quantized are float without complaint unless the plan names them. Arithmetic layers the plan does
 * not name are integer where they lie between weighted integer layers (see `integerByDefault`); movement layers follow
 * their input.
 * @param model the prepared model the layers were found in
 * @param hash `sha256:…` of the source model, where known
 * @throws Fault plan.otherModel, plan.unknownLayer, plan.notQuantizable, plan.unknownTensor, plan.range, plan.scheme;
 *   usage.symmetricOneBit. With several problems the message lists the first three and `data.problems` all.
 */
export function resolvePlan(plan: QuantPlan, layers: readonly LayerInfo[], model: Model, hash?: string): ResolvedPlan {
  if (plan.model !== undefined && hash !== undefined && plan.model !== hash) {
    throw new Fault(
      'plan.otherModel',
      `The plan was made for the model ${short(plan.model)}, this one is ${short(hash)}: use the model it was made for, or remove "model" from the plan.`,
      { expected: plan.model, found: hash },
    )
  }
  refuseOneBitDefaults(plan)
  const { resolved, problems } = examinePlan(plan, layers, model)
  raise(problems)
  return resolved
}

/** One thing in a plan that its model refuses. */
export interface PlanProblem {
  readonly code: FaultCode
  readonly message: string
  /** id of the layer it is about, null where it is about none */
  readonly layer: string | null
  readonly tensor: string | null
}

/**
 * The same without refusing anything: every problem the plan has with a model, and what it comes to when its faulty entries count as
 * float. For a window, where a plan is wrong for a moment while it is edited.
 */
export function examinePlan(
  plan: QuantPlan,
  layers: readonly LayerInfo[],
  model: Model,
): { readonly resolved: ResolvedPlan; readonly problems: readonly PlanProblem[] } {
  const problems: PlanProblem[] = [...unknownNames(plan, layers, model)]
  const decisions = layers.map((layer) => decide(plan, layer, problems))
  const resolved = { plan, layers: layers.map((layer, i): ResolvedLayer => ({ layer, decision: decisions[i]! })) }
  return { resolved: withDefaults(resolved, model), problems }
}

const short = (hash: string): string => hash.slice(0, 'sha256:'.length + 12)

function refuseOneBitDefaults({ defaults }: QuantPlan): void {
  refuseSymmetricOneBit(defaults.weights.bits, defaults.weights.symmetric, 'The defaults of the plan ask for')
  refuseSymmetricOneBit(defaults.activations.bits, defaults.activations.symmetric, 'The defaults of the plan ask for')
}

function raise(problems: readonly PlanProblem[]): void {
  const [first] = problems
  if (!first) return
  const more = problems.length > 3 ? ` (and ${problems.length - 3} more)` : ''
  const message = problems
    .slice(0, 3)
    .map((problem) => problem.message)
    .join(' ')
  throw new Fault(first.code, message + more, { problems: problems.map((problem) => problem.message) })
}

function* unknownNames(plan: QuantPlan, layers: readonly LayerInfo[], model: Model): Generator<PlanProblem> {
  const ids = new Set(layers.map((layer) => layer.id))
  for (const id of Object.keys(plan.layers)) {
    if (ids.has(id)) continue
    yield {
      code: 'plan.unknownLayer',
      layer: id,
      tensor: null,
      message: `The plan names the layer "${id}", which the model does not have.${didYouMean(id, layers)}`,
    }
  }
  if (!plan.tensors) return
  const tensors = new Set([
    ...model.graph.inputs.map((input) => input.name),
    ...model.graph.nodes.flatMap((node) => node.outputs),
  ])
  for (const [name, override] of Object.entries(plan.tensors)) {
    if (!tensors.has(name)) {
      const [near] = nearestNames(name, tensors, 1)
      yield {
        code: 'plan.unknownTensor',
        layer: null,
        tensor: name,
        message: `The plan names the tensor "${name}", which the prepared model does not have.${near ? ` Did you mean "${near}"?` : ''}`,
      }
    }
    const [rmin, rmax] = override.range ?? [0, 0]
    if (rmin > rmax || !Number.isFinite(rmin) || !Number.isFinite(rmax)) {
      yield {
        code: 'plan.range',
        layer: null,
        tensor: name,
        message: `The range of the tensor "${name}" is [${rmin}, ${rmax}]: the first number must not be above the second, and both must be finite.`,
      }
    }
  }
}

function decide(plan: QuantPlan, layer: LayerInfo, problems: PlanProblem[]): LayerDecision {
  const override = Object.hasOwn(plan.layers, layer.id) ? plan.layers[layer.id] : undefined
  if (override === 'float') return { kind: 'float' }
  if (!layer.quantizable) {
    if (override !== undefined) {
      problems.push({
        code: 'plan.notQuantizable',
        layer: layer.id,
        tensor: null,
        message: `The plan quantizes the layer "${layer.id}" (${layer.op}), which cannot be: ${layer.reason ?? 'it has no integer form'}.`,
      })
    }
    return { kind: 'float' }
  }
  const decision = merge(plan, override ?? {})
  if (layer.role !== 'weighted') return withoutWeights(layer, decision, override, problems)
  for (const message of schemeProblems(decision, override ?? {})) {
    problems.push({ code: 'plan.scheme', message: `Layer "${layer.id}": ${message}`, layer: layer.id, tensor: null })
  }
  noteSymmetricOneBit(decision.weights!, layer, problems)
  noteSymmetricOneBit(decision.activations, layer, problems)
  return decision
}

function noteSymmetricOneBit(
  { bits, symmetric }: { readonly bits: number; readonly symmetric: boolean },
  layer: LayerInfo,
  problems: PlanProblem[],
): void {
  try {
    refuseSymmetricOneBit(bits, symmetric, `The plan asks for the layer "${layer.id}" to have`)
  } catch (error) {
    if (!isFault(error)) throw error
    problems.push({ code: error.code, message: error.message, layer: layer.id, tensor: null })
  }
}

type Quantized = Extract<LayerDecision, { kind: 'quantized' }>

/** Layers without weights have one mode, static: dynamic and weight-only leave them in float. */
function withoutWeights(
  layer: LayerInfo,
  decision: Quantized,
  override: LayerOverride | undefined,
  problems: PlanProblem[],
): LayerDecision {
  if (decision.mode === 'static') {
    const message = activationProblem(decision.activations)
    if (message)
      problems.push({ code: 'plan.scheme', message: `Layer "${layer.id}": ${message}`, layer: layer.id, tensor: null })
    noteSymmetricOneBit(decision.activations, layer, problems)
    return { ...decision, weights: null }
  }
  if (override !== undefined && override !== 'float' && override.mode !== undefined) {
    problems.push({
      code: 'plan.scheme',
      layer: layer.id,
      tensor: null,
      message: `Layer "${layer.id}" (${layer.op}) has no weights, so its mode can only be static, not ${decision.mode}.`,
    })
  }
  return { kind: 'float' }
}

function merge(plan: QuantPlan, override: Exclude<LayerOverride, 'float'>): Quantized {
  const { defaults } = plan
  const weights = mergeWeights(defaults.weights, override.weights ?? {})
  // per-block scales exist weight-only: an override that asks for them means that mode unless it names another
  const mode: QuantMode = override.mode ?? (override.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode)
  return {
    kind: 'quantized',
    mode,
    weights,
    activations: { ...defaults.activations, ...defined(override.activations ?? {}) },
    biasBits: (override.bias ?? defaults.bias).bits,
  }
}

/** Bits and storage follow each other where an override names only one of them. */
function mergeWeights(defaults: WeightScheme, override: Partial<WeightScheme>): WeightScheme {
  const { blockSize: defaultBlockSize, ...base } = defaults
  const merged = { ...base, ...defined(override) }
  const storage = override.storage ?? storageFor(merged, defaults.storage)
  const bits = override.bits ?? Math.min(merged.bits, containerBits(storage))
  const { blockSize, ...scheme } = { ...merged, storage, bits }
  if (scheme.granularity !== 'perBlock') return blockSize === undefined ? scheme : { ...scheme, blockSize }
  return { ...scheme, blockSize: blockSize ?? defaultBlockSize ?? 32 }
}

function storageFor({ bits }: WeightScheme, current: WeightStorage): WeightStorage {
  if (bits <= containerBits(current)) return current
  const signed = current.startsWith('int')
  return bits <= 8 ? (signed ? 'int8' : 'uint8') : signed ? 'int16' : 'uint16'
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Partial<T>
}

function* schemeProblems(
  { mode, weights, activations }: Quantized,
  override: Exclude<LayerOverride, 'float'>,
): Generator<string> {
  if (!weights) return
  const { bits, storage, granularity, blockSize } = weights
  if (bits > containerBits(storage)) yield `${bits}-bit weights do not fit into ${storage} storage.`
  if (granularity === 'perBlock' && mode !== 'weightOnly')
    yield `per-block scales exist in weight-only mode only, the mode is ${mode}.`
  if (granularity === 'perBlock' && containerBits(storage) !== 4)
    yield `per-block scales need int4 or uint4 storage, found ${storage}.`
  if (granularity !== 'perBlock' && blockSize !== undefined && override.weights?.blockSize !== undefined) {
    yield `blockSize is given, but the granularity is ${granularity}, not perBlock.`
  }
  const problem = mode === 'static' ? activationProblem(activations) : null
  if (problem) yield problem
}

function activationProblem({ bits }: ActivationScheme): string | null {
  return bits <= 8 || bits === 16 ? null : `activations can have 1 to 8 or 16 bits, not ${bits}.`
}

/** Sets the arithmetic layers that the plan does not name and that gain nothing from integers back to float. */
function withDefaults(resolved: ResolvedPlan, model: Model): ResolvedPlan {
  const integer = integerByDefault(model, resolved.layers)
  const layers = resolved.layers.map((entry): ResolvedLayer => {
    const { layer } = entry
    if (layer.role !== 'arithmetic' || Object.hasOwn(resolved.plan.layers, layer.id) || integer.has(layer.id))
      return entry
    return { layer, decision: { kind: 'float' } }
  })
  return { ...resolved, layers }
}

/**
 * The opset a model needs before `quantizeModel` can apply a plan: 21 where 4- or 16-bit tensors or block scales are stored
 * (QuantizeLinear-21), else 13 (per-channel DequantizeLinear).
 */
export function requiredOpset(resolved: ResolvedPlan): 13 | 21 {
  const needs21 = resolved.layers.some(({ decision }) => {
    if (decision.kind === 'float') return false
    const { weights, activations, mode } = decision
    if (weights && (containerBits(weights.storage) !== 8 || weights.granularity === 'perBlock')) return true
    return mode === 'static' && activations.bits > 8
  })
  return needs21 ? 21 : 13
}
