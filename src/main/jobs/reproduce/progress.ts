import type { Progress } from '../../../shared/contract/progress.ts'
import type { Services } from '../services.ts'
import type { Step } from './port.ts'

/** Tells how far a table is, and how long the rest takes: at the pace of the steps in which something had to be measured. */
export class StepsProgress {
  readonly #services: Services
  readonly #steps: readonly Step[]
  #done = 0
  #share = 0
  #spentMs = 0
  #spentEffort = 0
  #began = 0

  constructor(steps: readonly Step[], services: Services) {
    this.#steps = steps
    this.#services = services
  }

  /** The services a step is measured with: what its parts tell becomes a note of the whole. */
  get services(): Services {
    return { ...this.#services, onProgress: (part) => this.#part(part) }
  }

  begin(): void {
    this.#share = 0
    this.#began = performance.now()
    this.#tell('')
  }

  /** @param isFresh whether anything had to be measured, so that the time says something */
  end(isFresh: boolean): void {
    if (isFresh) {
      this.#spentMs += performance.now() - this.#began
      this.#spentEffort += this.#steps[this.#done]!.effort
    }
    this.#done++
    this.#share = 0
    this.#tell('')
  }

  #part({ stage, done, total, unit, note }: Progress): void {
    // a training is most of its step; other parts come in numbers nobody knows
    if ((stage === 'train' || stage === 'qat') && total !== null && total > 0) this.#share = done / total
    const count = total === null ? '' : ` ${done} of ${total} ${unit}`
    this.#tell(note ?? `${stage}${count}`.trim())
  }

  #tell(part: string): void {
    const step = this.#steps[this.#done]
    const etaMs = this.#etaMs()
    this.#services.onProgress({
      stage: 'reproduce',
      done: this.#done,
      total: this.#steps.length,
      unit: 'steps',
      ...(etaMs === null ? {} : { etaMs }),
      ...(step ? { note: part === '' ? step.name : `${step.name}: ${part}` } : {}),
    })
  }

  #etaMs(): number | null {
    const step = this.#steps[this.#done]
    if (!step) return null
    const inStep = this.#share * step.effort
    const spentEffort = this.#spentEffort + inStep
    const spentMs = this.#spentMs + (inStep > 0 ? performance.now() - this.#began : 0)
    if (spentEffort <= 0) return null
    const left = this.#steps.slice(this.#done).reduce((sum, { effort }) => sum + effort, 0) - inStep
    return (left * spentMs) / spentEffort
  }
}
