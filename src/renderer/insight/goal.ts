import { z } from 'zod'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { JobRequestInput } from '../../shared/contract/api/jobs.ts'
import { repairNames, type RepairName } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { configNames } from './sweep-request.ts'

type SearchRequest = Extract<JobRequestInput, { kind: 'search' }>

/** A size that a file is to keep: a share of the source file in percent, or bytes in MB. */
const size = z.object({ value: z.number().positive(), unit: z.enum(['%', 'MB']) })
export type SizeLimit = z.infer<typeof size>

const aims = ['small', 'fewFloat', 'leastLoss', 'front'] as const
/** What is made as good as it can be within the limits. */
export type Aim = (typeof aims)[number]

const goal = z.object({
  /** most loss in percentage points; null: not asked for */
  maxLoss: z.number().min(0).max(100).nullable(),
  maxSize: size.nullable(),
  /** least float time / plan time */
  minSpeedup: z.number().positive().nullable(),
  maxFloatLayers: z.int().min(0).nullable(),
  aim: z.enum(aims),
})
/** What a search is to reach, as its sentence says it. */
export type Goal = z.infer<typeof goal>

/** The goal that the sentence starts with. */
export const usualGoal: Goal = { maxLoss: 0.5, maxSize: null, minSpeedup: null, maxFloatLayers: null, aim: 'small' }

/** The aims in the words of the sentence, each with the strategy that goes for it. */
export const AIMS: Readonly<Record<Aim, { readonly text: string; readonly strategy: string; readonly how: string }>> = {
  small: {
    text: 'make it as small as possible',
    strategy: 'knapsack',
    how: 'knapsack: a choice of bits for each layer',
  },
  fewFloat: {
    text: 'keep as few layers in float as possible',
    strategy: 'prefix',
    how: 'prefix: the most sensitive layers in float',
  },
  leastLoss: {
    text: 'lose as little as possible',
    strategy: 'knapsack',
    how: 'knapsack: a choice of bits for each layer',
  },
  front: {
    text: 'show what can be had for what',
    strategy: 'pareto',
    how: 'pareto: the front of accuracy, latency and size',
  },
}

/** Aims that go with the limits: within a size or a speed, the loss is what is left to make small. */
export function aimsFor({ maxSize, minSpeedup }: Pick<Goal, 'maxSize' | 'minSpeedup'>): readonly Aim[] {
  return maxSize !== null || minSpeedup !== null ? ['leastLoss', 'front'] : ['small', 'fewFloat', 'front']
}

/** The goal with some of it changed; an aim that does not go with the limits gives way to the first that does. */
export function changedGoal(former: Goal, change: Partial<Goal>): Goal {
  const next = { ...former, ...change }
  const possible = aimsFor(next)
  return possible.includes(next.aim) ? next : { ...next, aim: possible[0]! }
}

const plain = (value: number): string => String(Number(value.toPrecision(12)))

/** The goal as one sentence: `Lose at most 0.5 points, then make it as small as possible, with at most 3 float layers.` */
export function goalText({ maxLoss, maxSize, minSpeedup, maxFloatLayers, aim }: Goal): string {
  const limits = [
    maxLoss === null ? null : `lose at most ${plain(maxLoss)} ${maxLoss === 1 ? 'point' : 'points'}`,
    maxSize === null
      ? null
      : `take at most ${plain(maxSize.value)} ${maxSize.unit}${maxSize.unit === '%' ? ' of the size' : ''}`,
    minSpeedup === null ? null : `be at least ${plain(minSpeedup)} times as fast`,
  ].filter((part) => part !== null)
  const floats =
    maxFloatLayers === null ? '' : `, with at most ${maxFloatLayers} float ${maxFloatLayers === 1 ? 'layer' : 'layers'}`
  const end = `${AIMS[aim].text}${floats}.`
  const text = limits.length === 0 ? end : `${limits.join(', ')}, then ${end}`
  return text[0]!.toUpperCase() + text.slice(1)
}

/** What else a search is told. */
export interface SearchSettings {
  /** the base first; empty: what suits the goal */
  readonly configs: readonly string[]
  readonly repairs: readonly RepairName[]
  /** most plans measured; null: what is usual */
  readonly maxTrials: number | null
}

const MB = 1e6

/** What is chosen from when nobody says: for a small file fewer bits, else 8 bits and float. */
function configsFor({ aim, maxSize }: Goal): string | null {
  return aim === 'small' || maxSize !== null ? '8,int4' : null
}

/** The job that goes for a goal. */
export function requestOfGoal(
  wanted: Goal,
  settings: SearchSettings,
  model: string,
  samples: SampleOptionsInput,
  resumes: string | null = null,
): SearchRequest {
  const { maxLoss, maxSize, minSpeedup, maxFloatLayers, aim } = wanted
  return {
    kind: 'search',
    model,
    samples,
    strategy: AIMS[aim].strategy,
    configs: settings.configs.length === 0 ? configsFor(wanted) : settings.configs.join(','),
    maxDrop: maxLoss === null ? null : Number((maxLoss / 100).toPrecision(12)),
    maxSize:
      maxSize === null
        ? null
        : maxSize.unit === 'MB'
          ? { bytes: Math.round(maxSize.value * MB) }
          : { share: Number((maxSize.value / 100).toPrecision(12)) },
    minSpeedup,
    maxFloatLayers,
    maxTrials: settings.maxTrials,
    repairs: [...settings.repairs],
    resumes,
  }
}

const stored = z.object({
  strategy: z.string().nullable().default(null),
  configs: z.string().nullable().default(null),
  maxDrop: z.number().nullable().default(null),
  maxSize: z
    .union([z.object({ bytes: z.number() }), z.object({ share: z.number() })])
    .nullable()
    .default(null),
  minSpeedup: z.number().nullable().default(null),
  maxFloatLayers: z.number().nullable().default(null),
  maxTrials: z.number().nullable().default(null),
  repairs: z.array(z.enum(repairNames)).default([]),
})

/** What a stored search was asked for; null where it does not say. */
export function goalOfRun(parameters: Json): { readonly goal: Goal; readonly settings: SearchSettings } | null {
  const found = stored.safeParse(parameters)
  if (!found.success) return null
  const { strategy, configs, maxDrop, maxSize, minSpeedup, maxFloatLayers, maxTrials, repairs } = found.data
  const limits = {
    maxLoss: maxDrop === null ? null : Number((maxDrop * 100).toPrecision(12)),
    maxSize: maxSize === null ? null : sizeOf(maxSize),
    minSpeedup,
    maxFloatLayers,
  }
  return {
    goal: { ...limits, aim: aimOf(strategy, limits) },
    settings: { configs: configs === null ? [] : configNames(configs), repairs, maxTrials },
  }
}

function sizeOf(found: { bytes: number } | { share: number }): SizeLimit {
  return 'bytes' in found
    ? { value: Number((found.bytes / MB).toPrecision(6)), unit: 'MB' }
    : { value: Number((found.share * 100).toPrecision(12)), unit: '%' }
}

/** A search that was not told a strategy took prefix, unless a size or a speed was asked for. */
function aimOf(strategy: string | null, limits: Pick<Goal, 'maxSize' | 'minSpeedup'>): Aim {
  const possible = aimsFor(limits)
  return possible.find((aim) => AIMS[aim].strategy === (strategy ?? 'prefix')) ?? possible[0]!
}

/** The goal kept from the last time; the usual one where there is none that can be read. */
export function goalFrom(text: string | null): Goal {
  try {
    return text === null ? usualGoal : goal.parse(JSON.parse(text))
  } catch {
    return usualGoal
  }
}
