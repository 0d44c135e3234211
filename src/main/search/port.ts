import type { CostModel } from './costs.ts'

/** The choice that leaves a layer in float; every other choice is the name of a configuration. */
export const FLOAT = 'float'

/** What is chosen for each layer that the search decides on: layer id → `float` or the name of a configuration. */
export type Assignment = ReadonlyMap<string, string>

/** A layer the search decides on. */
export interface SearchLayer {
  readonly id: string
  /** numbers in its weights and bias; 0 for arithmetic */
  readonly parameters: number
  /** configurations it can take, the base first, and `float` last where that is allowed */
  readonly choices: readonly string[]
}

/** What the user wants; null: not asked for. */
export interface Targets {
  /** most drop against float (see `Measured.drop`) */
  readonly maxDrop: number | null
  readonly maxBytes: number | null
  /** least reference time / plan time */
  readonly minSpeedup: number | null
  readonly maxFloatLayers: number | null
}

/** One plan, all layers together, as measured on held-back samples. */
export interface Measured {
  /** float top-1 minus the plan's; without labels 1 − agreement with float; without classes the noise-to-signal ratio */
  readonly drop: number
  /** the metric that sensitivity is measured in, for the whole plan */
  readonly damage: number
  /** of the file as stored */
  readonly bytes: number
  /** null where it was not timed */
  readonly speedup: number | null
}

/** What was expected of a plan before it was measured. */
export interface Predicted {
  /** sum of the isolated scores, corrected by what earlier plans showed */
  readonly damage: number
  /** null before the first measured plan */
  readonly drop: number | null
  readonly bytes: number
  readonly speedup: number
}

/** A plan that was tried. */
export interface Trial {
  readonly assignment: Assignment
  readonly floatLayers: number
  readonly predicted: Predicted
  readonly measured: Measured
}

/** All that a strategy sees. */
export interface SearchProblem {
  /** in graph order */
  readonly layers: readonly SearchLayer[]
  /** isolated damage of one choice for one layer, ≥ 0; 0 for float */
  readonly damageOf: (layerId: string, choice: string) => number
  /** what leaving the layer in float gains in the quantized network; the isolated damage of the base where it was not measured */
  readonly gainOf: (layerId: string) => number
  readonly costs: CostModel
  readonly targets: Targets
  /** Measures a plan, all layers together. @throws what the measurement throws; the signal's reason */
  readonly measure: (assignment: Assignment) => Promise<Trial>
  /** whether a plan was measured before, so that measuring it again costs nothing */
  readonly isKnown: (assignment: Assignment) => boolean
  /** most plans to measure */
  readonly maxTrials: number
}

/** A way to search. It yields every plan it measures; who calls it keeps the best of them. */
export interface Strategy {
  readonly name: string
  /** one sentence for the help */
  readonly about: string
  search(problem: SearchProblem): AsyncGenerator<Trial, void>
}
