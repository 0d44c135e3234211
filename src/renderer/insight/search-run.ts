import { z } from 'zod'
import type { CandidateView } from '../../shared/contract/api/job-results.ts'
import { layerOverride, type QuantPlan } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { contentOf } from '../plan/content.ts'
import { dropText, mergeCandidate } from './candidates.ts'

const interval = z.tuple([z.number(), z.number()]).nullable().catch(null)
const summary = z.object({
  float: z.array(z.string()),
  top1: z.number().nullable().default(null),
  agreement: z.number().nullable().default(null),
  drop: z.number(),
  dropInterval: interval,
  bytes: z.number(),
  speedup: z.number().nullable(),
  speedupInterval: interval,
  medianMs: z.number().nullable().default(null),
  predicted: z.object({ drop: z.number().nullable(), bytes: z.number(), speedup: z.number() }),
  layers: z.record(z.string(), layerOverride),
})
const miss = z.object({ target: z.string(), asked: z.number(), found: z.number() })
const results = z.object({
  base: summary,
  best: summary,
  front: z.array(summary),
  misses: z.array(miss).catch([]),
})

/** What a stored search found. */
export interface FoundPlans {
  readonly candidates: readonly CandidateView[]
  /** key of the best */
  readonly best: string | null
  /** sentences */
  readonly misses: readonly string[]
}

/**
 * The plans that a stored search kept: where it started, its front, its best.
 * @param plan the best one: all plans of a search share its defaults and repairs, and differ in their layers
 */
export function candidatesOfRun(json: Json, plan: QuantPlan): FoundPlans {
  const parsed = results.safeParse(json)
  if (!parsed.success) return { candidates: [], best: null, misses: [] }
  const { base, best, front, misses } = parsed.data
  const viewOf = ({ float, layers, ...numbers }: z.infer<typeof summary>): CandidateView => {
    const own = { ...plan, layers }
    return { ...numbers, key: contentOf(own), plan: own, floatLayers: float }
  }
  const last = viewOf(best)
  const views = [viewOf(base), ...front.map(viewOf), last]
  return {
    candidates: views.reduce<CandidateView[]>(mergeCandidate, []),
    best: last.key,
    misses: misses.map(missText),
  }
}

const points = (share: number): string => dropText(share, 'top1')

/** A missed target in words. */
export function missText({ target, asked, found }: z.infer<typeof miss>): string {
  switch (target) {
    case 'maxDrop':
      return `The loss is ${points(found)}; at most ${points(asked)} was asked for.`
    case 'maxBytes':
      return `The file has ${(found / 1e6).toPrecision(3)} MB; at most ${(asked / 1e6).toPrecision(3)} MB was asked for.`
    case 'minSpeedup':
      return `It is ${found.toPrecision(3)} times as fast as float; at least ${asked} times was asked for.`
    case 'maxFloatLayers':
      return `${found} layers are in float; at most ${asked} was asked for.`
    default:
      return `${target} is ${found}; ${asked} was asked for.`
  }
}
