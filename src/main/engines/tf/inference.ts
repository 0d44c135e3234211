import type { io, GraphModel, LayersModel, Tensor } from '@tensorflow/tfjs'
import { Fault } from '../../../shared/contract/fault.ts'
import type { DataType, ValueSpec } from '../../../shared/contract/tensor.ts'
import type { EngineTensor, Feeds, Session } from '../port.ts'
import type { TensorEngine, Tfjs } from '../tensor-api.ts'
import { toTensorFault } from './errors.ts'

/** A TensorFlow.js model as its files hold it, with what its ends are called. */
export interface TfjsModelFile {
  readonly path: string
  /** content of model.json, parsed */
  readonly json: io.ModelJSON
  /** all shards, one behind the other */
  readonly weights: Uint8Array
  /** in the model's order; of a graph-model, names of its nodes */
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
}

const DTYPES: Partial<Record<DataType, 'float32' | 'int32' | 'bool'>> = {
  float: 'float32',
  int32: 'int32',
  bool: 'bool',
}

/**
 * Opens a model in TensorFlow.js itself, on native TensorFlow: its own loader takes the weights apart, its own kernels compute.
 * @throws Fault engine.invalidModel where TensorFlow.js does not load it
 */
export async function openTfjsSession(engine: TensorEngine, file: TfjsModelFile): Promise<Session> {
  const { tf, version } = engine
  const handler = tf.io.fromMemory(artifactsOf(file))
  try {
    if (file.json.format === 'graph-model') return graphSession(engine, await tf.loadGraphModel(handler), file)
    return layersSession(engine, await tf.loadLayersModel(handler), file)
  } catch (error) {
    throw faultOf(error, version, (why) => [
      'engine.invalidModel',
      `TensorFlow.js does not load ${file.path}: ${why} ONNX Runtime can still measure it (--engine onnxruntime).`,
    ])
  }
}

function artifactsOf({ json, weights }: TfjsModelFile): io.ModelArtifacts {
  const { modelTopology, format, signature, weightsManifest } = json
  return {
    modelTopology,
    format,
    ...(signature && { signature }),
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    // a copy that starts where its buffer does: small Buffers share one
    weightData: new Uint8Array(weights).buffer,
  }
}

function graphSession(engine: TensorEngine, model: GraphModel, file: TfjsModelFile): Session {
  const compute = (inputs: readonly Tensor[], outputs: readonly string[]): Tensor[] => {
    const named = Object.fromEntries(file.inputs.map(({ name }, i) => [name, inputs[i]!]))
    const found = model.execute(named, [...outputs])
    return Array.isArray(found) ? found : [found]
  }
  return new TfjsSession(engine, file, compute, () => void model.dispose())
}

function layersSession(engine: TensorEngine, model: LayersModel, file: TfjsModelFile): Session {
  const all = file.outputs.map(({ name }) => name)
  const compute = (inputs: readonly Tensor[], outputs: readonly string[]): Tensor[] => {
    const found = model.predict([...inputs], { batchSize: inputs[0]!.shape[0] })
    const list = Array.isArray(found) ? found : [found]
    return outputs.map((name) => list[all.indexOf(name)]!)
  }
  return new TfjsSession(engine, file, compute, () => void model.dispose())
}

type Compute = (inputs: readonly Tensor[], outputs: readonly string[]) => Tensor[]

class TfjsSession implements Session {
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  readonly #tf: Tfjs
  readonly #version: string
  readonly #path: string
  readonly #compute: Compute
  readonly #dispose: () => void

  constructor({ tf, version }: TensorEngine, file: TfjsModelFile, compute: Compute, dispose: () => void) {
    this.inputs = file.inputs
    this.outputs = file.outputs
    this.#tf = tf
    this.#version = version
    this.#path = file.path
    this.#compute = compute
    this.#dispose = dispose
  }

  run(feeds: Feeds, fetches: readonly string[] = this.outputs.map(({ name }) => name)): Promise<Feeds> {
    return new Promise((resolve) => resolve(this.#run(feeds, fetches)))
  }

  #run(feeds: Feeds, fetches: readonly string[]): Feeds {
    try {
      const results: Record<string, EngineTensor> = {}
      this.#tf.tidy(() => {
        const inputs = this.inputs.map(({ name }) => this.#tensorOf(name, feeds[name]))
        this.#compute(inputs, fetches).forEach((tensor, i) => {
          results[fetches[i]!] = resultOf(tensor)
        })
      })
      return results
    } catch (error) {
      throw faultOf(error, this.#version, (why) => [
        'engine.runFailed',
        `TensorFlow.js stopped in ${this.#path}: ${why}`,
      ])
    }
  }

  #tensorOf(name: string, feed: EngineTensor | undefined): Tensor {
    if (!feed)
      throw new Fault('engine.inputMissing', `Input '${name}' of ${this.#path} was not given.`, { tensor: name })
    const dtype = DTYPES[feed.dataType]
    if (!dtype) {
      const sentence = `Input '${name}' of ${this.#path} is ${feed.dataType}, which TensorFlow.js does not compute with.`
      throw new Fault('engine.unsupportedType', sentence, { tensor: name, dataType: feed.dataType })
    }
    return this.#tf.tensor(feed.data as Float32Array, [...feed.dims], dtype)
  }

  release(): Promise<void> {
    return new Promise((resolve) => resolve(this.#dispose()))
  }

  endProfiling(): Promise<string> {
    return Promise.reject(new Error('TensorFlow.js sessions have no profile'))
  }
}

/** @throws Error for types that no output of a network has */
function resultOf(tensor: Tensor): EngineTensor {
  const data = tensor.dataSync()
  if (data instanceof Float32Array) return { dataType: 'float', dims: tensor.shape, data }
  if (data instanceof Int32Array) return { dataType: 'int32', dims: tensor.shape, data }
  if (data instanceof Uint8Array) return { dataType: 'bool', dims: tensor.shape, data }
  throw new Error(`an output of type ${tensor.dtype}`)
}

/** A fault for whatever TensorFlow.js throws; its first line says why. */
function faultOf(
  error: unknown,
  version: string,
  say: (why: string) => ['engine.invalidModel' | 'engine.runFailed', string],
): unknown {
  const known = toTensorFault(error, version)
  if (known instanceof Fault || !(error instanceof Error)) return known
  const line = error.message.split('\n')[0]!.slice(0, 300)
  const [code, message] = say(/[.!?]$/.test(line) ? line : `${line}.`)
  return new Fault(code, message, {}, { cause: error })
}
