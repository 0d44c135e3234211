import { Fault } from '../../../shared/contract/fault.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import type { EpochMetrics } from '../../training/loop.ts'
import type { CompareRequest } from '../qat-compare.ts'
import type { QatRequest } from '../qat-run.ts'
import { recordRun, type OpenRun, type RunOutcome } from '../record-run.ts'
import type { Services } from '../services.ts'
import type { TrainRequest } from '../train-run.ts'
import { leavingCheckpoints, removeCheckpoints } from './checkpoints.ts'

// What is the same in every run that trains.

/** What each kind is asked for; all of it is in the run's parameters. */
interface Requests {
  readonly train: TrainRequest
  readonly qat: QatRequest
  readonly compareQat: CompareRequest
}

type TrainingKind = keyof Requests

const NAMES = {
  train: 'training',
  qat: 'training for integers',
  compareQat: 'comparison',
} as const satisfies Record<TrainingKind, string>

/**
 * Does a training as a run of its own, whose parameters `--resume` takes the request from again. What it can be gone on with from stays
 * where it fails, and is removed once it is done.
 * @param resumes the run it goes on with
 * @param kept names in the run's folder that it can be gone on with from, beside the checkpoint
 */
export async function recordTraining<Kind extends TrainingKind, Value>(
  kind: Kind,
  request: Requests[Kind],
  resumes: string | null,
  kept: readonly string[],
  services: Services,
  work: (run: OpenRun) => Promise<RunOutcome<Value>>,
): Promise<{ readonly run: string; readonly value: Value }> {
  const { start } = request
  const modelPath = start.kind === 'model' ? start.path : start.file
  const parameters = { request: request as unknown as Json, resumes }
  const done = await recordRun(services, { kind, modelPath, parameters, resumes }, (run) =>
    leavingCheckpoints(run.id, kept, services, () => work(run)),
  )
  await removeCheckpoints(done.run, resumes, services)
  return done
}

/**
 * The request of a run that can be gone on with.
 * @throws Fault usage.resume where it was a run of another kind
 */
export function requestOfRun<Kind extends TrainingKind>(
  kind: Kind,
  run: string,
  { store }: Pick<Services, 'store'>,
): { readonly id: string; readonly request: Requests[Kind] } {
  const known = store.runs.get(run)
  const { request } = known.parameters as unknown as { readonly request?: Requests[Kind] }
  if (known.kind === kind && request) return { id: known.id, request }
  throw new Fault('usage.resume', `Run ${run} is no ${NAMES[kind]}, so there is nothing to go on with.`, { run })
}

/** What a training came to, by the names that runs are compared by: losses and rate of the epoch that was kept. */
export function trainingMetrics({
  history,
  bestEpoch,
}: {
  readonly history: readonly EpochMetrics[]
  readonly bestEpoch: number
}): Record<string, number | null | undefined> {
  const best = history.find(({ epoch }) => epoch === bestEpoch)
  return {
    epochs: history.length,
    bestEpoch,
    trainLoss: best?.loss,
    validationLoss: best?.validationLoss,
    validationTop1: best?.validationAccuracy,
    samplesPerSecond: history.at(-1)?.samplesPerSecond,
  }
}
