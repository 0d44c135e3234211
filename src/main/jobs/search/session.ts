import type { SampleRange } from '../../../shared/contract/data.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { EvaluationResult } from '../../quant/accumulator.ts'
import { assignmentKey, floatLayersOf } from '../../search/assignment.ts'
import type { CostModel } from '../../search/costs.ts'
import { FLOAT, type Assignment, type SearchLayer, type Targets, type Trial } from '../../search/port.ts'
import { Predictor } from '../../search/predict.ts'
import { compareTrials, missesOf, type Objective } from '../../search/targets.ts'
import { candidateView } from './candidate-view.ts'
import { isMeasured, measurePlan } from '../measure-plan.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'
import { damageOf, dropOf, timePlan, type PlanSpeed } from './trials.ts'

/** A measured plan with all that is known of it. */
export interface Candidate {
  readonly trial: Trial
  readonly plan: QuantPlan
  readonly result: EvaluationResult
  /** null where it was not timed */
  readonly speed: PlanSpeed | null
}

export interface SessionInput {
  readonly folder: string
  readonly study: Study
  readonly layers: readonly SearchLayer[]
  readonly costs: CostModel
  readonly damageOf: (layerId: string, choice: string) => number
  readonly planOf: (assignment: Assignment) => QuantPlan
  readonly targets: Targets
  readonly objective: Objective
  /** samples that the ranking did not see */
  readonly heldBack: SampleRange
  readonly threads: number
  readonly maxTrials: number
  /** called when a plan is better than all before; what it does is done before the next plan is measured */
  readonly onBetter: (best: Candidate) => Promise<void>
}

/** Plans measured so far: measures each once, keeps the best, tells how far it is. */
export class SearchSession {
  readonly candidates = new Map<string, Candidate>()
  readonly #input: SessionInput
  readonly #services: Services
  readonly #predictor: Predictor
  #best: Candidate | null = null
  /** of the first plan measured, the base */
  #baseDrop: number | null = null
  #newMs = 0
  #newCount = 0

  constructor(input: SessionInput, services: Services) {
    this.#input = input
    this.#services = services
    this.#predictor = new Predictor(input.damageOf, input.costs)
  }

  get best(): Candidate | null {
    return this.#best
  }

  /** Plans measured now, not found in the store. */
  get measuredNow(): number {
    return this.#newCount
  }

  /** Measures a plan jointly, or gives back what this search measured. @throws as `measurePlan`; the signal's reason */
  async measure(assignment: Assignment): Promise<Trial> {
    const key = assignmentKey(assignment)
    const known = this.candidates.get(key)
    if (known) return known.trial
    this.#services.signal.throwIfAborted()
    const { folder, study, heldBack, planOf } = this.#input
    const start = performance.now()
    const predicted = this.#predictor.predict(assignment)
    const plan = planOf(assignment)
    const quiet = { ...this.#services, onLog: () => {} }
    const { evaluation, bytes, isNew } = await measurePlan(folder, study, { plan, range: heldBack }, quiet)
    const { result } = evaluation
    const measured = { drop: dropOf(result).value, damage: damageOf(result), bytes, speedup: null }
    this.#predictor.learn(assignment, measured)
    const trial: Trial = { assignment, floatLayers: floatLayersOf(assignment).length, predicted, measured }
    const candidate = await this.#timedIfItMatters({ trial, plan, result, speed: null })
    this.candidates.set(key, candidate)
    if (isNew) {
      this.#newMs += performance.now() - start
      this.#newCount++
    }
    await this.#keepBetter(candidate)
    this.#tell(candidate)
    this.#show(candidate)
    return candidate.trial
  }

  /** Whether `measure` has the plan at once. */
  isKnown(assignment: Assignment): boolean {
    const { study, heldBack, planOf } = this.#input
    if (this.candidates.has(assignmentKey(assignment))) return true
    return isMeasured(study, { plan: planOf(assignment), range: heldBack }, this.#services)
  }

  /** Times a plan that was measured. @throws as `timePlan` */
  async time(candidate: Candidate): Promise<Candidate> {
    if (candidate.speed !== null) return candidate
    const { folder, study, threads } = this.#input
    const speed = await timePlan(folder, study, candidate.plan, threads, this.#services)
    const measured = { ...candidate.trial.measured, speedup: speed.speedup }
    const timed = { ...candidate, speed, trial: { ...candidate.trial, measured } }
    const key = assignmentKey(candidate.trial.assignment)
    if (this.candidates.has(key)) this.candidates.set(key, timed)
    if (this.#best && assignmentKey(this.#best.trial.assignment) === key) this.#best = timed
    this.#show(timed)
    return timed
  }

  /** A speed that is asked for is measured where everything else is kept. */
  async #timedIfItMatters(candidate: Candidate): Promise<Candidate> {
    const { targets } = this.#input
    if (targets.minSpeedup === null) return candidate
    const others = missesOf(candidate.trial, { ...targets, minSpeedup: null })
    return others.length === 0 ? this.time(candidate) : candidate
  }

  async #keepBetter(candidate: Candidate): Promise<void> {
    const { onBetter } = this.#input
    this.#baseDrop ??= candidate.trial.measured.drop
    const preference = { ...this.#input, baseDrop: this.#baseDrop }
    if (this.#best !== null && compareTrials(candidate.trial, this.#best.trial, preference) >= 0) return
    this.#best = candidate
    await onBetter(candidate)
  }

  #show(candidate: Candidate): void {
    const best =
      this.#best !== null && assignmentKey(this.#best.trial.assignment) === assignmentKey(candidate.trial.assignment)
    this.#services.onPartial?.({ kind: 'candidate', candidate: candidateView(candidate), best })
  }

  #tell({ trial, result }: Candidate): void {
    const { maxTrials } = this.#input
    const { onProgress, onLog } = this.#services
    const done = this.candidates.size
    const { drop, bytes } = trial.measured
    const expected = trial.predicted.drop === null ? '' : ` (expected ${trial.predicted.drop.toFixed(4)})`
    const best = this.#best!.trial
    const note = `best so far ${best.floatLayers} float, ${best.measured.bytes} bytes, drop ${best.measured.drop.toFixed(4)}`
    // the most it can be: a search that has found its plan ends before
    const eta = this.#newCount === 0 ? {} : { etaMs: (this.#newMs / this.#newCount) * Math.max(0, maxTrials - done) }
    onProgress({ stage: 'search', done, total: Math.max(done + 1, maxTrials), unit: 'plans', note, ...eta })
    const left = eta.etaMs === undefined ? '' : `; at most ${seconds(eta.etaMs)} left`
    onLog(
      'info',
      `plan ${done}: ${trial.floatLayers} float, ${bytes} bytes, drop ${drop.toFixed(4)}${expected} on ${result.samples} samples; ${note}${left}`,
    )
  }
}

function seconds(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`
}

/** Layers and what the search may choose for each, from names of configurations. */
export function searchLayers(
  layers: readonly { readonly id: string; readonly role: string; readonly parameters: number }[],
  configurations: readonly string[],
  withFloat: { readonly weighted: boolean; readonly arithmetic: boolean },
): SearchLayer[] {
  return layers.map(({ id, role, parameters }) => ({
    id,
    parameters: role === 'weighted' ? parameters : 0,
    choices: [
      ...(role === 'weighted' ? configurations : configurations.slice(0, 1)),
      ...(withFloat[role === 'weighted' ? 'weighted' : 'arithmetic'] ? [FLOAT] : []),
    ],
  }))
}
