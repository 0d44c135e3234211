import type { QuantizedLayerView } from '../../shared/contract/api/job-results.ts'
import type { ResolvedLayerView } from '../../shared/contract/api/plans.ts'
import type { Execution } from '../../shared/contract/model.ts'
import { quantMode, type LayerOverride, type QuantMode, type QuantPlan } from '../../shared/contract/plan.ts'

/** What can be written. The ONNX forms differ in where the ranges of activations come from. */
export type ExportFormat =
  'asPlanned' | 'static' | 'dynamic' | 'weightOnly' | 'onnxFloat' | 'tfjs' | 'tfjsLayers' | 'plan' | 'report'

/** The formats, as a list shows them. */
export const EXPORT_FORMATS: readonly {
  readonly value: ExportFormat
  readonly label: string
  readonly text: string
}[] = [
  { value: 'asPlanned', label: 'ONNX, as planned', text: 'Every layer in the mode the plan says.' },
  { value: 'static', label: 'ONNX, static', text: 'Ranges of activations from calibration: the fastest.' },
  { value: 'dynamic', label: 'ONNX, dynamic', text: 'Ranges of activations at run time: needs no data.' },
  { value: 'weightOnly', label: 'ONNX, weight-only', text: 'Small file, activations in float: needs no data.' },
  {
    value: 'onnxFloat',
    label: 'ONNX, in float',
    text: 'The model as it was opened, as one ONNX file: nothing is quantized. What makes ONNX of TensorFlow.js.',
  },
  {
    value: 'tfjs',
    label: 'TensorFlow.js graph-model',
    text: 'A frozen graph, for tf.loadGraphModel. Weights are stored smaller; TensorFlow.js computes in float.',
  },
  {
    value: 'tfjsLayers',
    label: 'TensorFlow.js layers-model',
    text: 'Layers that can be trained on, for tf.loadLayersModel. Weights are stored smaller; it computes in float.',
  },
  { value: 'plan', label: 'Plan', text: 'The plan as JSON, as --plan of the command line takes it.' },
  { value: 'report', label: 'Report', text: 'A page of HTML about the runs of this model, complete in itself.' },
]

/** True for the ONNX files: what is written is checked to run in integers. */
export function isModelFormat(format: ExportFormat): format is 'asPlanned' | QuantMode {
  return format === 'asPlanned' || quantMode.safeParse(format).success
}

/** The plan with one mode for all layers; as it is for `asPlanned`. Block scales exist weight-only, and are given up elsewhere. */
export function planInMode(plan: QuantPlan, format: 'asPlanned' | QuantMode): QuantPlan {
  if (format === 'asPlanned') return plan
  const layers = Object.entries(plan.layers).map(([id, override]) => [id, inMode(override, format)] as const)
  const { weights } = plan.defaults
  return {
    ...plan,
    defaults: { ...plan.defaults, mode: format, weights: format === 'weightOnly' ? weights : withoutBlocks(weights) },
    layers: Object.fromEntries(layers),
  }
}

function inMode(override: LayerOverride, mode: QuantMode): LayerOverride {
  if (override === 'float') return override
  const { mode: _, weights, ...rest } = override
  if (weights === undefined) return rest
  return { ...rest, weights: mode === 'weightOnly' ? weights : withoutBlocks(weights) }
}

function withoutBlocks<Weights extends { granularity?: string | undefined; blockSize?: number | undefined }>(
  weights: Weights,
): Weights {
  if (weights.granularity !== 'perBlock') return weights
  const { blockSize: _, ...rest } = weights
  return { ...rest, granularity: 'perChannel' } as Weights
}

/** Opset of the file: 21 where 4- or 16-bit tensors or block scales are stored, else at least 13. Source: DESIGN section 5, preparation. */
export function exportOpset(layers: readonly ResolvedLayerView[], own: number): number {
  const needs21 = layers.some(({ mode, weights, activations }) => {
    if (weights && (/(4|16)$/.test(weights.storage) || weights.granularity === 'perBlock')) return true
    return mode === 'static' && (activations?.bits ?? 8) > 8
  })
  return Math.max(own, needs21 ? 21 : 13)
}

/** Layers that need ranges from calibration. */
export function staticCount(layers: readonly ResolvedLayerView[]): number {
  return layers.filter(({ kind, mode }) => kind === 'quantized' && mode === 'static').length
}

/** How the layers of an exported file run. */
export interface IntegerCheck {
  readonly counts: Readonly<Record<Execution, number>>
  /** meant to be integer and not: what to look at first */
  readonly missed: readonly QuantizedLayerView[]
  /** all others, in graph order */
  readonly rest: readonly QuantizedLayerView[]
}

/** The "really integer" check of an export; layers without an execution were not found in the dump and count for none. */
export function integerCheck(layers: readonly QuantizedLayerView[]): IntegerCheck {
  const counts = { int8: 0, simulated: 0, float: 0 }
  const missed: QuantizedLayerView[] = []
  const rest: QuantizedLayerView[] = []
  for (const layer of layers) {
    if (layer.execution !== null) counts[layer.execution]++
    const isMissed = layer.execution !== null && layer.execution !== 'int8' && layer.type !== 'float'
    ;(isMissed ? missed : rest).push(layer)
  }
  return { counts, missed, rest }
}
