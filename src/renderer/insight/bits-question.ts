import { z } from 'zod'
import { sampleOptions, type SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { SweepPointView } from '../../shared/contract/api/job-results.ts'
import { quantPlan, repairNames, type CalibratorMethod, type QuantPlan } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'

export type BitsCurve = SweepPointView['what']

const CURVES = ['weights', 'activations', 'both'] as const satisfies readonly BitsCurve[]
/** Every width that can be asked for. */
export const WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8] as const

/** Curves as they are offered. */
export const BITS_CURVES: readonly { readonly value: BitsCurve; readonly label: string; readonly title: string }[] = [
  { value: 'weights', label: 'weights', title: 'Fewer bits for the weights, activations in 8' },
  { value: 'activations', label: 'activations', title: 'Fewer bits for the activations, weights in 8' },
  { value: 'both', label: 'both', title: 'Fewer bits for weights and activations alike' },
]

const METHODS = [
  'minMax',
  'movingAverage',
  'percentile',
  'entropy',
  'mse',
] as const satisfies readonly CalibratorMethod[]

/** What a sweep over bits is asked for in the window. */
const question = z.object({
  bits: z.array(z.int().min(1).max(8)).min(1),
  curves: z.array(z.enum(CURVES)).min(1),
  calibration: z.enum(METHODS),
  perTensor: z.boolean(),
  /** layers that the plan on the graph keeps in float stay so at every point */
  keepFloat: z.boolean(),
  repairs: z.array(z.enum(repairNames)),
})
export type BitsQuestion = z.infer<typeof question>

/** Asked when nobody chose: what the command line does too. */
export const usualBits: BitsQuestion = {
  bits: [...WIDTHS],
  curves: [...CURVES],
  calibration: 'minMax',
  perTensor: false,
  keepFloat: false,
  repairs: [],
}

/** The question kept from the last time; the usual one where there is none that can be read. */
export function bitsQuestionFrom(text: string | null): BitsQuestion {
  try {
    return text === null ? usualBits : question.parse(JSON.parse(text))
  } catch {
    return usualBits
  }
}

/** What a sweep was or is asked: all that its points come from. */
export interface BitsAsked {
  readonly bits: readonly number[]
  readonly curves: readonly BitsCurve[]
  /** what every point starts from */
  readonly template: QuantPlan
  /** null: a run that does not say */
  readonly samples: SampleOptionsInput | null
}

const stored = z.object({
  bits: z.array(z.int()).min(1),
  curves: z.array(z.enum(CURVES)).min(1),
  template: quantPlan,
  samples: sampleOptions.nullable().catch(null),
})

/** What a stored sweep was asked for; null where it does not say. */
export function bitsAskedOfRun(parameters: Json): BitsAsked | null {
  const found = stored.safeParse(parameters)
  return found.success ? found.data : null
}

/** Ids of the layers that a plan names as float. */
export function floatLayersOf({ layers }: QuantPlan): string[] {
  return Object.entries(layers).flatMap(([id, layer]) => (layer === 'float' ? [id] : []))
}

/** `1–4, 8`: widths with runs of neighbours as ranges. */
export function bitsText(bits: readonly number[]): string {
  const parts: [number, number][] = []
  for (const width of bits.toSorted((a, b) => a - b)) {
    const last = parts.at(-1)
    if (last && last[1] === width - 1) last[1] = width
    else parts.push([width, width])
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}

/** What is the same at every point, in a few words. */
export function templateText({ defaults, repairs, ...plan }: QuantPlan): string {
  const { weights, activations } = defaults
  const floats = floatLayersOf({ defaults, ...plan }).length
  return [
    activations.calibrator.method === 'minMax' ? 'min-max' : activations.calibrator.method,
    weights.granularity === 'perTensor' ? 'per tensor' : 'per channel',
    ...(repairs?.length ? [`repairs: ${repairs.join(', ')}`] : []),
    ...(floats === 0 ? [] : [floats === 1 ? '1 layer in float' : `${floats} layers in float`]),
  ].join(' · ')
}
