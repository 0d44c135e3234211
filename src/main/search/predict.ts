import type { CostModel } from './costs.ts'
import type { Assignment, Measured, Predicted } from './port.ts'

/** A measured plan beside what its layers' isolated scores add up to. */
interface Observation {
  readonly sum: number
  readonly measured: Pick<Measured, 'damage' | 'drop'>
}

/**
 * Expects a plan's damage and drop from isolated scores, learning from each plan measured. Isolated damages do not add up: their sum is
 * multiplied by the median of measured / summed over the plans so far. The drop is in proportion to the damage, by least squares
 * through the origin; never below 0: where the plans so far came out above float, that was chance, and more damage is no better.
 */
export class Predictor {
  readonly #damageOf: (layerId: string, choice: string) => number
  readonly #costs: CostModel
  readonly #seen: Observation[] = []

  constructor(damageOf: (layerId: string, choice: string) => number, costs: CostModel) {
    this.#damageOf = damageOf
    this.#costs = costs
  }

  predict(assignment: Assignment): Predicted {
    const damage = this.#sumOf(assignment) * this.#correction()
    const squares = this.#seen.reduce((sum, { measured }) => sum + measured.damage ** 2, 0)
    const products = this.#seen.reduce((sum, { measured }) => sum + measured.damage * measured.drop, 0)
    return {
      damage,
      drop: squares === 0 ? null : Math.max(0, products / squares) * damage,
      bytes: this.#costs.bytesOf(assignment),
      speedup: this.#costs.floatMs / this.#costs.msOf(assignment),
    }
  }

  learn(assignment: Assignment, measured: Pick<Measured, 'damage' | 'drop'>): void {
    this.#seen.push({ sum: this.#sumOf(assignment), measured })
  }

  #sumOf(assignment: Assignment): number {
    return [...assignment].reduce((sum, [id, choice]) => sum + this.#damageOf(id, choice), 0)
  }

  #correction(): number {
    const ratios = this.#seen.filter(({ sum }) => sum > 0).map(({ sum, measured }) => measured.damage / sum)
    if (ratios.length === 0) return 1
    ratios.sort((a, b) => a - b)
    return ratios[ratios.length >> 1]!
  }
}
