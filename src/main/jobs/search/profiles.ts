import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import type { ExecutionReport } from '../../quant/execution.ts'
import { FLOAT, type Assignment, type SearchLayer } from '../../search/port.ts'
import { baseAssignment } from '../../search/assignment.ts'
import { createCosts, type CostModel, type ModelProfile } from '../../search/costs.ts'
import type { Services } from '../services.ts'
import { applyPlan, type Study } from '../study.ts'
import type { VerifyInput } from '../tasks/verify.ts'
import { tableOf } from '../verify.ts'
import { timePlan } from './trials.ts'
import { machineContent } from './machine.ts'
import { removeFolder } from '../work-folder.ts'

/** A whole model's layer times and size as measured; kept by content. */
export interface LatencyProfile {
  readonly layers: readonly (readonly [id: string, ms: number])[]
  readonly otherMs: number
  readonly bytes: number
  /** ids of the layers that the file holds quantized; empty for float */
  readonly quantized: readonly string[]
}

/** Recorded runs of a profile; the median of each layer counts. */
const RUNS = 30

/**
 * Profiles what a plan makes of a study (null: the prepared float model itself), with nothing else running, or gives back what an equal
 * profile of this machine showed before.
 * @throws Fault as `applyPlan` and the `verify` task
 */
export async function profilePlan(
  folder: string,
  study: Study,
  plan: QuantPlan | null,
  threads: number,
  services: Services,
): Promise<LatencyProfile> {
  const { store, environment, now } = services
  const content = {
    kind: 'latency',
    model: study.summary.hash,
    prepared: study.preparedHash,
    statistics: plan === null ? null : (study.statistics?.sha256 ?? null),
    plan,
    runs: RUNS,
    ...machineContent(environment, threads),
  }
  const kept = store.measurements.find(content)
  if (kept !== null) return kept as unknown as LatencyProfile
  const own = await mkdtemp(join(folder, 'profile-'))
  try {
    const profile = await profileIn(own, study, plan, threads, services)
    store.measurements.keep(content, profile as unknown as Json, now())
    return profile
  } finally {
    await removeFolder(own)
  }
}

async function profileIn(
  folder: string,
  study: Study,
  plan: QuantPlan | null,
  threads: number,
  services: Services,
): Promise<LatencyProfile> {
  const { pool, signal } = services
  const path = plan === null ? study.preparedPath : join(folder, 'model.onnx')
  const made = plan === null ? null : await applyPlan(study, plan, path, services)
  const input: VerifyInput = {
    model: path,
    layers: study.summary.layers,
    report: made && tableOf(made.report),
    inputs: { batch: 1, shapes: study.sampleShapes },
    threads,
    optimization: 'all',
    runs: RUNS,
  }
  const report = await pool.run<VerifyInput, ExecutionReport>('verify', input, { signal, retry: true, exclusive: true })
  const described = await pool.run<{ path: string }, { sizeBytes: number }>(
    'describeModel',
    { path },
    { signal, retry: true },
  )
  return {
    layers: report.layers.map(({ id, ms }) => [id, ms ?? 0] as const),
    otherMs: report.other.reduce((sum, { ms }) => sum + (ms ?? 0), 0),
    bytes: described.sizeBytes,
    quantized: made?.report.layers.filter(({ mode }) => mode !== null).map(({ id }) => id) ?? [],
  }
}

/** What the costs of a study's plans are put together from. */
export interface CostRequest {
  readonly searched: readonly SearchLayer[]
  /** names, the base first */
  readonly configurations: readonly string[]
  readonly storedBits: ReadonlyMap<string, number>
  readonly staticChoices: ReadonlySet<string>
  readonly planOf: (assignment: Assignment) => QuantPlan
  readonly threads: number
}

/** Profiles float, each configuration, and float layers between integer ones, times the base, and makes the costs of them. @throws Fault as `profilePlan` */
export async function measureCosts(
  folder: string,
  study: Study,
  request: CostRequest,
  services: Services,
): Promise<CostModel> {
  const { searched, configurations, planOf, threads } = request
  const stage = { stage: 'profile', total: configurations.length + 2, unit: 'models' }
  let done = 0
  const profile = async (assignment: Assignment, plan: QuantPlan | null): Promise<ModelProfile> => {
    const { layers, otherMs, bytes } = await profilePlan(folder, study, plan, threads, services)
    services.onProgress({ ...stage, done: ++done })
    return { assignment, otherMs, bytes, layerMs: new Map(layers) }
  }
  const float = await profile(new Map(searched.map(({ id }) => [id, FLOAT])), null)
  const uniform = new Map<string, ModelProfile>()
  for (const name of configurations) {
    const assignment = new Map(searched.map(({ id, choices }) => [id, choices.includes(name) ? name : choices[0]!]))
    uniform.set(name, await profile(assignment, planOf(assignment)))
  }
  const base = await timePlan(folder, study, planOf(baseAssignment(searched)), threads, services)
  const alternation = alternating(searched)
  const alternatingProfile = alternation && (await profile(alternation, planOf(alternation)))
  services.onProgress({ ...stage, done: stage.total })
  return createCosts({
    ...request,
    layers: study.summary.layers,
    inputElements: new Map(Object.entries(study.sampleShapes).map(([name, dims]) => [name, product(dims)])),
    outputs: new Set(study.summary.outputs.map(({ name }) => name)),
    float,
    uniform,
    alternating: alternatingProfile,
    baseSpeedup: base.speedup,
  })
}

/** Every second layer with weights in float; null where there are too few. */
function alternating(searched: readonly SearchLayer[]): Assignment | null {
  const weighted = searched.filter(({ parameters, choices }) => parameters > 0 && choices.includes(FLOAT))
  if (weighted.length < 3) return null
  const float = weighted.filter((_, i) => i % 2 === 1).map(({ id }) => [id, FLOAT] as const)
  return new Map([...baseAssignment(searched), ...float])
}

function product(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1)
}

/** Layers whose choices can be searched: those with weights, and the arithmetic that the all-base plan computes in integers. */
export function searchableLayers(layers: readonly LayerInfo[], profile: LatencyProfile): LayerInfo[] {
  const quantized = new Set(profile.quantized)
  return layers.filter(({ id, role }) => quantized.has(id) && (role === 'weighted' || role === 'arithmetic'))
}
