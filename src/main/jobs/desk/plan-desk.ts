import type {
  PlanDifference,
  PlanEstimate,
  ResolvedLayerView,
  ResolvedPlanView,
  SweepPlanView,
} from '../../../shared/contract/api/plans.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Environment } from '../../../shared/contract/runs.ts'
import { parsePlan } from '../../quant/plan.ts'
import { examinePlan, type PlanProblem } from '../../quant/resolve-plan.ts'
import type { ResolvedLayer } from '../../quant/setup.ts'
import type { Store } from '../../store/store.ts'
import { pointsAsked, type SweepRunRequest } from '../sweep-run.ts'
import { estimatePlan } from './estimate-plan.ts'
import { readEvidence, type Evidence } from './evidence.ts'
import type { DeskModel, ModelDesk } from './model-desk.ts'

export interface PlanDeskDeps {
  readonly store: Store
  readonly models: ModelDesk
  readonly environment: Environment
}

interface Examined {
  readonly desk: DeskModel
  readonly layers: readonly ResolvedLayer[]
  readonly problems: readonly PlanProblem[]
}

/** Plans as a window edits them: checked, compared and estimated without running anything. */
export class PlanDesk {
  readonly #deps: PlanDeskDeps
  /** what is known of a model from earlier measurements; read anew after every job */
  readonly #evidence = new Map<string, Evidence>()

  constructor(deps: PlanDeskDeps) {
    this.#deps = deps
  }

  /** @throws Fault as `ModelDesk.get` */
  async resolve(hash: string, plan: QuantPlan): Promise<ResolvedPlanView> {
    if (plan.model !== undefined && plan.model !== hash) return { layers: [], problems: [otherModel(plan, hash)] }
    const { layers, problems } = await this.#examine(hash, plan)
    return { layers: layers.map((layer) => layerView(layer, plan)), problems }
  }

  /** What differs between two plans of a model, layer by layer as they come out. */
  async diff(hash: string, a: QuantPlan, b: QuantPlan): Promise<PlanDifference[]> {
    const [first, second] = [await this.#examine(hash, a), await this.#examine(hash, b)]
    const layers = first.layers.flatMap((layer, i) =>
      differences(layer.layer.id, settingsOf(layer), settingsOf(second.layers[i]!)),
    )
    return [...layers, ...tensorDifferences(a, b), ...differences('repairs', repairsOf(a), repairsOf(b))]
  }

  /** @throws Fault as `ModelDesk.get`; plan.otherModel */
  async estimate(hash: string, plan: QuantPlan, threads: number): Promise<PlanEstimate> {
    if (plan.model !== undefined && plan.model !== hash) {
      const { code, message } = otherModel(plan, hash)
      throw new Fault(code, message)
    }
    const { model, desk } = await this.#deps.models.sketch(hash)
    const { resolved } = examinePlan(plan, desk.summary.layers, model)
    const evidence = this.#evidenceOf(
      desk,
      threads,
      (one) => examinePlan(one, desk.summary.layers, model).resolved.layers,
    )
    return estimatePlan({
      plan,
      layers: resolved.layers,
      summary: desk.summary,
      sampleShapes: desk.sampleShapes,
      evidence,
    })
  }

  /** The plan that a run made, used or ended with. @throws Fault data.noPlan, data.runNotFound */
  fromRun(run: string): QuantPlan {
    const { store } = this.#deps
    const { artifacts, parameters } = store.runs.get(run)
    const kept = artifacts.find(({ role }) => role === 'plan')
    if (kept) return parsePlan(JSON.parse(new TextDecoder().decode(store.artifacts.read(kept.sha256))))
    const own =
      parameters !== null && typeof parameters === 'object' && 'plan' in parameters ? parameters['plan'] : null
    if (own) return parsePlan(own)
    throw new Fault('data.noPlan', `Run ${run} has no plan: open one that quantized, searched or measured a plan.`, {
      run,
    })
  }

  /** The plans of all points that a sweep was asked for, in its order. @throws Fault data.noPlan, data.runNotFound */
  ofSweep(run: string): SweepPlanView[] {
    const { kind, parameters, modelHash } = this.#deps.store.runs.get(run)
    const asked = kind === 'sweep' ? parameters : null
    if (asked === null || typeof asked !== 'object' || !('template' in asked))
      throw new Fault('data.noPlan', `Run ${run} is no sweep over bits.`, { run })
    const template = parsePlan(asked['template'])
    const { bits, curves } = asked as unknown as Pick<SweepRunRequest, 'bits' | 'curves'>
    return pointsAsked({ bits, curves, template: modelHash === null ? template : { ...template, model: modelHash } })
  }

