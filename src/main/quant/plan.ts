import type { LayerInfo } from '../../shared/contract/model.ts'
import { Fault } from '../../shared/contract/fault.ts'
import {
  defaultPlan,
  quantPlan,
  type ActivationScheme,
  type CalibratorMethod,
  type QuantMode,
  type QuantPlan,
  type WeightScheme,
  type WeightStorage,
} from '../../shared/contract/plan.ts'

/**
 * A plan from parsed JSON.
 * @throws Fault plan.invalid naming every field that does not fit
 */
export function parsePlan(json: unknown): QuantPlan {
  const result = quantPlan.safeParse(json)
  if (result.success) return result.data
  const issues = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? path.join('.') : 'the plan'}: ${message}`,
  )
  const more = issues.length > 3 ? ` (and ${issues.length - 3} more)` : ''
  throw new Fault(
    'plan.invalid',
    `The plan does not fit the format, version 1: ${issues.slice(0, 3).join('; ')}${more}.`,
    { issues },
  )
}

/** The plan as JSON with keys in a fixed order (layers and tensors by name), so that equal plans are equal text. */
export function serializePlan(plan: QuantPlan, indent = 2): string {
  return JSON.stringify(ordered(plan), null, indent) + (indent > 0 ? '\n' : '')
}

const keyOrder = [
  'version', 'model', 'repairs', 'defaults', 'mode', 'weights', 'activations', 'bias', 'layers', 'tensors', 'bits', 'storage',
  'symmetric', 'granularity', 'blockSize', 'reducedRange', 'calibrator', 'method', 'percentile', 'momentum', 'range',
] // prettier-ignore

function ordered(value: unknown, named = false): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  const rank = (key: string): number => keyOrder.indexOf(key)
  entries.sort(([a], [b]) => (named ? (a < b ? -1 : 1) : rank(a) - rank(b)))
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, ordered(inner, !named && (key === 'layers' || key === 'tensors'))]),
  )
}

/** TYPE of the command line (DESIGN section 8). */
export const planTypes = [
  'int8',
  'uint8',
  'int4',
  'uint4',
  'int16',
  'uint16',
  '1',
  '2',
  '3',
  '4',
  '5',
  '6',
  '7',
  '8',
] as const
export type PlanType = (typeof planTypes)[number]

/** What the command line says of a plan; what is not given stays as in `defaultPlan`. */
export interface PlanOptions {
  readonly mode?: QuantMode
  readonly weights?: string
  readonly activations?: string
  /** `--symmetric` true, `--affine` false: for weights and activations, over what TYPE says */
  readonly symmetric?: boolean
  readonly perTensor?: boolean
  readonly calibration?: CalibratorMethod
  readonly keepFloat?: readonly string[]
  readonly model?: string
}

/**
 * The plan the options ask for.
 * @throws Fault usage.unknownType, usage.symmetricOneBit
 */
export function planFromOptions(options: PlanOptions): QuantPlan {
  const { defaults } = defaultPlan
  const mode = options.mode ?? defaults.mode
  return {
    version: 1,
    ...(options.model === undefined ? {} : { model: options.model }),
    defaults: {
      mode,
      weights: weightsOf(options, mode),
      activations: activationsOf(options),
      bias: defaults.bias,
    },
    layers: Object.fromEntries((options.keepFloat ?? []).map((id) => [id, 'float' as const])),
  }
}

function weightsOf(options: PlanOptions, mode: QuantMode): WeightScheme {
  const type = options.weights === undefined ? 'int8' : checkedType(options.weights, '--weights')
  const bits = bitsOfType(type)
  const symmetric = options.symmetric ?? (type.startsWith('u') ? false : type !== '1')
  refuseSymmetricOneBit(bits, symmetric)
  const storage = /^\d$/.test(type) ? (symmetric ? 'int8' : 'uint8') : (type as WeightStorage)
  if (options.perTensor) return { bits, storage, symmetric, granularity: 'perTensor' }
  const perBlock = mode === 'weightOnly' && (storage === 'int4' || storage === 'uint4')
  return perBlock
    ? { bits, storage, symmetric, granularity: 'perBlock', blockSize: 32 }
    : { bits, storage, symmetric, granularity: 'perChannel' }
}

function activationsOf(options: PlanOptions): ActivationScheme {
  const type = options.activations === undefined ? 'uint8' : checkedType(options.activations, '--activations')
  const bits = bitsOfType(type)
  const symmetric = options.symmetric ?? type.startsWith('int')
  refuseSymmetricOneBit(bits, symmetric)
  return { bits, symmetric, calibrator: { method: options.calibration ?? 'minMax' } }
}

function checkedType(text: string, option: string): PlanType {
  const type = planTypes.find((known) => known === text)
  if (type) return type
  throw new Fault('usage.unknownType', `${option} ${text} is not a type: choose one of ${planTypes.join(', ')}.`, {
    option,
    value: text,
  })
}

const bitsOfType = (type: PlanType): number => Number(/\d+$/.exec(type)![0])

/** @throws Fault usage.symmetricOneBit */
export function refuseSymmetricOneBit(bits: number, symmetric: boolean, where = 'The options ask for'): void {
  if (bits !== 1 || !symmetric) return
  throw new Fault(
    'usage.symmetricOneBit',
    `${where} symmetric 1-bit numbers, which could hold nothing but 0: use affine, whose one bit is {0, 1}.`,
  )
}

/** Ids of a model nearest to one that is unknown, best first, for "did you mean". */
export function nearestNames(name: string, known: Iterable<string>, limit = 2): string[] {
  const scored = [...known].map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
  const near = scored.filter(({ distance }) => distance <= Math.max(2, Math.ceil(name.length * 0.6)))
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ candidate }) => candidate)
}

/** Levenshtein distance; names beyond 200 characters are compared by their first 200. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 200).toLowerCase()
  const b = right.slice(0, 200).toLowerCase()
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, swap))
    }
    previous = current
  }
  return previous[b.length]!
}

/** `"a"`, `"a" or "b"`; empty when there is none. */
export function didYouMean(name: string, layers: readonly LayerInfo[]): string {
  const near = nearestNames(
    name,
    layers.map((layer) => layer.id),
  )
  return near.length > 0 ? ` Did you mean ${near.map((id) => `"${id}"`).join(' or ')}?` : ''
}
