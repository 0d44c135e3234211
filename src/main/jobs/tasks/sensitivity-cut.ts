import fs from 'node:fs/promises'
import path from 'node:path'
import { decodeModel, modelBytes } from '../../formats/onnx/index.ts'
import type { Engine, Session, SessionOptions } from '../../engines/port.ts'
import { isFault } from '../../../shared/contract/fault.ts'
import type { Model, ValueInfo } from '../../graph/model.ts'
import { cutVariant, exposeTensors, type FrontierTensor } from '../../search/cuts.ts'
import { ValueNumbers, type NumberedModel } from '../../search/values.ts'
import { writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { CARRIED } from '../carried-types.ts'
import { withSession } from '../prepare/open-session.ts'
import { PlanBuilder, type PlanInput } from './plan-builder.ts'

export interface CutInput {
  /** the base model as exported */
  readonly base: string
  /** the base as ONNX Runtime optimises it; written by the worker that is first */
  readonly optimizedBase: string
  readonly variant: PlanInput
  /** where the suffix goes */
  readonly output: string
  readonly threads: number
}

export interface CutOutput {
  readonly frontier: readonly FrontierTensor[]
  readonly sizeBytes: number
  /** time ONNX Runtime took to optimise, in ms */
  readonly sessionMs: number
}

interface CutBase {
  readonly path: string
  readonly numbers: ValueNumbers
  readonly numbered: NumberedModel
  readonly cuttable: ReadonlyMap<string, ValueInfo>
}

/**
 * Cuts from a variant what it shares with its base. Both are taken as ONNX Runtime itself optimises them, so that what runs later is
 * kernel for kernel what the exported file would run.
 * @throws Fault engine.* where the runtime refuses a model; file.*
 */
export function createSensitivityCutTask({ engine }: Pick<TaskDeps, 'engine'>): Task<CutInput, CutOutput> {
  const builder = new PlanBuilder()
  let known: CutBase | null = null
  return async (input, { signal }) => {
    const timed = new TimedEngine(engine)
    if (known?.path !== input.optimizedBase) known = await openBase(timed, input)
    const { model: exported } = await builder.build(input.variant, signal)
    const optimized = `${input.output}.optimized`
    const model = await optimizedModel(timed, exported, optimized, input.threads)
    signal.throwIfAborted()
    const suffix = cutVariant(known.numbered, known.numbers.fork().number(model), known.cuttable)
    const { sizeBytes } = await writeModelFile(suffix.model, input.output, { force: true, signal, scratch: true })
    await fs.rm(optimized, { force: true })
    return { frontier: suffix.frontier, sizeBytes, sessionMs: timed.sessionMs }
  }
}

/** Counts the time in which sessions are created. */
class TimedEngine implements Engine {
  readonly name: string
  readonly version: string
  sessionMs = 0
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.name = engine.name
    this.version = engine.version
    this.#engine = engine
  }

  async createSession(model: string | Uint8Array, options?: SessionOptions): Promise<Session> {
    const start = performance.now()
    const session = await this.#engine.createSession(model, options)
    this.sessionMs += performance.now() - start
    return session
  }
}

/** The model as the runtime optimises it for this machine. */
async function optimizedModel(engine: Engine, model: Model | string, output: string, threads: number): Promise<Model> {
  const options = { threads, optimization: 'all', optimizedModelPath: output } as const
  await withSession(engine, model, () => Promise.resolve(), options)
  return decodeModel(await fs.readFile(output))
}

async function openBase(engine: Engine, { base, optimizedBase, threads }: CutInput): Promise<CutBase> {
  const model = await sharedBase(engine, base, optimizedBase, threads)
  const numbers = new ValueNumbers()
  return {
    path: optimizedBase,
    numbers,
    numbered: numbers.number(model),
    cuttable: await cuttableTensors(engine, model),
  }
}

/** Every worker may come first: each writes its own file, and the last rename stands for all, since they are equal. */
async function sharedBase(engine: Engine, base: string, optimizedBase: string, threads: number): Promise<Model> {
  const present = await fs.readFile(optimizedBase).catch(() => null)
  if (present) return decodeModel(present)
  const own = `${optimizedBase}.${process.pid}`
  const model = await optimizedModel(engine, base, own, threads)
  await fs.rename(own, optimizedBase)
  return model
}

/** Type and shape of what can be fetched, as the runtime itself infers them. */
async function cuttableTensors(engine: Engine, model: Model): Promise<Map<string, ValueInfo>> {
  const { graph } = model
  const found = new Map<string, ValueInfo>()
  for (const input of graph.inputs) if (!graph.initializers.has(input.name)) found.set(input.name, input)
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '')
  const exposed = modelBytes(exposeTensors(model, names))
  try {
    const session = await engine.createSession(exposed, { threads: 1, optimization: 'disabled' })
    for (const { name, dataType, shape } of session.outputs) {
      if (CARRIED.has(dataType)) found.set(name, { name, dataType, shape })
    }
    await session.release()
  } catch (error) {
    // a model with sequences among its tensors: its variants run whole
    if (!isFault(error)) throw error
  }
  return found
}

/** Where the optimised base of a run lies. */
export function optimizedBasePath(folder: string): string {
  return path.join(folder, 'base.optimized.onnx')
}
