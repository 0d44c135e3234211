import { z } from 'zod'
import type { ComparisonRowView } from '../../shared/contract/api/training.ts'
import { quantPlan } from '../../shared/contract/plan.ts'
import type { RunDetail } from '../../shared/contract/runs.ts'

/** Ways to quantize side by side, as they were measured. */
export interface Comparison {
  readonly run: string
  readonly rows: readonly ComparisonRowView[]
}

/** What each way is called, and what it does. */
export const WAYS: Readonly<Record<ComparisonRowView['name'], { readonly label: string; readonly how: string }>> = {
  float: { label: 'Float', how: 'as trained' },
  ptq: { label: 'PTQ', how: 'quantized after training, ranges from statistics' },
  'ptq-repaired': { label: 'PTQ, repaired', how: 'with all repairs short of training' },
  qat: { label: 'QAT', how: 'trained for integers' },
  'ptq-hybrid': { label: 'PTQ, hybrid', how: 'sensitive layers spared, repaired' },
  'qat-hybrid': { label: 'QAT, hybrid', how: 'sensitive layers spared, trained' },
}

const row = z.object({
  name: z.enum(['float', 'ptq', 'ptq-repaired', 'qat', 'ptq-hybrid', 'qat-hybrid']),
  run: z.string().nullable(),
  plan: quantPlan.nullable(),
  top1: z.number(),
  loss: z.number(),
  drop: z.object({ value: z.number(), low: z.number(), high: z.number() }).nullable(),
  bytes: z.number(),
  wallMs: z.number().nullable(),
  output: z.string().nullable(),
})

/** A former comparison; null where the run is none that came to its end. */
export function comparisonOfRun({ id, results }: Pick<RunDetail, 'id' | 'results'>): Comparison | null {
  const found = z.object({ rows: z.array(row) }).safeParse(results)
  return found.success ? { run: id, rows: found.data.rows } : null
}
