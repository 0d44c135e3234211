import { Fault } from '../../shared/contract/fault.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type {
  ActivationScheme,
  CalibratorSpec,
  LayerOverride,
  QuantMode,
  WeightScheme,
} from '../../shared/contract/plan.ts'

/** One precision of the grid: what the plan says of a layer that has it. */
export interface Configuration {
  /** as the user said it: `8`, `int4`, `8:percentile` */
  readonly name: string
  readonly override: Exclude<LayerOverride, 'float'>
}

/** The grid when nobody names one. */
export const DEFAULT_CONFIGURATIONS = '8'

type Weights = Partial<WeightScheme>
type Activations = Partial<ActivationScheme>

interface Parts {
  readonly mode?: QuantMode
  readonly weights: Weights
  readonly activations: Activations
}

const MODES: Readonly<Record<string, QuantMode>> = { static: 'static', dynamic: 'dynamic', 'weight-only': 'weightOnly' }

const CALIBRATORS: Readonly<Record<string, CalibratorSpec>> = {
  'min-max': { method: 'minMax' },
  minMax: { method: 'minMax' },
  'moving-average': { method: 'movingAverage' },
  movingAverage: { method: 'movingAverage' },
  percentile: { method: 'percentile' },
  entropy: { method: 'entropy' },
  mse: { method: 'mse' },
}

const GRANULARITIES: Readonly<Record<string, Weights>> = {
  'per-tensor': { granularity: 'perTensor' },
  'per-channel': { granularity: 'perChannel' },
  'per-block': { granularity: 'perBlock', blockSize: 32 },
}

/**
 * Configurations from `NAME[,NAME…]`, NAME being TYPE or TYPE with qualities behind colons. TYPE: bits `1`–`8` (weights of so many bits
 * in 8-bit integers, activations of 8), `16` (both), `int8`, `uint8`, `int4`, `uint4`, `int16`, `uint16` (storage of the weights), or
 * `w4a6`, `a4` for bits of weights and activations apart. Qualities: a calibrator (`percentile`, `percentile=99.9`, `entropy`, `mse`,
 * `min-max`, `moving-average`), `per-tensor`, `per-channel`, `per-block`, `symmetric`, `affine`, `static`, `dynamic`, `weight-only`.
 * @throws Fault usage.configuration naming what is not understood; usage.symmetricOneBit
 */
export function parseConfigurations(text: string): Configuration[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw refuse(text, 'it names no configuration')
  return [...new Set(names)].map((name) => ({ name, override: overrideOf(name) }))
}

function overrideOf(name: string): Configuration['override'] {
  const [type = '', ...qualities] = name.split(':').map((part) => part.trim())
  let parts = partsOfType(type, name)
  for (const quality of qualities) parts = withQuality(parts, quality, name)
  const { mode, weights, activations } = parts
  if (weights.bits === 1 && weights.symmetric !== false) parts = { ...parts, weights: affine(weights) }
  if (activations.bits === 1 && activations.symmetric === true)
    throw new Fault('usage.symmetricOneBit', `${name}: one bit cannot be symmetric, only 0 would be left: use affine.`)
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(Object.keys(parts.weights).length === 0 ? {} : { weights: parts.weights }),
    ...(Object.keys(activations).length === 0 ? {} : { activations }),
  }
}

function partsOfType(type: string, name: string): Parts {
  if (/^[1-8]$/.test(type)) return { weights: bitWeights(Number(type)), activations: { bits: 8 } }
  if (type === '16') return partsOfType('int16', name)
  const stored = /^(u?)int(4|8|16)$/.exec(type)
  if (stored) {
    const bits = Number(stored[2])
    const symmetric = stored[1] === ''
    const weights: Weights = { bits, storage: type as WeightScheme['storage'], symmetric }
    return { weights, activations: { bits: bits === 16 ? 16 : 8 } }
  }
  const apart = /^(?:w([1-8]))?(?:a([1-8]|16))?$/.exec(type)
  if (!apart || type === '') throw refuse(name, `"${type}" is no type`)
  return {
    weights: bitWeights(Number(apart[1] ?? 8)),
    activations: { bits: Number(apart[2] ?? 8) },
  }
}

/** One bit is affine {0, 1}: symmetric it would hold nothing but 0. */
function bitWeights(bits: number): Weights {
  return bits === 1 ? { bits, storage: 'uint8', symmetric: false } : { bits, storage: 'int8', symmetric: true }
}

function affine(weights: Weights): Weights {
  const storage = weights.storage?.replace(/^int/, 'uint') as WeightScheme['storage'] | undefined
  return { ...weights, symmetric: false, ...(storage === undefined ? {} : { storage }) }
}

function withQuality(parts: Parts, quality: string, name: string): Parts {
  const mode = own(MODES, quality)
  if (mode !== undefined) return { ...parts, mode }
  const granularity = own(GRANULARITIES, quality)
  if (granularity !== undefined) return { ...parts, weights: { ...parts.weights, ...granularity } }
  const calibrator = calibratorOf(quality)
  if (calibrator !== undefined) return { ...parts, activations: { ...parts.activations, calibrator } }
  if (quality === 'symmetric') {
    if (parts.weights.bits === 1)
      throw new Fault(
        'usage.symmetricOneBit',
        `${name}: one bit cannot be symmetric, only 0 would be left: use affine.`,
      )
    return {
      ...parts,
      weights: { ...parts.weights, symmetric: true, storage: signed(parts.weights.storage) },
      activations: { ...parts.activations, symmetric: true },
    }
  }
  if (quality === 'affine')
    return { ...parts, weights: affine(parts.weights), activations: { ...parts.activations, symmetric: false } }
  throw refuse(name, `"${quality}" is no calibrator, granularity, symmetry or mode`)
}

function signed(storage: WeightScheme['storage'] | undefined): WeightScheme['storage'] {
  return (storage ?? 'int8').replace(/^uint/, 'int') as WeightScheme['storage']
}

function calibratorOf(quality: string): CalibratorSpec | undefined {
  const known = own(CALIBRATORS, quality)
  if (known !== undefined) return known
  const percentile = /^percentile=(\d+(?:\.\d+)?)$/.exec(quality)
  if (!percentile) return undefined
  const value = Number(percentile[1])
  return value > 50 && value <= 100 ? { method: 'percentile', percentile: value } : undefined
}

function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function refuse(name: string, why: string): Fault {
  return new Fault(
    'usage.configuration',
    `--configs: "${name}" is not understood: ${why}. Write for example 8,4,int4,w4a6,8:percentile,8:per-tensor:affine.`,
    { name },
  )
}

/** Layers the grid goes over: those that compute in integers when a plan says so. Movement follows its input, `other` has no integer form. */
export function gridLayers(layers: readonly LayerInfo[]): LayerInfo[] {
  return layers.filter((layer) => layer.quantizable && (layer.role === 'weighted' || layer.role === 'arithmetic'))
}
