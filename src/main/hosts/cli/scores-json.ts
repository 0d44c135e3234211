import type { ClassScores } from '../../quant/accumulator.ts'

/** The scores of one model as every command prints them; rates in 0–1. */
export function scoresJson(scores: ClassScores | null): object {
  return scores === null
    ? {}
    : { top1: scores.top1, ...(scores.top5 === null ? {} : { top5: scores.top5 }), loss: scores.loss }
}
