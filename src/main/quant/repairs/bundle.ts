import type { QuantPlan, TensorOverride } from '../../../shared/contract/plan.ts'
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

interface StoredLayer {
  readonly dims?: readonly number[]
  readonly params?: Omit<QuantParams, 'scale' | 'zeroPoint'> & { scale: number[]; zeroPoint: number[] }
  readonly values?: number[]
  readonly bias?: number[]
}

/** The bundle as bytes; every number comes back the same. */
export function encodeBundle(bundle: RepairBundle): Uint8Array {
  const layers: Record<string, StoredLayer> = {}
  for (const [id, { weights, bias }] of bundle.layers) {
    layers[id] = {
      ...(weights && {
        dims: weights.dims,
        params: { ...weights.params, scale: [...weights.params.scale], zeroPoint: [...weights.params.zeroPoint] },
        values: [...weights.values],
      }),
      ...(bias && { bias: [...bias] }),
    }
  }
  return new TextEncoder().encode(JSON.stringify({ version: 1, layers, ranges: bundle.ranges }))
}

/** @throws Error for bytes that `encodeBundle` did not write */
export function decodeBundle(bytes: Uint8Array): RepairBundle {
  const { version, layers, ranges } = JSON.parse(new TextDecoder().decode(bytes)) as {
    version: number
    layers: Record<string, StoredLayer>
    ranges: Record<string, [number, number]>
  }
  if (version !== 1) throw new Error(`a repair bundle of version ${version}`)
  const repaired = new Map(
    Object.entries(layers).map(([id, { dims, params, values, bias }]): [string, RepairedConstants] => [
      id,
      {
        weights:
          dims && params && values
            ? {
                dims,
                params: {
                  ...params,
                  scale: Float32Array.from(params.scale),
                  zeroPoint: Int32Array.from(params.zeroPoint),
                },
                values: Int32Array.from(values),
              }
            : null,
        bias: bias ? Float32Array.from(bias) : null,
      },
    ]),
  )
  return { layers: repaired, ranges }
}
