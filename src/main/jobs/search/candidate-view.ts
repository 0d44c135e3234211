import type { CandidateView } from '../../../shared/contract/api/job-results.ts'
import { assignmentKey, floatLayersOf } from '../../search/assignment.ts'
import type { Candidate } from './session.ts'
import { dropOf } from './trials.ts'

/** A measured plan of a search, as a window shows it. */
export function candidateView({ trial, plan, result, speed }: Candidate): CandidateView {
  const { predicted, measured, assignment } = trial
  const drop = dropOf(result)
  return {
    key: assignmentKey(assignment),
    plan,
    floatLayers: floatLayersOf(assignment),
    top1: result.model?.top1 ?? null,
    agreement: result.agreement,
    drop: drop.value,
    dropInterval: boundsOf(drop.interval),
    bytes: measured.bytes,
    speedup: measured.speedup,
    speedupInterval: boundsOf(speed?.interval ?? null),
    medianMs: speed?.medianMs ?? null,
    predicted: { drop: predicted.drop, bytes: predicted.bytes, speedup: predicted.speedup },
  }
}

function boundsOf(interval: { readonly low: number; readonly high: number } | null): readonly [number, number] | null {
  if (interval === null || !Number.isFinite(interval.low) || !Number.isFinite(interval.high)) return null
  return [interval.low, interval.high]
}
