import type { Services } from '../services.ts'
import type { SweepChange } from './sweep.ts'

/** Counts the evaluations of a sweep and tells how long the rest will take: at the pace so far, on the workers there are. */
export class SweepProgress {
  measured = 0
  found = 0
  /** evaluations without early stopping */
  readonly possible: number
  readonly #services: Pick<Services, 'onProgress' | 'pool'>
  #dropped = 0
  #ms = 0

  constructor(possible: number, services: Pick<Services, 'onProgress' | 'pool'>) {
    this.possible = possible
    this.#services = services
  }

  add({ measured, found, dropped, ms }: SweepChange): void {
    this.measured += measured
    this.found += found
    this.#dropped += dropped
    this.#ms += ms
    const done = this.measured + this.found
    const total = this.possible - this.#dropped
    const pace = this.measured === 0 ? undefined : this.#ms / this.measured / this.#services.pool.size
    this.#services.onProgress({
      stage: 'sensitivity',
      done,
      total,
      unit: 'evaluations',
      // chunks grow to their full size within a few rounds; until then the pace flatters
      ...(pace === undefined ? {} : { etaMs: (total - done) * pace }),
      ...(this.#dropped === 0 ? {} : { note: `${this.#dropped} not needed, ranks settled` }),
    })
  }
}
