import type { LayerOverride, QuantPlan, TensorOverride } from '../../../shared/contract/plan.ts'
import { floatAttribute } from '../../graph/attributes.ts'
import { Draft } from '../../graph/draft.ts'
import type { Model } from '../../graph/model.ts'
import { floatTensor } from '../../graph/tensors.ts'
import type { QuantParams } from '../params.ts'
import type { QuantizedLayer } from '../setup.ts'
import { weightSiteOf } from '../weight-site.ts'
import { roundToNearest, type QuantizedWeights, type WeightQuantizer } from '../weights.ts'

/** What repairs put in the place of a layer's constants. */
export interface RepairedConstants {
  readonly weights: QuantizedWeights | null
  /** real values, one an output channel */
  readonly bias: Float32Array | null
}

/** Repaired constants by layer id. */
type RepairedLayers = ReadonlyMap<string, RepairedConstants>

/** All that repairs change beyond the plan. */
export interface RepairBundle {
  readonly layers: RepairedLayers
  /** ranges of activations by tensor, real units; they go before the calibrator's and after the plan's own */
  readonly ranges: Readonly<Record<string, readonly [number, number]>>
  /** layers whose weights have a bit less */
  readonly reduced: readonly string[]
}

/** The bundle's integers where it has them for the very layout asked for, nearest rounding otherwise. */
export function bundleQuantizer({ layers }: Pick<RepairBundle, 'layers'>): WeightQuantizer {
  return (layerId, values, layout, scheme, minScale) => {
    const weights = layers.get(layerId)?.weights
    const isFit =
      weights &&
      weights.dims.join() === layout.dims.join() &&
      weights.params.axis === layout.axis &&
      (minScale === null || minScale.every((least, c) => weights.params.scale[c]! >= least))
    return isFit ? weights : roundToNearest(layerId, values, layout, scheme, minScale)
  }
}

/** The model with the bundle's biases in the place of its own; layers that share a bias get one each. */
export function withRepairedBiases(
  model: Model,
  layers: readonly QuantizedLayer[],
  bundle: Pick<RepairBundle, 'layers'>,
): Model {
  const draft = new Draft(model)
  for (const entry of layers) {
    const values = bundle.layers.get(entry.layer.id)?.bias
    const site = values ? weightSiteOf(entry, model) : null
    if (!values || !site || typeof site === 'string' || !site.bias) continue
    const carrier = draft.nodes.find(({ name }) => name === (site.bias!.addNode ?? site.node))!
    const beta = carrier.opType === 'Gemm' ? floatAttribute(carrier, 'beta', 1) : 1
    const stored = beta === 1 || beta === 0 ? values : values.map((value) => value / beta)
    const name = draft.addInitializer(floatTensor(`${site.bias.name}_repaired`, [values.length], stored))
    const inputs = carrier.inputs.map((input) => (input === site.bias!.name ? name : input))
    draft.replaceNode(carrier, { ...carrier, inputs })
  }
  return draft.finish()
}

/** A plan's `tensors` with the ranges that repairs chose; what the plan says itself goes first. */
export function repairedTensors(
  plan: Pick<QuantPlan, 'tensors'>,
  { ranges }: Pick<RepairBundle, 'ranges'>,
): Record<string, TensorOverride> {
  const chosen = Object.entries(ranges).map(([tensor, [low, high]]): [string, TensorOverride] => [
    tensor,
    { range: [low, high] },
  ])
  return { ...Object.fromEntries(chosen), ...plan.tensors }
}

/** A plan in which the given layers have a bit less in their weights. */
export function withReducedRange(plan: QuantPlan, layers: readonly string[]): QuantPlan {
  const changed = layers.map((id): [string, LayerOverride] => {
    const own = plan.layers[id]
    if (own === 'float') return [id, own]
    return [id, { ...own, weights: { ...own?.weights, reducedRange: true } }]
  })
  return { ...plan, layers: { ...plan.layers, ...Object.fromEntries(changed) } }
}

interface StoredLayer {
  readonly dims?: readonly number[]
  readonly params?: Omit<QuantParams, 'scale' | 'zeroPoint'> & { scale: number[]; zeroPoint: number[] }
  /** where its integers lie behind the header, and how wide they are */
  readonly values?: { readonly start: number; readonly count: number; readonly bytes: 1 | 4 }
  readonly bias?: number[]
}

interface Header {
  readonly version: number
  readonly layers: Record<string, StoredLayer>
  readonly ranges: Record<string, [number, number]>
  readonly reduced: string[]
}

const VERSION = 2

/** The bundle as bytes, every number the same when read back: length of the header (uint32), the header (JSON), the weights' integers. */
export function encodeBundle(bundle: RepairBundle): Uint8Array {
  const layers: Record<string, StoredLayer> = {}
  const parts: Uint8Array[] = []
  let length = 0
  for (const [id, { weights, bias }] of bundle.layers) {
    const packed = weights && packed8Or32(weights.values)
    layers[id] = {
      ...(weights &&
        packed && {
          dims: weights.dims,
          params: { ...weights.params, scale: [...weights.params.scale], zeroPoint: [...weights.params.zeroPoint] },
          values: { start: length, count: weights.values.length, bytes: packed.width },
        }),
      ...(bias && { bias: [...bias] }),
    }
    if (packed) {
      parts.push(packed.bytes)
      length += packed.bytes.length
    }
  }
  const header = new TextEncoder().encode(
    JSON.stringify({ version: VERSION, layers, ranges: bundle.ranges, reduced: bundle.reduced }),
  )
  const bytes = new Uint8Array(4 + header.length + length)
  new DataView(bytes.buffer).setUint32(0, header.length, true)
  bytes.set(header, 4)
  let at = 4 + header.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function packed8Or32(values: Int32Array): { width: 1 | 4; bytes: Uint8Array } {
  const isNarrow = values.every((value) => value >= -128 && value <= 127)
  const array = isNarrow ? Int8Array.from(values) : values.slice()
  return { width: isNarrow ? 1 : 4, bytes: new Uint8Array(array.buffer) }
}

/** @throws Error for bytes that `encodeBundle` did not write */
export function decodeBundle(bytes: Uint8Array): RepairBundle {
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const { version, layers, ranges, reduced } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(4, 4 + length)),
  ) as Header
  if (version !== VERSION) throw new Error(`a repair bundle of version ${version}`)
  const integers = bytes.subarray(4 + length)
  const repaired = Object.entries(layers).map(([id, layer]): [string, RepairedConstants] => [
    id,
    {
      weights: weightsOf(layer, integers),
      bias: layer.bias ? Float32Array.from(layer.bias) : null,
    },
  ])
  return { layers: new Map(repaired), ranges, reduced }
}

function weightsOf({ dims, params, values: place }: StoredLayer, integers: Uint8Array): QuantizedWeights | null {
  if (!dims || !params || !place) return null
  const own = integers.slice(place.start, place.start + place.count * place.bytes)
  if (own.length !== place.count * place.bytes) throw new Error('a repair bundle that ends too early')
  return {
    dims,
    params: { ...params, scale: Float32Array.from(params.scale), zeroPoint: Int32Array.from(params.zeroPoint) },
    values: place.bytes === 1 ? Int32Array.from(new Int8Array(own.buffer)) : new Int32Array(own.buffer),
  }
}