  /** Forgets what was read of earlier measurements: something new was measured. */
  refresh(): void {
    this.#evidence.clear()
  }

  async #examine(hash: string, plan: QuantPlan): Promise<Examined> {
    const { model, desk } = await this.#deps.models.sketch(hash)
    const { resolved, problems } = examinePlan(plan, desk.summary.layers, model)
    return { desk, layers: resolved.layers, problems }
  }

  #evidenceOf(
    { summary }: DeskModel,
    threads: number,
    resolve: (plan: QuantPlan) => readonly ResolvedLayer[],
  ): Evidence {
    const key = `${summary.hash} ${threads}`
    const known = this.#evidence.get(key)
    if (known) return known
    const { store, environment } = this.#deps
    const read = readEvidence({ store, environment, summary, threads, resolve })
    this.#evidence.set(key, read)
    return read
  }
}

function otherModel(plan: QuantPlan, hash: string): PlanProblem {
  const message = `The plan was made for another model (${plan.model?.slice(0, 19)}…), this one is ${hash.slice(0, 19)}….`
  return { code: 'plan.otherModel', message, layer: null, tensor: null }
}

function layerView({ layer, decision }: ResolvedLayer, plan: QuantPlan): ResolvedLayerView {
  const named = Object.hasOwn(plan.layers, layer.id)
  if (decision.kind === 'float')
    return { id: layer.id, kind: 'float', mode: null, weights: null, activations: null, biasBits: null, named }
  const { mode, weights, activations, biasBits } = decision
  return { id: layer.id, kind: 'quantized', mode, weights, activations, biasBits: weights ? biasBits : null, named }
}

type Settings = ReadonlyMap<string, string>

/** A layer's decision as names and texts. */
function settingsOf({ decision }: ResolvedLayer): Settings {
  if (decision.kind === 'float') return new Map([['precision', 'float']])
  const { mode, weights, activations, biasBits } = decision
  return new Map([
    ['precision', weights ? `${weights.bits} bits (${weights.storage})` : `${activations.bits} bits`],
    ['mode', mode],
    ...(weights
      ? ([
          [
            'weights.granularity',
            weights.granularity + (weights.blockSize === undefined ? '' : ` ${weights.blockSize}`),
          ],
          ['weights.symmetric', String(weights.symmetric)],
          ['weights.reducedRange', String(weights.reducedRange ?? false)],
          ['bias.bits', String(biasBits)],
        ] as const)
      : []),
    ['activations.bits', String(activations.bits)],
    ['activations.symmetric', String(activations.symmetric)],
    ['activations.calibrator', calibratorText(activations.calibrator)],
  ])
}

function calibratorText(calibrator: {
  readonly method: string
  readonly percentile?: number
  readonly momentum?: number
}): string {
  const value = calibrator.percentile ?? calibrator.momentum
  return value === undefined ? calibrator.method : `${calibrator.method} ${value}`
}

function differences(subject: string, a: Settings, b: Settings): PlanDifference[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((setting) => ({ subject, setting, a: a.get(setting) ?? null, b: b.get(setting) ?? null }))
    .filter((one) => one.a !== one.b)
}

function tensorDifferences(a: QuantPlan, b: QuantPlan): PlanDifference[] {
  const names = new Set([...Object.keys(a.tensors ?? {}), ...Object.keys(b.tensors ?? {})])
  return [...names].flatMap((name) => differences(`tensor:${name}`, tensorSettings(a, name), tensorSettings(b, name)))
}

function tensorSettings({ tensors }: QuantPlan, name: string): Settings {
  const { calibrator, range } = tensors?.[name] ?? {}
  return new Map([
    ...(calibrator ? ([['calibrator', calibratorText(calibrator)]] as const) : []),
    ...(range ? ([['range', `${range[0]} … ${range[1]}`]] as const) : []),
  ])
}

function repairsOf({ repairs }: QuantPlan): Settings {
  return new Map((repairs ?? []).map((name) => [name, 'yes']))
}
