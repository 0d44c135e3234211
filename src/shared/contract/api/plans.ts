import { type } from '@orpc/contract'
import { z } from 'zod'
import {
  quantMode,
  quantPlan,
  type ActivationScheme,
  type QuantMode,
  type QuantPlan,
  type WeightScheme,
} from '../plan.ts'
import { call, modelHash } from './base.ts'
import type { SweepPointView } from './job-results.ts'

/** A plan that was kept under a name. */
export interface StoredPlan {
  readonly name: string
  readonly plan: QuantPlan
  readonly savedAt: string
}

/** What the plan comes to for one layer, defaults and overrides merged. */
export interface ResolvedLayerView {
  readonly id: string
  readonly kind: 'float' | 'quantized'
  /** null where it is float */
  readonly mode: QuantMode | null
  /** null where it is float or has no weights */
  readonly weights: WeightScheme | null
  readonly activations: ActivationScheme | null
  readonly biasBits: 8 | 16 | 32 | null
  /** the plan says so itself; false: it follows from defaults and neighbours */
  readonly named: boolean
}

/** Something in a plan that the model refuses. */
export interface PlanProblem {
  readonly code: string
  readonly message: string
  readonly layer: string | null
  readonly tensor: string | null
}

export interface ResolvedPlanView {
  /** in graph order; empty where the plan is not for this model at all */
  readonly layers: readonly ResolvedLayerView[]
  readonly problems: readonly PlanProblem[]
}

/** One setting that differs between two plans; null: not quantized, or not said. */
export interface PlanDifference {
  /** layer id, `tensor:NAME`, or `defaults` */
  readonly subject: string
  readonly setting: string
  readonly a: string | null
  readonly b: string | null
}

/** The plan of one point of a sweep over bits. */
export interface SweepPlanView {
  readonly what: SweepPointView['what']
  readonly bits: number
  readonly plan: QuantPlan
}

/** An estimated or kept number. Estimated ones look different from measured ones wherever they are shown. */
export type Estimate =
  | {
      readonly value: number
      /** true: a kept measurement of this very plan */
      readonly measured: boolean
      /** 95 %, where something is known of it */
      readonly interval: readonly [number, number] | null
      /** a sentence: what it stands on */
      readonly basis: string
    }
  | {
      readonly value: null
      /** a sentence: what is missing, and what would bring it */
      readonly reason: string
    }

/** What a plan would come to, without running anything. */
export interface PlanEstimate {
  /** float top-1 minus the plan's (or what `dropKind` says) */
  readonly drop: Estimate
  readonly dropKind: 'top1' | 'disagreement' | 'nsr' | null
  /** of the float model, on the samples that plans were measured on; null without labels or measurements */
  readonly floatTop1: number | null
  /** sum of isolated damages in the metric of the sensitivity rows */
  readonly damage: Estimate
  readonly metric: string | null
  readonly bytes: Estimate
  readonly floatBytes: number
  readonly ms: Estimate
  readonly floatMs: number | null
  /** float ms / plan ms */
  readonly speedup: Estimate
  /** per layer, what is known of it in this plan */
  readonly layers: readonly {
    readonly id: string
    readonly damage: number | null
    readonly bytes: number | null
    readonly ms: number | null
  }[]
}

const planOptions = z.strictObject({
  mode: quantMode.optional(),
  weights: z.string().optional(),
  activations: z.string().optional(),
  symmetric: z.boolean().optional(),
  perTensor: z.boolean().optional(),
  calibration: z.enum(['minMax', 'movingAverage', 'percentile', 'entropy', 'mse']).optional(),
  keepFloat: z.array(z.string()).optional(),
})

const planName = z.string().trim().min(1).max(120)
const planOfModel = z.strictObject({ hash: modelHash, plan: quantPlan })

/** Plans: kept by name for each model, checked, compared, estimated. */
export const plansApi = {
  list: call.input(z.strictObject({ hash: modelHash })).output(type<readonly StoredPlan[]>()),
  save: call
    .input(z.strictObject({ hash: modelHash, name: planName, plan: quantPlan, replace: z.boolean().default(false) }))
    .output(type<StoredPlan>()),
  load: call.input(z.strictObject({ hash: modelHash, name: planName })).output(type<StoredPlan>()),
  remove: call.input(z.strictObject({ hash: modelHash, name: planName })).output(type<void>()),
  /** The plan that the command line's options mean. */
  fromOptions: call.input(planOptions).output(type<QuantPlan>()),
  /** The plan that a run made, used or is searching with. Fault data.noPlan where it has none. */
  fromRun: call.input(z.strictObject({ run: z.string() })).output(type<QuantPlan>()),
  /** The plans of all points that a sweep over bits was asked for. Fault data.noPlan where the run is none. */
  ofSweep: call.input(z.strictObject({ run: z.string() })).output(type<readonly SweepPlanView[]>()),
  /** A plan from its JSON text. Fault plan.invalid, plan.notJson. */
  parse: call.input(z.strictObject({ text: z.string().max(64 * 2 ** 20) })).output(type<QuantPlan>()),
  /** The plan as the file that `--plan` takes. */
  serialize: call.input(z.strictObject({ plan: quantPlan })).output(type<{ readonly text: string }>()),
  resolve: call.input(planOfModel).output(type<ResolvedPlanView>()),
  diff: call
    .input(z.strictObject({ hash: modelHash, a: quantPlan, b: quantPlan }))
    .output(type<readonly PlanDifference[]>()),
  /** Answers within 100 ms, from what is stored. */
  estimate: call
    .input(z.strictObject({ hash: modelHash, plan: quantPlan, threads: z.int().min(1).optional() }))
    .output(type<PlanEstimate>()),
}
