import os from 'node:os'
import { Fault } from '../../shared/contract/fault.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import type { Services } from './services.ts'
import type { Study } from './study.ts'
import type { RepairInput, RepairOutput } from './tasks/repair.ts'

/** Raised whenever a repair gives other numbers than before, so that kept ones are not taken for the new. */
const REPAIR_VERSION = 1

/**
 * Makes a plan's repairs on the study's calibration samples, or gives back what was made of an equal plan before.
 * @throws Fault usage.noData where the study has no samples; as the task `repair`
 */
export async function repairOnce(study: Study, plan: QuantPlan, services: Services): Promise<RepairOutput> {
  const { store, pool, signal, onProgress, onLog, now, environment } = services
  const { chosen, statistics } = study
  const range = chosen?.ranges.calibration ?? chosen?.ranges.evaluation
  if (!chosen || !range)
    throw new Fault('usage.noData', 'Repairs need samples to look at: give --data, or --repair none.')
  const data = chosen.calibration ?? chosen.evaluation
  const content: Json = {
    version: REPAIR_VERSION,
    model: study.preparedHash,
    statistics: statistics?.sha256 ?? null,
    plan: plan as unknown as Json,
    data: data.hash,
    range: [range.start, range.end],
    seed: chosen.seed,
    preprocess: chosen.preprocess as Json,
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
  }
  const known = store.blobs.find('repairs', content)
  if (known) {
    onLog('info', 'These repairs were made before with equal content; the kept ones are used.')
    return decode(store.artifacts.read(known.sha256))
  }
  const { repairs = [], ...plain } = plan
  const input: RepairInput = {
    prepared: study.preparedPath,
    layers: study.summary.layers,
    plan: plain,
    hash: study.summary.hash,
    collection: statistics?.bytes ?? null,
    data: chosen.spec,
    split: data.split,
    seed: chosen.seed,
    range,
    preprocess: chosen.preprocess,
    repairs: {
      rounding: repairs.includes('rounding'),
      bias: repairs.includes('bias'),
      calibrators: repairs.includes('calibrators'),
    },
    threads: os.availableParallelism(),
  }
  const made = await pool.run<RepairInput, RepairOutput>('repair', input, {
    signal,
    onProgress,
    onLog,
    exclusive: true,
  })
  store.blobs.keep('repairs', content, store.artifacts.putBytes(encode(made)), now())
  return made
}

function encode({ bundle, ...rest }: RepairOutput): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...rest, bundle: new TextDecoder().decode(bundle) }))
}

function decode(bytes: Uint8Array): RepairOutput {
  const { bundle, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as Omit<RepairOutput, 'bundle'> & {
    bundle: string
  }
  return { ...rest, bundle: new TextEncoder().encode(bundle) }
}
