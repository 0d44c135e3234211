import { createHash } from 'node:crypto'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import { repairNames, type QuantPlan, type RepairName } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { calibrateOnce } from './calibrate.ts'
import type { ChosenSamples } from './samples.ts'
import type { Services } from './services.ts'
import type { Study } from './study.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import type { EqualizeInput, EqualizeOutput } from './tasks/equalize.ts'
import type { RepairInput, RepairOutput } from './tasks/repair.ts'

/** Raised whenever a repair gives other numbers than before, so that kept ones are not taken for the new. */
const REPAIR_VERSION = 2

/** What a plan with repairs is to be applied to. */
export interface RepairedStudy {
  readonly prepared: string
  /** path of the calibration collection; null where no layer is static */
  readonly collection: string | null
  readonly repairs: RepairOutput
}

/**
 * Makes a plan's repairs on the study's calibration samples, or gives back what was made of an equal plan before.
 * @throws Fault usage.noData where the study has no samples; as the tasks `equalize` and `repair`
 */
export async function repairOnce(study: Study, plan: QuantPlan, services: Services): Promise<RepairedStudy> {
  const { store, pool, signal, onProgress, onLog, now } = services
  const { chosen, statistics } = study
  const range = chosen?.ranges.calibration ?? chosen?.ranges.evaluation
  if (!chosen || !range)
    throw new Fault('usage.noData', 'Repairs need samples to look at: give --data, or --repair none.')
  const own = { prepared: study.preparedPath, collection: statistics?.path ?? null }
  const content = contentOf(study, plan, chosen, services)
  const kept = readKept(content, services)
  if (kept) {
    onLog('info', 'These repairs were made before with equal content; the kept ones are used.')
    const base = kept.equalized ? await equalizeStudy(study, plan, chosen, services) : null
    return { ...(base ?? own), repairs: kept }
  }
  const { repairs: asked = [], ...plain } = plan
  const equalized = asked.includes('equalize') ? await equalizeStudy(study, plan, chosen, services) : null
  const input: RepairInput = {
    ...own,
    equalized,
    layers: study.summary.layers,
    plan: plain,
    hash: study.summary.hash,
    data: chosen.spec,
    split: (chosen.calibration ?? chosen.evaluation).split,
    seed: chosen.seed,
    range,
    preprocess: chosen.preprocess,
    repairs: Object.fromEntries(repairNames.map((name) => [name, asked.includes(name)])) as Record<RepairName, boolean>,
    threads: os.availableParallelism(),
  }
  const options = { signal, onProgress, onLog, exclusive: true, retry: true }
  const made = await pool.run<RepairInput, RepairOutput>('repair', input, options)
  const { bundle, ...report } = made
  const { sha256 } = store.artifacts.putBytes(bundle)
  const bytes = new TextEncoder().encode(JSON.stringify({ ...report, bundle: sha256 }))
  store.blobs.keep('repairs', content, store.artifacts.putBytes(bytes), now())
  return { ...(made.equalized && equalized ? equalized : own), repairs: made }
}

/** Everything the repairs depend on. */
function contentOf(study: Study, plan: QuantPlan, chosen: ChosenSamples, { environment }: Services): Json {
  const range = chosen.ranges.calibration ?? chosen.ranges.evaluation
  return {
    version: REPAIR_VERSION,
    model: study.preparedHash,
    statistics: study.statistics?.sha256 ?? null,
    plan: plan as unknown as Json,
    data: (chosen.calibration ?? chosen.evaluation).hash,
    range: [range.start, range.end],
    seed: chosen.seed,
    preprocess: chosen.preprocess as Json,
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
  }
}

function readKept(content: Json, { store }: Services): RepairOutput | null {
  const known = store.blobs.find('repairs', content)
  if (!known) return null
  const text = new TextDecoder().decode(store.artifacts.read(known.sha256))
  const { bundle, ...report } = JSON.parse(text) as Omit<RepairOutput, 'bundle'> & { bundle: string }
  return store.artifacts.has(bundle) ? { ...report, bundle: store.artifacts.read(bundle) } : null
}

/** The prepared model with channels evened out beside the study's own, calibrated anew; null where no layers qualify. */
async function equalizeStudy(
  study: Study,
  plan: QuantPlan,
  chosen: ChosenSamples,
  services: Services,
): Promise<Omit<RepairedStudy, 'repairs'> | null> {
  const { pool, signal, store } = services
  const { preparedPath: prepared, summary, statistics } = study
  const { repairs: _, ...plain } = plan
  // plans are tried side by side: each has a file of its own
  const own = createHash('sha256').update(JSON.stringify(plain)).digest('hex').slice(0, 16)
  const output = join(dirname(prepared), `equalized-${own}.onnx`)
  const input = {
    prepared,
    layers: summary.layers,
    plan: plain,
    hash: summary.hash,
    collection: statistics?.path ?? null,
    output,
  }
  const { pairs } = await pool.run<EqualizeInput, EqualizeOutput>('equalize', input, { signal, retry: true })
  if (pairs.length === 0) return null
  if (!statistics) return { prepared: output, collection: null }
  const { hash } = await pool.run<{ path: string }, ModelDescription>(
    'describeModel',
    { path: output },
    { signal, retry: true },
  )
  const data = chosen.calibration ?? chosen.evaluation
  const { sha256 } = await calibrateOnce(
    {
      model: output,
      data: chosen.spec,
      split: data.split,
      range: chosen.ranges.calibration!,
      seed: chosen.seed,
      preprocess: chosen.preprocess,
    },
    { model: hash, data: data.hash },
    services,
  )
  return { prepared: output, collection: store.artifacts.pathOf(sha256) }
}
