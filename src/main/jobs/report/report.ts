import type { Environment, LayerResult } from '../../../shared/contract/runs.ts'

/** One model file as measured: the float model, or one way of quantizing it. Absent numbers were not measured. */
export interface ReportVariant {
  readonly name: string
  /** id of the run that made it, null for the float model */
  readonly run: string | null
  readonly sizeBytes: number
  readonly top1: number | null
  /** agreement of the argmax with the float model, in 0–1 */
  readonly agreement: number | null
  readonly sqnrDb: number | null
  readonly medianMs: number | null
  /** the float model's median in the same interleaved run */
  readonly floatMs: number | null
  /** float median / own median of one interleaved run */
  readonly speedup: number | null
  readonly layers: readonly LayerResult[]
  readonly warnings: readonly string[]
}

/** What a report says; the first variant is the float model that the others are compared with. */
export interface Report {
  readonly title: string
  readonly generatedAt: string
  readonly product: string
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly environment: Environment
  readonly variants: readonly ReportVariant[]
}
