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
  /** samples of evaluations that are to come */
  #samplesLeft: number
  #samplesMeasured = 0
  #ms = 0

  /**
   * @param plans different ones that are measured
   * @param chunks samples of each chunk
   */
  constructor(plans: number, chunks: readonly number[], services: Pick<Services, 'onProgress' | 'pool'>) {
    this.possible = plans * chunks.length
    this.#samplesLeft = plans * chunks.reduce((sum, samples) => sum + samples, 0)
    this.#services = services
  }

  add({ measured, found, dropped, samples, ms }: SweepChange): void {
    this.measured += measured
    this.found += found
    this.#dropped += dropped
    this.#samplesLeft -= samples
    this.#ms += ms
    if (measured > 0) this.#samplesMeasured += samples
    const done = this.measured + this.found
    this.#services.onProgress({
      stage: 'sensitivity',
      done,
      total: this.possible - this.#dropped,
      unit: 'evaluations',
      // by samples, not by evaluations: chunks grow
      ...(this.#samplesMeasured === 0 ? {} : { etaMs: this.#samplesLeft * this.#pace }),
      ...(this.#dropped === 0 ? {} : { note: `${this.#dropped} not needed, ranks settled` }),
    })
  }

  /** ms a sample takes, with all workers at it. */
  get #pace(): number {
    return this.#ms / this.#samplesMeasured / this.#services.pool.size
  }
}
