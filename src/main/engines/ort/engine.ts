import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type * as Ort from 'onnxruntime-node'
import type { InferenceSession } from 'onnxruntime-node'
import type { ValueSpec } from '../../../shared/contract/tensor.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { Engine, EngineTensor, Feeds, Session, SessionOptions } from '../port.ts'
import { giveUp } from '../memory.ts'
import { toEngineFault, type ErrorContext } from './errors.ts'
import { fromOrtTensor, isCarried, toOrtTensor, toValueSpec, type OrtMetadata, type OrtTensor } from './tensors.ts'

const requireFrom = createRequire(import.meta.url)
let loading: Promise<typeof Ort> | null = null

/**
 * The measuring engine on onnxruntime-node. The native library is loaded with the first session, so that a process which
 * only asks for the version stays small. Creating and running a session block the event loop of the process.
 */
export function createOrtEngine(): Engine {
  return { name: 'onnxruntime', version: ortVersion(), createSession }
}

/** Version of the installed onnxruntime-node, read from its package.json without loading the library. */
export function ortVersion(): string {
  const { version } = requireFrom('onnxruntime-node/package.json') as { version: string }
  return version
}

/** @throws Fault engine.unavailable where the package has no library for this platform */
function loadOrt(): Promise<typeof Ort> {
  // since 1.30 the library reports sessions to its maker over the network unless told not to before it is loaded (posix/telemetry.cc);
  // whoever measures private models has not agreed to that
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1'
  loading ??= import('onnxruntime-node').then(
    (namespace) => {
      // CommonJS seen from ESM: the exports are the default export
      const ort = (namespace as { default?: typeof Ort }).default ?? namespace
      ort.env.logLevel = 'fatal' // everything worth telling comes back as an error; stderr is the CLI's own
      return ort
    },
    (cause: unknown) => {
      loading = null
      throw new Fault(
        'engine.unavailable',
        `ONNX Runtime's library for ${process.platform}-${process.arch} cannot be loaded. Reinstall with 'npm ci' on this platform.`,
        { platform: process.platform, arch: process.arch },
        { cause },
      )
    },
  )
  return loading
}

async function createSession(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const ort = await loadOrt()
  const context = { model: typeof model === 'string' ? model : null }
  const native = nativeOptions(options)
  try {
    const session =
      typeof model === 'string'
        ? await ort.InferenceSession.create(model, native)
        : await ort.InferenceSession.create(model, native)
    return await opened(session, ort, context.model, options.profilePrefix ?? null)
  } catch (error) {
    throw toEngineFault(error, { ...context, stage: 'load' })
  }
}

/** A session whose inputs or outputs cannot be described is released at once. */
async function opened(
  session: InferenceSession,
  ort: typeof Ort,
  model: string | null,
  profilePrefix: string | null,
): Promise<OrtSession> {
  try {
    return new OrtSession(session, ort, model, profilePrefix)
  } catch (error) {
    await session.release()
    throw error
  }
}

function nativeOptions(options: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    logSeverityLevel: 4,
    graphOptimizationLevel: options.optimization ?? 'all',
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads, interOpNumThreads: 1 }),
    ...(options.optimizedModelPath === undefined ? {} : { optimizedModelFilePath: options.optimizedModelPath }),
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    // the binding joins nested keys with dots, so a flat record is passed as it is
    ...(options.config === undefined ? {} : { extra: { ...options.config } }),
  }
}

class OrtSession implements Session {
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  readonly #session: InferenceSession
  readonly #ort: typeof Ort
  readonly #context: ErrorContext
  readonly #profilePrefix: string | null
  #released = false

  constructor(session: InferenceSession, ort: typeof Ort, model: string | null, profilePrefix: string | null) {
    this.#session = session
    this.#ort = ort
    this.#context = { stage: 'run', model }
    this.#profilePrefix = profilePrefix
    this.inputs = (session.inputMetadata as readonly OrtMetadata[]).map(toValueSpec)
    this.outputs = (session.outputMetadata as readonly OrtMetadata[]).map(toValueSpec)
  }

  async run(feeds: Feeds, fetches?: readonly string[], into?: Feeds): Promise<Feeds> {
    if (this.#released) throw new Error('the session was released')
    const inputs = this.#inputsOf(feeds)
    const wanted = this.#wanted(fetches)
    try {
      const asked = into === undefined ? wanted : this.#placesOf(wanted, into)
      const result = await this.#session.run(inputs as never, asked as never)
      const outputs: Record<string, EngineTensor> = {}
      for (const name of wanted) {
        const output = fromOrtTensor(result[name] as never)
        if (into?.[name]) giveUp(output) // the binding of 1.30 writes into what it was given, and gives a copy
        outputs[name] = into?.[name] ?? output
      }
      return outputs
    } catch (error) {
      throw toEngineFault(error, this.#context)
    }
  }

  /** Idempotent: a released session stays released. */
  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    await this.#session.release()
  }

  async endProfiling(): Promise<string> {
    if (this.#profilePrefix === null) throw new Error('the session was opened without profilePrefix')
    this.#session.endProfiling()
    return findProfile(this.#profilePrefix)
  }

  #inputsOf(feeds: Feeds): Record<string, OrtTensor> {
    const inputs: Record<string, OrtTensor> = {}
    for (const { name } of this.inputs) {
      const tensor = feeds[name]
      if (tensor === undefined)
        throw new Fault('engine.inputMissing', `The model's input '${name}' was not given.`, { tensor: name })
      inputs[name] = toOrtTensor(name, tensor)
    }
    return inputs
  }

  /** Where outputs go: null for memory of the runtime's own. */
  #placesOf(wanted: readonly string[], into: Feeds): Record<string, Ort.Tensor | null> {
    const places: Record<string, Ort.Tensor | null> = {}
    for (const name of wanted) {
      const former = into[name]
      const { type, data, dims } = former ? toOrtTensor(name, former) : { type: null, data: null, dims: [] }
      places[name] = type === null ? null : new this.#ort.Tensor(type as 'float32', data as Float32Array, dims)
    }
    return places
  }

  /** Asking the binding for a type it cannot carry aborts the process, so that is refused here. */
  #wanted(fetches: readonly string[] | undefined): readonly string[] {
    const wanted = fetches ?? this.outputs.map((output) => output.name)
    for (const name of wanted) {
      const spec = this.outputs.find((output) => output.name === name)
      if (!spec) throw new Fault('engine.outputMissing', `The model has no output '${name}'.`, { tensor: name })
      if (!isCarried(spec.dataType)) {
        throw new Fault(
          'engine.unsupportedType',
          `Output '${name}' is ${spec.dataType}, which ONNX Runtime's Node binding cannot return.`,
          {
            tensor: name,
            dataType: spec.dataType,
          },
        )
      }
    }
    return wanted
  }
}

/** The newest `<prefix>_<time>.json`: ONNX Runtime appends the time and its JavaScript API does not tell the name. */
async function findProfile(prefix: string): Promise<string> {
  const folder = dirname(prefix)
  const start = `${basename(prefix)}_`
  const names = (await readdir(folder)).filter((name) => name.startsWith(start) && name.endsWith('.json')).sort()
  const newest = names.at(-1)
  if (newest === undefined)
    throw new Fault('engine.profileMissing', `ONNX Runtime wrote no profile at ${prefix}.`, { prefix })
  return join(folder, newest)
}
