import type { Progress } from '../../../shared/contract/progress.ts'
import type { Services } from '../services.ts'

/** Counts the evaluations of a sweep and tells how long the rest takes: at the pace of those measured, without those that are kept. */
export class PointsProgress {
  readonly #services: Services
  readonly #total: number
  #toMeasure: number
  #done = 0
  #measured = 0
  #measuredMs = 0
  #share = 0
  #name = ''

  /** @param toMeasure evaluations of the `total` that are not kept */
  constructor(total: number, toMeasure: number, services: Services) {
    this.#total = total
    this.#toMeasure = toMeasure
    this.#services = services
  }

  /** The services a point is measured with: what its steps tell becomes a note of the whole. */
  begin(name: string): Services {
    this.#name = name
    this.#share = 0
    this.#tell()
    const { onLog } = this.#services
    return {
      ...this.#services,
      onProgress: (step) => this.#step(step),
      // what a point finds kept is no news at every point
      onLog: (level, message) => (level === 'warning' ? onLog(level, message) : undefined),
    }
  }

  end(isNew: boolean, ms: number): void {
    this.#done++
    this.#share = 0
    if (isNew) {
      this.#measured++
      this.#measuredMs += ms
      this.#toMeasure--
    }
    this.#tell()
  }

  #step(step: Progress): void {
    const { stage, done, total } = step
    // repairs come before; the samples of the evaluation are what a point's time goes into
    if (stage === 'evaluate' && total !== null && total > 0) this.#share = done / total
    this.#tell(`${stage} ${done}${total === null ? '' : ` of ${total}`} ${step.unit}`.trim())
  }

  #tell(step = ''): void {
    const left = Math.max(0, this.#toMeasure - this.#share)
    this.#services.onProgress({
      stage: 'sweep',
      done: this.#done,
      total: this.#total,
      unit: 'evaluations',
      ...(this.#measured === 0 || left === 0 ? {} : { etaMs: (left * this.#measuredMs) / this.#measured }),
      ...(this.#done === this.#total ? {} : { note: step === '' ? this.#name : `${this.#name}: ${step}` }),
    })
  }
}
