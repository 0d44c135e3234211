import { rmSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { decodeModel, type ExternalReader, type OutsidePlace } from '../../formats/onnx/index.ts'
import type { Engine, Session, SessionOptions } from '../../engines/port.ts'
import { isFault } from '../../../shared/contract/fault.ts'
import type { Model, Tensor, ValueInfo } from '../../graph/model.ts'
import { cutVariant, exposeTensors, type FrontierTensor } from '../../search/cuts.ts'
import { ValueNumbers, type NumberedModel } from '../../search/values.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { CARRIED } from '../carried-types.ts'
import { ScratchReader, writeScratchModel } from './scratch-files.ts'
import { SharedConstants } from './shared-constants.ts'
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
  /** of its file: constants that it shares with others are not in it */
  readonly sizeBytes: number
  /** time ONNX Runtime took to optimise, in ms */
  readonly sessionMs: number
}

interface CutBase {
  readonly path: string
  readonly numbers: ValueNumbers
  readonly numbered: NumberedModel
  readonly cuttable: ReadonlyMap<string, ValueInfo>
  readonly constants: SharedConstants<number>
}

/**
 * Cuts from a variant what it shares with its base. Both are taken as ONNX Runtime itself optimises them, so that what runs later is
 * kernel for kernel what the exported file would run.
 * @throws Fault engine.* where the runtime refuses a model; file.*
 */
export function createSensitivityCutTask({ engine }: Pick<TaskDeps, 'engine'>): Task<CutInput, CutOutput> {
  const builder = new PlanBuilder()
  const scratch = new ScratchReader()
  let known: CutBase | null = null
  let weights: SharedWeights | null = null
  return async (input, { signal }) => {
    const timed = new TimedEngine(engine)
    if (known?.path !== input.optimizedBase) known = await openBase(timed, input, signal)
    const { prepared, model: exported } = await builder.build(input.variant, signal)
    if (weights?.of !== prepared || weights.folder !== path.dirname(input.output))
      weights = await sharedWeights(prepared, input, signal)
    const { shared } = weights
    const file = `${input.output}.variant`
    writeScratchModel(exported, file, { outside: ({ data }) => shared.placeOf(data) })
    const optimized = `${input.output}.optimized`
    // what the runtime leaves alone stays where it is
    const external: ExternalReader = (reference) => shared.read(reference)
    const model = await optimizedModel(timed, file, optimized, input.threads, { into: scratch, external })
    for (const done of [file, optimized]) rmSync(done, { force: true })
    signal.throwIfAborted()
    const { numbered, numbers, cuttable, constants } = known
    const variant = numbers.fork().number(model)
    const suffix = cutVariant(numbered, variant, cuttable)
    const outside = outsideBy(constants, variant)
    const { sizeBytes } = writeScratchModel(suffix.model, input.output, { outside })
    return { frontier: suffix.frontier, sizeBytes, sessionMs: timed.sessionMs }
  }
}

/** Counts the time in which sessions are created and released. */
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

  async release(session: Session): Promise<void> {
    const start = performance.now()
    await session.release()
    this.sessionMs += performance.now() - start
  }
}

/** The model as the runtime optimises it for this machine. */
async function optimizedModel(
  engine: TimedEngine,
  file: string,
  output: string,
  threads: number,
  options: { readonly into?: ScratchReader; readonly external?: ExternalReader } = {},
): Promise<Model> {
  const session = await engine.createSession(file, { threads, optimization: 'all', optimizedModelPath: output })
  await engine.release(session)
  const { into = new ScratchReader(), external } = options
  return decodeModel(into.read(output), { external })
}

/** The constants that plans are applied to, for the variants in a folder. */
interface SharedWeights {
  readonly of: Model
  readonly folder: string
  readonly shared: SharedConstants<Uint8Array>
}

