import type { CostModel } from '../../src/main/search/costs.ts'
import { assignmentKey, floatLayersOf } from '../../src/main/search/assignment.ts'
import { FLOAT, type Assignment, type SearchProblem, type Targets, type Trial } from '../../src/main/search/port.ts'
import { Predictor } from '../../src/main/search/predict.ts'

export const noTargets: Targets = { maxDrop: null, maxBytes: null, minSpeedup: null, maxFloatLayers: null }

/** One layer of a made-up network: damage, bytes and time of each configuration; float costs 4000 bytes and 4 ms, harms nothing. */
export type LayerTable = Readonly<
  Record<string, { readonly damage: number; readonly bytes: number; readonly ms: number }>
>

const FLOAT_BYTES = 4000
const FLOAT_MS = 4

/** A network whose costs and damages add up, and which says what was measured. */
export class MadeUpNetwork {
  readonly problem: SearchProblem
  readonly measured: Trial[] = []
  readonly #table: Readonly<Record<string, LayerTable>>
  readonly #known = new Set<string>()

  /** @param dropOf the drop that a total damage comes to, itself unless told */
  constructor(
    table: Readonly<Record<string, LayerTable>>,
    targets: Partial<Targets> = {},
    options: { dropOf?: (damage: number) => number; maxTrials?: number; known?: readonly Assignment[] } = {},
  ) {
    this.#table = table
    for (const assignment of options.known ?? []) this.#known.add(assignmentKey(assignment))
    const damageOf = (id: string, choice: string): number => (choice === FLOAT ? 0 : table[id]![choice]!.damage)
    const costs = this.#costs()
    const predictor = new Predictor(damageOf, costs)
    this.problem = {
      layers: Object.entries(table).map(([id, own]) => ({
        id,
        parameters: 1000,
        choices: [...Object.keys(own), FLOAT],
      })),
      damageOf,
      gainOf: (id) => damageOf(id, Object.keys(table[id]!)[0]!),
      costs,
      targets: { ...noTargets, ...targets },
      maxTrials: options.maxTrials ?? 100,
      isKnown: (assignment) => this.#known.has(assignmentKey(assignment)),
      measure: async (assignment) => {
        const predicted = predictor.predict(assignment)
        const damage = this.damage(assignment)
        const measured = { damage, drop: (options.dropOf ?? Number)(damage), bytes: costs.bytesOf(assignment) }
        predictor.learn(assignment, measured)
        const floatLayers = floatLayersOf(assignment).length
        const trial = { assignment, floatLayers, predicted, measured: { ...measured, speedup: predicted.speedup } }
        if (!this.#known.has(assignmentKey(assignment))) this.measured.push(trial)
        this.#known.add(assignmentKey(assignment))
        return trial
      },
    }
  }

  damage(assignment: Assignment): number {
    return [...assignment].reduce(
      (sum, [id, choice]) => sum + (choice === FLOAT ? 0 : this.#table[id]![choice]!.damage),
      0,
    )
  }

  /** Every assignment there is. */
  *all(): Generator<Assignment> {
    const ids = Object.keys(this.#table)
    for (const entries of combinations(ids, this.#table)) yield new Map(entries)
  }

  #costs(): CostModel {
    const entry = (id: string, choice: string): { bytes: number; ms: number } =>
      choice === FLOAT ? { bytes: FLOAT_BYTES, ms: FLOAT_MS } : this.#table[id]![choice]!
    const total = (assignment: Assignment, field: 'bytes' | 'ms'): number =>
      [...assignment].reduce((sum, [id, choice]) => sum + entry(id, choice)[field], 0)
    const count = Object.keys(this.#table).length
    return {
      bytesOf: (assignment) => total(assignment, 'bytes'),
      msOf: (assignment) => total(assignment, 'ms'),
      layerBytes: (id, choice) => entry(id, choice).bytes - FLOAT_BYTES,
      layerMs: (id, choice) => entry(id, choice).ms,
      floatBytes: count * FLOAT_BYTES,
      floatMs: count * FLOAT_MS,
      border: { msPerElement: 0, fixedMs: 0 },
    }
  }
}

function* combinations(
  ids: readonly string[],
  table: Readonly<Record<string, LayerTable>>,
): Generator<[string, string][], void> {
  const [id, ...others] = ids
  if (id === undefined) {
    yield []
    return
  }
  for (const tail of combinations(others, table))
    for (const choice of [...Object.keys(table[id]!), FLOAT]) yield [[id, choice], ...tail]
}

/** Runs a strategy to its end. */
export async function collect(trials: AsyncIterable<Trial>): Promise<Trial[]> {
  const all: Trial[] = []
  for await (const trial of trials) all.push(trial)
  return all
}
