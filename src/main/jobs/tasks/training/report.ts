import type { EpochView, StepView, TrainingStage } from '../../../../shared/contract/api/training.ts'
import type { OnPartial } from '../../../../shared/contract/api/jobs.ts'

/** What a training tells of itself while it runs, in portions. */
interface TrainingReport {
  /** @param done samples of the epoch that are learned from by now */
  readonly step: (step: { readonly epoch: number; readonly done: number; readonly loss: number }) => void
  readonly epoch: (metrics: EpochView) => void
}

/** A curve that moves four times a second is live enough. */
const PORTION_MS = 250
/** Steps of one portion at most: a chart has no more pixels for them. Between, losses are averaged. */
const MOST_STEPS = 8

/**
 * Collects steps and sends them in portions; epochs go at once.
 * @param samples in an epoch
 * @param now milliseconds from any start
 */
export function createTrainingReport(
  onPartial: OnPartial | undefined,
  stage: TrainingStage,
  samples: number,
  now: () => number,
): TrainingReport {
  let waiting: StepView[] = []
  let sent = now()
  const send = (epochs: readonly EpochView[]): void => {
    onPartial?.({ kind: 'training', stage, epochs, steps: thinned(waiting) })
    waiting = []
    sent = now()
  }
  return {
    step: ({ epoch, done, loss }) => {
      if (!onPartial) return
      waiting.push({ at: epoch - 1 + done / samples, loss })
      if (now() - sent >= PORTION_MS) send([])
    },
    epoch: (metrics) => send([metrics]),
  }
}

/** At most `MOST_STEPS` steps: neighbours become one, at the last of them, with their mean loss. */
function thinned(steps: readonly StepView[]): StepView[] {
  const size = Math.ceil(steps.length / MOST_STEPS)
  const result: StepView[] = []
  for (let start = 0; start < steps.length; start += size) {
    const group = steps.slice(start, start + size)
    const loss = group.reduce((sum, step) => sum + step.loss, 0) / group.length
    result.push({ at: group.at(-1)!.at, loss })
  }
  return result
}
