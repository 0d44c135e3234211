import {
  EvaluationAccumulator,
  type EvaluationResult,
  type EvaluationSpec,
  type EvaluationState,
} from '../../quant/accumulator.ts'
import type { Task } from '../worker-host.ts'

export interface SummarizeInput {
  readonly spec: EvaluationSpec
  /** what each share of an evaluation left; samples do not repeat */
  readonly states: readonly EvaluationState[]
}

/** Sums the shares of an evaluation, here and not in main: over 60,000 samples it takes half a second. */
export function createSummarizeTask(): Task<SummarizeInput, EvaluationResult> {
  return (input) => Promise.resolve(merged(input).result())
}

/** `EvaluationAccumulator.klOfSamples` of the shares of an evaluation. */
export function createSampleKlTask(): Task<SummarizeInput, Float64Array | null> {
  return (input) => Promise.resolve(merged(input).klOfSamples())
}

function merged({ spec, states }: SummarizeInput): EvaluationAccumulator {
  const accumulator = new EvaluationAccumulator(spec)
  for (const state of states) accumulator.merge(state)
  return accumulator
}