async function sharedWeights(of: Model, { variant, output }: CutInput, signal: AbortSignal): Promise<SharedWeights> {
  const folder = path.dirname(output)
  const shared = new SharedConstants(
    of,
    ({ data }) => data,
    path.join(folder, `${path.basename(variant.prepared)}.weights`),
  )
  await shared.write(signal)
  return { of, folder, shared }
}

async function openBase(
  engine: TimedEngine,
  { base, optimizedBase, output, threads }: CutInput,
  signal: AbortSignal,
): Promise<CutBase> {
  const model = await sharedBase(engine, base, optimizedBase, threads)
  const numbers = new ValueNumbers((a, b) => Buffer.compare(a, b) === 0)
  const numbered = numbers.number(model)
  const constants = constantsOf(numbered, optimizedBase)
  await constants.write(signal)
  const write = (exposed: Model, file: string): void => {
    writeScratchModel(exposed, file, { outside: outsideBy(constants, numbered) })
  }
  const cuttable = await cuttableTensors(engine, model, `${output}.exposed`, write)
  return { path: optimizedBase, numbers, numbered, cuttable, constants }
}

/** Constants that have the number of one of the base's lie with these. */
function outsideBy(
  constants: SharedConstants<number>,
  { numbers }: NumberedModel,
): (tensor: Tensor) => OutsidePlace | null {
  return ({ name }) => constants.placeOf(numbers.get(name) ?? -1)
}

/** The constants of an optimised base, by the numbers of their values. */
function constantsOf({ model, numbers }: NumberedModel, optimizedBase: string): SharedConstants<number> {
  return new SharedConstants(model, ({ name }) => numbers.get(name)!, `${optimizedBase}.constants`)
}

export interface ExposeInput {
  readonly optimizedBase: string
  /** beside `optimizedBase` */
  readonly output: string
  readonly tensors: readonly string[]
}

/** Writes the optimised base with the frontier among its outputs; gives the names of the outputs it had before. */
export function createExposeFrontierTask(): Task<ExposeInput, string[]> {
  return async ({ optimizedBase, output, tensors }) => {
    const model = decodeModel(await fs.readFile(optimizedBase))
    const numbered = new ValueNumbers().number(model)
    const outside = outsideBy(constantsOf(numbered, optimizedBase), numbered)
    writeScratchModel(exposeTensors(model, tensors), output, { outside })
    return model.graph.outputs.map(({ name }) => name)
  }
}

/** Every worker may come first: each writes its own file, and the last rename stands for all, since they are equal. */
async function sharedBase(engine: TimedEngine, base: string, optimizedBase: string, threads: number): Promise<Model> {
  const present = await fs.readFile(optimizedBase).catch(() => null)
  if (present) return decodeModel(present)
  const own = `${optimizedBase}.${process.pid}`
  const model = await optimizedModel(engine, base, own, threads)
  await fs.rename(own, optimizedBase)
  return model
}

/** Type and shape of what can be fetched, as the runtime itself infers them. */
async function cuttableTensors(
  engine: TimedEngine,
  model: Model,
  file: string,
  write: (model: Model, file: string) => void,
): Promise<Map<string, ValueInfo>> {
  const { graph } = model
  const found = new Map<string, ValueInfo>()
  for (const input of graph.inputs) if (!graph.initializers.has(input.name)) found.set(input.name, input)
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '')
  write(exposeTensors(model, names), file)
  try {
    const session = await engine.createSession(file, { threads: 1, optimization: 'disabled' })
    for (const { name, dataType, shape } of session.outputs) {
      if (CARRIED.has(dataType)) found.set(name, { name, dataType, shape })
    }
    await engine.release(session)
  } catch (error) {
    // a model with sequences among its tensors: its variants run whole
    if (!isFault(error)) throw error
  } finally {
    await fs.rm(file, { force: true })
  }
  return found
}

/** Where the optimised base of a run lies. */
export function optimizedBasePath(folder: string): string {
  return path.join(folder, 'base.optimized.onnx')
}
