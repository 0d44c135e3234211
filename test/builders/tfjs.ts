import * as tf from '@tensorflow/tfjs'
import type { Model } from '../../src/main/graph/model.ts'
import { encodeModel, joinChunks } from '../../src/main/formats/onnx/index.ts'
import { openTfjs } from '../../src/main/formats/tfjs/index.ts'
import { validateModel } from '../../src/main/graph/validate.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor } from '../../src/main/engines/port.ts'
import { normals, seeded } from './model-builder.ts'

tf.env().set('PROD', true)
await tf.setBackend('cpu')

/** A TensorFlow.js model as files hold it: the text of model.json and its shards. */
export interface TfjsFiles {
  readonly json: Uint8Array
  readonly shards: ReadonlyMap<string, Uint8Array>
}

const encoder = new TextEncoder()

/** A model.json with all weights in one group, cut into shards of `shardBytes`. */
export function filesOf(
  format: 'layers-model' | 'graph-model',
  modelTopology: object,
  weights: readonly object[],
  data: Uint8Array,
  options: { shardBytes?: number; signature?: object } = {},
): TfjsFiles {
  const { shardBytes = data.length || 1, signature } = options
  const shards = new Map<string, Uint8Array>()
  for (let at = 0; at < data.length; at += shardBytes)
    shards.set(`shard${shards.size}.bin`, data.slice(at, at + shardBytes))
  const json = {
    format,
    modelTopology,
    ...(signature && { signature }),
    weightsManifest: [{ paths: [...shards.keys()], weights }],
  }
  return { json: encoder.encode(JSON.stringify(json)), shards }
}

/** What `model.save()` writes, with weights that are not the usual zeros and ones. */
export async function saveLayers(model: tf.LayersModel, seed = 1): Promise<TfjsFiles> {
  const random = seeded(seed)
  model.setWeights(
    model.weights.map((weight) => {
      const shape = weight.shape as number[]
      const values = normals(random, tf.util.sizeFromShape(shape), 0.4)
      // a variance is positive
      return tf.tensor(weight.name.includes('variance') ? values.map((value) => 0.5 + Math.abs(value)) : values, shape)
    }),
  )
  let files: TfjsFiles | null = null
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      const data = new Uint8Array(artifacts.weightData as ArrayBuffer)
      files = filesOf('layers-model', artifacts.modelTopology as object, artifacts.weightSpecs!, data, {
        shardBytes: 1000,
      })
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } })
    }),
  )
  return files!
}

/** One node of a GraphDef as tests write it. */
export interface NodeSpec {
  readonly name: string
  readonly op: string
  readonly input?: readonly string[]
  readonly attr?: Readonly<Record<string, object>>
}

export const attr = {
  ints: (values: readonly number[]): object => ({ list: { i: values.map(String) } }),
  int: (value: number): object => ({ i: String(value) }),
  float: (value: number): object => ({ f: value }),
  text: (value: string): object => ({ s: btoa(value) }),
  texts: (values: readonly string[]): object => ({ list: { s: values.map((value) => btoa(value)) } }),
  flag: (value: boolean): object => ({ b: value }),
  type: (value: string): object => ({ type: value }),
  shape: (dims: readonly number[]): object => ({ shape: { dim: dims.map((size) => ({ size: String(size) })) } }),
}

/** Builds a graph-model: placeholders, constants and nodes. */
export class GraphBuilder {
  readonly nodes: NodeSpec[] = []
  readonly weights: { name: string; shape: readonly number[]; dtype: string }[] = []
  readonly #data: Uint8Array[] = []
  readonly random: () => number

  constructor(seed = 1) {
    this.random = seeded(seed)
  }

  input(name: string, dims: readonly number[], type = 'DT_FLOAT'): string {
    this.nodes.push({ name, op: 'Placeholder', attr: { dtype: attr.type(type), shape: attr.shape(dims) } })
    return name
  }

