import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { JobRequestInput } from '../../shared/contract/api/jobs.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { ExportFormat } from './export-plan.ts'

type ConvertRequest = Extract<JobRequestInput, { kind: 'convert' }>
/** How TensorFlow.js keeps weights in its files. */
type TfjsStorage = NonNullable<ConvertRequest['weights']>

/** How weights are stored for TensorFlow.js. */
export interface WeightChoice {
  /** `plan`: layer by layer, as the plan says */
  readonly storage: 'plan' | TfjsStorage
  /** layers that the plan names float keep float32 where one storage is chosen for all */
  readonly keepsFloat: boolean
}

/** The storages, as a list shows them. */
export const TFJS_STORAGES: readonly {
  readonly value: WeightChoice['storage']
  readonly label: string
  readonly hint: string
}[] = [
  { value: 'plan', label: 'as the plan says', hint: 'uint8, uint16, float32' },
  { value: 'uint8', label: 'uint8', hint: 'a quarter' },
  { value: 'uint16', label: 'uint16', hint: 'half' },
  { value: 'float16', label: 'float16', hint: 'half' },
  { value: 'float32', label: 'float32', hint: 'exact' },
]

/** The formats that are conversions, and what the host calls them. */
const CONVERSIONS = { tfjs: 'graph-model', tfjsLayers: 'layers-model', onnxFloat: 'onnx' } as const
export type ConversionFormat = keyof typeof CONVERSIONS

/** True for files that hold the model as it is, weights stored smaller at most: nothing computes in integers. */
export function isConversion(format: ExportFormat): format is ConversionFormat {
  return format in CONVERSIONS
}

/** True for the two formats of TensorFlow.js. */
export function isTfjs(format: ExportFormat): format is 'tfjs' | 'tfjsLayers' {
  return format === 'tfjs' || format === 'tfjsLayers'
}

/** Ids of the layers that a plan names float. */
export function namedFloat(plan: QuantPlan): string[] {
  return Object.entries(plan.layers).flatMap(([id, override]) => (override === 'float' ? [id] : []))
}

/**
 * What the host is asked for: a new file, or a new folder, beside the other exports.
 * @param samples what the written model is measured on; null: it is not measured
 */
export function conversionRequest(
  format: ConversionFormat,
  model: string,
  { plan, weights }: { readonly plan: QuantPlan; readonly weights: WeightChoice },
  samples: SampleOptionsInput | null,
): ConvertRequest {
  const request = { kind: 'convert', model, to: CONVERSIONS[format], samples } as const
  if (!isTfjs(format)) return request
  if (weights.storage === 'plan') return { ...request, plan }
  const keepFloat = weights.keepsFloat && weights.storage !== 'float32' ? namedFloat(plan) : []
  return { ...request, weights: weights.storage, keepFloat }
}
