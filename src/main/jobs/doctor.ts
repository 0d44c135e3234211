import fs from 'node:fs'
import os from 'node:os'
import type { DoctorFinding } from '../../shared/contract/api/app.ts'
import { isFault } from '../../shared/contract/fault.ts'
import { hasInt8DotProduct } from '../engines/environment.ts'
import type { Services } from './services.ts'
import type { EngineCheck } from './tasks/check-engine.ts'
import type { TensorFlowState } from './tasks/tensorflow.ts'

/** What a host knows that jobs may not: whether its own shell can run. */
export interface DoctorHost {
  /** a small model of the installation, to try the engine with */
  readonly sampleModel: () => string
  readonly shell: () => DoctorFinding
}

/** Looks at what this machine can run. Never throws: what breaks is a finding. */
export async function examineMachine(services: Services, host: DoctorHost): Promise<DoctorFinding[]> {
  return [
    instructionSets(services.environment.isa),
    memory(),
    await attempt('engine', () => checkEngine(services, host)),
    await attempt('training', () => checkTensorFlow(services)),
    await attempt('store', () => Promise.resolve(checkStore(services))),
    host.shell(),
  ]
}

async function attempt(subject: string, look: () => Promise<DoctorFinding>): Promise<DoctorFinding> {
  try {
    return await look()
  } catch (error) {
    const detail = isFault(error) || error instanceof Error ? error.message : String(error)
    return { subject, state: 'failed', detail }
  }
}

function instructionSets(isa: readonly string[]): DoctorFinding {
  const found = isa.length > 0 ? isa.join(', ') : 'no instruction set of interest found'
  if (hasInt8DotProduct(isa))
    return { subject: 'cpu', state: 'ok', detail: `${found}: 8-bit dot products in hardware.` }
  const detail = `${found}: no 8-bit dot products (VNNI), so int8 gains little speed here, and products of uint8 × int8 can saturate in 16 bits; use 7-bit weights (--weights 7) where accuracy drops.`
  return { subject: 'cpu', state: 'warning', detail }
}

const LITTLE_MEMORY = 4e9

function memory(): DoctorFinding {
  const total = os.totalmem()
  const detail = `${(total / 1e9).toFixed(1)} GB, ${os.availableParallelism()} cores.`
  if (total >= LITTLE_MEMORY) return { subject: 'memory', state: 'ok', detail }
  return { subject: 'memory', state: 'warning', detail: `${detail} Use --workers 1 for models above 100 MB.` }
}

async function checkEngine({ pool, signal }: Services, host: DoctorHost): Promise<DoctorFinding> {
  const { engine, version, loadMs, pictureDecoder } = await pool.run<{ model: string }, EngineCheck>(
    'checkEngine',
    { model: host.sampleModel() },
    { signal },
  )
  return {
    subject: 'engine',
    state: 'ok',
    detail: `${engine} ${version} loads a model in a worker process (${loadMs.toFixed(0)} ms); libvips ${pictureDecoder} decodes pictures.`,
  }
}

/** Whether models can be trained here. A missing library is no failure: everything else works without it. */
async function checkTensorFlow({ pool, signal }: Services): Promise<DoctorFinding> {
  const { installed, sources } = await pool.run<undefined, TensorFlowState>('tfCheck', undefined, { signal })
  if (installed) {
    const { version, folder, loadMs } = installed
    return {
      subject: 'training',
      state: 'ok',
      detail: `libtensorflow ${version} computes in a worker process (${loadMs.toFixed(0)} ms), from ${folder}.`,
    }
  }
  const how =
    sources.length === 0
      ? `there is none to fetch for ${process.platform}-${process.arch}; name a folder that holds it with QUANTBENCH_TENSORFLOW.`
      : `'quantbench doctor --install-tensorflow' fetches it (about 200 MB), from ${sources.join(', else ')}.`
  return {
    subject: 'training',
    state: 'warning',
    detail: `libtensorflow is not installed, so nothing can be trained yet: ${how}`,
  }
}

/** Fetches libtensorflow where it is missing; progress is the download's. @throws Fault engine.notInstalled, engine.unavailable */
export function installTensorFlow({ pool, signal, onProgress, onLog }: Services): Promise<TensorFlowState> {
  return pool.run<undefined, TensorFlowState>('tfInstall', undefined, { signal, onProgress, onLog })
}

const LITTLE_SPACE = 1e9

function checkStore({ store }: Services): DoctorFinding {
  const { bavail, bsize } = fs.statfsSync(store.home)
  const free = bavail * bsize
  const detail = `${store.home}: ${store.runs.list({ limit: 1 }).length === 0 ? 'empty' : 'in use'}, ${(free / 1e9).toFixed(1)} GB free.`
  return { subject: 'store', state: free < LITTLE_SPACE ? 'warning' : 'ok', detail }
}