  /** A float constant of seeded normal values, or of those given. */
  floats(name: string, shape: readonly number[], values?: readonly number[] | Float32Array): string {
    const count = tf.util.sizeFromShape([...shape])
    return this.#constant(name, shape, 'float32', values ? Float32Array.from(values) : normals(this.random, count, 0.5))
  }

  ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant(name, shape, 'int32', Int32Array.from(values))
  }

  #constant(name: string, shape: readonly number[], dtype: string, values: Float32Array | Int32Array): string {
    this.nodes.push({ name, op: 'Const', attr: { dtype: attr.type(dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT') } })
    this.weights.push({ name, shape, dtype })
    this.#data.push(new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength))
    return name
  }

  node(name: string, op: string, input: readonly string[], attributes: Readonly<Record<string, object>> = {}): string {
    this.nodes.push({ name, op, input, attr: attributes })
    return name
  }

  files(options: { shardBytes?: number; signature?: object } = {}): TfjsFiles {
    const length = this.#data.reduce((sum, part) => sum + part.length, 0)
    const data = new Uint8Array(length)
    let at = 0
    for (const part of this.#data) {
      data.set(part, at)
      at += part.length
    }
    return filesOf(
      'graph-model',
      { node: this.nodes, library: {}, versions: { producer: 134 } },
      this.weights,
      data,
      options,
    )
  }
}

/** The artifacts that tfjs loads from memory. */
function artifactsOf({ json, shards }: TfjsFiles): tf.io.ModelArtifacts {
  const parsed = JSON.parse(new TextDecoder().decode(json)) as tf.io.ModelJSON
  const parts = parsed.weightsManifest.flatMap(({ paths }) => paths.map((path) => shards.get(path)!))
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return {
    modelTopology: parsed.modelTopology,
    weightSpecs: parsed.weightsManifest.flatMap(({ weights }) => weights),
    weightData: data.buffer,
    format: parsed.format,
    signature: parsed.signature,
  }
}

export interface Result {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** Named inputs: dims and values. */
export type Inputs = Readonly<Record<string, Result>>

/** Seeded inputs for a model's placeholders, an open axis as `batch`. */
export function inputsFor(model: Model, options: { batch?: number; seed?: number; scale?: number } = {}): Inputs {
  const random = seeded(options.seed ?? 7)
  return Object.fromEntries(
    model.graph.inputs.map(({ name, shape, dataType }) => {
      const dims = shape!.map((dim) => (typeof dim === 'number' ? dim : (options.batch ?? 2)))
      const count = dims.reduce((product, dim) => product * dim, 1)
      const values = normals(random, count, options.scale ?? 1)
      return [
        name,
        { dims, data: dataType === 'int32' ? values.map((value) => Math.abs(Math.trunc(3 * value))) : values },
      ]
    }),
  )
}

/** What TensorFlow.js computes. @param outputs names of a graph-model's nodes, its own order by default */
export async function runTfjs(files: TfjsFiles, inputs: Inputs, outputs?: readonly string[]): Promise<Result[]> {
  const handler = tf.io.fromMemory(artifactsOf(files))
  const isLayers = artifactsOf(files).format === 'layers-model'
  const tensorOf = ({ data, dims }: Result, type: string): tf.Tensor => {
    return tf.tensor(data, [...dims], type === 'int32' ? 'int32' : 'float32')
  }
  if (isLayers) {
    const model = await tf.loadLayersModel(handler)
    const found = model.predict(model.inputs.map((input, i) => tensorOf(Object.values(inputs)[i]!, input.dtype)))
    return resultsOf(Array.isArray(found) ? found : [found])
  }
  const model = await tf.loadGraphModel(handler)
  const feeds = Object.fromEntries(model.inputs.map(({ name, dtype }) => [name, tensorOf(inputs[name]!, dtype)]))
  const found = await model.executeAsync(feeds, outputs && [...outputs])
  return resultsOf(Array.isArray(found) ? found : [found])
}

function resultsOf(tensors: readonly tf.Tensor[]): Result[] {
  return tensors.map((tensor) => ({ dims: tensor.shape, data: Float32Array.from(tensor.dataSync()) }))
}

/** The model as this program reads it. */
export function readTfjs({ json, shards }: TfjsFiles, source = 'model.json'): Model {
  const model = openTfjs(json, source).decode((path) => shards.get(path) ?? new Uint8Array())
  return validateModel(model, source).model
}

/** What ONNX Runtime computes, outputs in the model's order. */
export async function runOnnx(model: Model, inputs: Inputs): Promise<Result[]> {
  const engine = createOrtEngine()
  const session = await engine.createSession(joinChunks(encodeModel(model)), { optimization: 'disabled' })
  try {
    const feeds = Object.fromEntries(
      model.graph.inputs.map(({ name, dataType }): [string, EngineTensor] => {
        const { dims, data } = inputs[name]!
        return [name, { dataType: dataType!, dims, data: dataType === 'int32' ? Int32Array.from(data) : data }]
      }),
    )
    const found = await session.run(feeds)
    return model.graph.outputs.map(({ name }) => {
      const tensor = found[name]!
      return { dims: tensor.dims, data: Float32Array.from(tensor.data as Iterable<number>, Number) }
    })
  } finally {
    await session.release()
  }
}

/** Largest difference relative to the largest value, over outputs of equal shapes; Infinity where shapes differ. */
export function difference(wanted: readonly Result[], found: readonly Result[]): number {
  if (wanted.length !== found.length) return Infinity
  let worst = 0
  wanted.forEach((result, i) => {
    const other = found[i]!
    if (result.dims.join() !== other.dims.join()) worst = Infinity
    const most = result.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3)
    result.data.forEach((value, at) => {
      const distance = Math.abs(value - other.data[at]!) / most
      worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance)
    })
  })
  return worst
}

/** Ops of the nodes, counted. */
export function countOps(model: Model): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { opType } of model.graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1
  return counts
}
