import { z } from 'zod'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { JobRequestInput } from '../../shared/contract/api/jobs.ts'
import type { Json } from '../../shared/contract/runs.ts'

const METRICS = ['loss', 'kl', 'top1', 'nsr'] as const

/** What a sweep is asked for in the window. */
const question = z.object({
  /** precisions as the command line writes them */
  configs: z.array(z.string()).min(1),
  /** one layer quantized in a float model, or one layer float in a quantized one */
  base: z.enum(['float', 'quantized']),
  /** null: the paired loss where there are labels, else the KL to the float model */
  metric: z.enum(METRICS).nullable(),
  /** every layer takes every sample, also where its rank is settled */
  exact: z.boolean(),
  /** one instrumented pass a configuration instead of the sweep */
  quick: z.boolean(),
})
export type SweepQuestion = z.infer<typeof question>

/** Asked when nobody chose: what tells most for the least time. */
export const usualQuestion: SweepQuestion = {
  configs: ['8', 'int4'],
  base: 'float',
  metric: null,
  exact: false,
  quick: false,
}

/** Metrics as they are offered. */
export const SWEEP_METRICS: readonly {
  readonly value: (typeof METRICS)[number] | 'auto'
  readonly label: string
  readonly hint: string
}[] = [
  { value: 'auto', label: 'what suits the data', hint: 'KL, noise without classes' },
  { value: 'loss', label: 'loss increase', hint: 'needs labels' },
  { value: 'kl', label: 'KL to float', hint: 'needs classes' },
  { value: 'top1', label: 'top-1 drop', hint: 'needs labels, many samples' },
  { value: 'nsr', label: 'noise to signal', hint: 'any model' },
]

/** The question kept from the last time; the usual one where there is none that can be read. */
export function questionFrom(text: string | null): SweepQuestion {
  try {
    return text === null ? usualQuestion : question.parse(JSON.parse(text))
  } catch {
    return usualQuestion
  }
}

/** The job that answers a question. */
export function requestOfQuestion(
  asked: SweepQuestion,
  model: string,
  samples: SampleOptionsInput,
  resumes: string | null = null,
): JobRequestInput {
  const configs = asked.configs.join(',')
  if (asked.quick) return { kind: 'quickScan', model, samples, configs }
  const { base, metric, exact } = asked
  return { kind: 'sensitivity', model, samples, configs, base, metric, exact, resumes }
}

const stored = z.object({
  configs: z.string(),
  base: z.enum(['float', 'quantized']).default('float'),
  metric: z.enum(METRICS).nullable().default(null),
  exact: z.boolean().default(false),
  quick: z.boolean().default(false),
})

/** What a stored run was asked for; null where it does not say. */
export function questionOfRun(parameters: Json): SweepQuestion | null {
  const found = stored.safeParse(parameters)
  if (!found.success) return null
  const { configs, ...rest } = found.data
  const names = configNames(configs)
  return names.length === 0 ? null : { ...rest, configs: names }
}

/** The names in a list of configurations, each once. */
export function configNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))]
}
