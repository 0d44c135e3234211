import { Fault } from '../../../shared/contract/fault.ts'
import type { LayerInfo, ModelFormat } from '../../../shared/contract/model.ts'
import { PRODUCT } from '../../../shared/contract/product.ts'
import type { Engine, Feeds } from '../../engines/port.ts'
import { encodeLayers, encodeTfjs, openTfjs, type EncodedTfjs, type WeightStorage } from '../../formats/tfjs/index.ts'
import type { Model } from '../../graph/model.ts'
import { validateModel } from '../../graph/validate.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import { relativeError, toleranceOf } from '../prepare/difference.ts'
import { withSession } from '../prepare/open-session.ts'
import { makeFeeds, type InputShapes } from '../prepare/sample-feeds.ts'
import { prepareModel } from '../prepare-model.ts'
import { tagOfShard, writeTfjsFolder } from '../tfjs-folder.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

/** What is written: an ONNX file, or one of the two formats of TensorFlow.js. */
export type ConvertFormat = 'onnx' | 'graph-model' | 'layers-model'

export interface ConvertInput {
  readonly path: string
  /** an .onnx file, or the folder of a TensorFlow.js model */
  readonly output: string
  readonly format: ConvertFormat
  readonly force: boolean
  /** how weights are stored for TensorFlow.js, of a layer by its id or of all others */
  readonly storage: { readonly default: WeightStorage; readonly layers: Readonly<Record<string, WeightStorage>> }
}

/** One layer's weights as they were stored. */
export interface ConvertedLayer {
  readonly id: string
  readonly op: string
  readonly storage: WeightStorage
  readonly sizeBytes: number
  /** signal to noise of the stored weights in dB, null where they are exact */
  readonly weightSqnrDb: number | null
}

export interface ConvertOutput {
  readonly modelHash: string
  readonly sourceFormat: ModelFormat
  readonly sourceBytes: number
  readonly sizeBytes: number
  /** files written, model.json or the .onnx file last */
  readonly files: readonly string[]
  /** largest relative error of what was written, read back and run, against the source, on seeded inputs */
  readonly maxRelativeError: number
  readonly layers: readonly ConvertedLayer[]
  readonly notes: readonly string[]
}

/**
 * Converts a model and compares what was written, read back, with the source: both run in ONNX Runtime. Nothing is written when a
 * lossless conversion gives other results.
 * @throws Fault as `readModelFile`, `prepareModel`, `encodeTfjs`, `encodeLayers` and `writeTfjsFolder`; plan.unknownLayer; model.conversionDiverges
 */
export function createConvertTask(deps: Pick<TaskDeps, 'engine'>): Task<ConvertInput, ConvertOutput> {
  return async (input, { signal }) => {
    const file = await readModelFile(input.path, { signal })
    const common = { modelHash: file.hash, sourceFormat: file.format, sourceBytes: file.sizeBytes }
    const prepared = await prepareModel(file.model, { engine: deps.engine, signal })
    const question = { engine: deps.engine, source: file.model, shapes: prepared.sampleShapes, signal }
    if (input.format === 'onnx') {
      const { model } = file
      const { sizeBytes } = await writeModelFile(model, input.output, { force: input.force, signal })
      const written = await readModelFile(input.output, { signal })
      const maxRelativeError = await compare({ ...question, written: written.model })
      return { ...common, sizeBytes, files: [input.output], maxRelativeError, layers: [], notes: file.notes }
    }
    const encode = input.format === 'layers-model' ? encodeLayers : encodeTfjs
    const encoded = encode(prepared.model, {
      storageOf: storageOfNodes(prepared.layers, input.storage),
      producer: `${PRODUCT.name} ${PRODUCT.version}`,
      source: input.path,
      tagOf: tagOfShard,
    })
    const maxRelativeError = await compare({ ...question, written: readBack(encoded, input.output) })
    assertFaithful(encoded, maxRelativeError, prepared.model, input)
    const files = await writeTfjsFolder(input.output, encoded, { force: input.force, signal })
    return {
      ...common,
      sizeBytes: encoded.files.reduce((sum, { bytes }) => sum + bytes.length, 0),
      files,
      maxRelativeError,
      layers: layersOf(prepared.layers, encoded),
      notes: [...file.notes, ...prepared.notes, ...renamedEnds(file.model, readBack(encoded, input.output))],
    }
  }
}

/** @throws Fault plan.unknownLayer */
function storageOfNodes(
  layers: readonly LayerInfo[],
  storage: ConvertInput['storage'],
): (node: string) => WeightStorage {
  const byNode = new Map<string, WeightStorage>()
  const unknown = new Set(Object.keys(storage.layers))
  for (const { id, nodes } of layers) {
    unknown.delete(id)
    for (const node of nodes) byNode.set(node, storage.layers[id] ?? storage.default)
  }
  const [first] = unknown
  if (first !== undefined) {
    throw new Fault('plan.unknownLayer', `The model has no layer "${first}": \`inspect\` lists them.`, {
      layers: [...unknown],
    })
  }
  return (node) => byNode.get(node) ?? storage.default
}

function readBack({ files }: EncodedTfjs, output: string): Model {
  const bytes = new Map(files.map((file) => [file.name, file.bytes]))
  const model = openTfjs(bytes.get('model.json')!, output).decode((path) => bytes.get(path)!)
  return validateModel(model, output).model
}

interface Question {
  readonly engine: Engine
  readonly source: Model
  readonly written: Model
  readonly shapes: InputShapes
  readonly signal: AbortSignal
}

/** Largest relative error over all outputs, on inputs like normalised pictures and pictures in 0–1. */
async function compare({ engine, source, written, shapes, signal }: Question): Promise<number> {
  const trials: { feeds: Feeds; outputs: Feeds }[] = []
  await withSession(engine, source, async (session) => {
    for (const kind of ['normal', 'unit'] as const) {
      signal.throwIfAborted()
      const feeds = makeFeeds(source, shapes, kind, 1)
      trials.push({ feeds, outputs: await session.run(feeds) })
    }
  })
  const inputs = endsOf(source, written, 'inputs')
  const results = endsOf(source, written, 'outputs')
  let worst = 0
  await withSession(engine, written, async (session) => {
    for (const { feeds, outputs } of trials) {
      signal.throwIfAborted()
      const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [inputs.get(name) ?? name, feed]))
      const found = await session.run(given)
      for (const [name, output] of Object.entries(outputs)) {
        const other = found[results.get(name) ?? name]
        worst = Math.max(worst, other ? relativeError(output, other) : Infinity)
      }
    }
  })
  return worst
}

/** Inputs or outputs of the source → what the written model calls them: formats have their own letters, and keep the order. */
function endsOf(source: Model, written: Model, which: 'inputs' | 'outputs'): Map<string, string> {
  const namesOf = ({ graph }: Model): string[] =>
    graph[which].map(({ name }) => name).filter((name) => !graph.initializers.has(name))
  const theirs = namesOf(written)
  const isKept = namesOf(source).every((name) => theirs.includes(name))
  return new Map(namesOf(source).map((name, i) => [name, isKept ? name : (theirs[i] ?? name)]))
}

/** Says what is called otherwise in the written model. */
function renamedEnds(source: Model, written: Model): string[] {
  return (['inputs', 'outputs'] as const).flatMap((which) =>
    [...endsOf(source, written, which)]
      .filter(([name, other]) => name !== other)
      .map(([name, other]) => `"${name}" is called "${other}" in the written model: the format has no other letters.`),
  )
}

/** @throws Fault model.conversionDiverges where nothing was rounded and the results differ all the same */
function assertFaithful({ weights }: EncodedTfjs, error: number, model: Model, { output }: ConvertInput): void {
  const isLossless = weights.every(({ storage }) => storage === 'float32')
  const limit = isLossless ? toleranceOf(model) : Infinity
  if (error < limit) return
  throw new Fault(
    'model.conversionDiverges',
    `The converted model gives other results (relative error ${error.toPrecision(3)}, allowed ${limit}): ${output} was not written. Please report this model.`,
    { maxRelativeError: error },
  )
}

function layersOf(layers: readonly LayerInfo[], { weights }: EncodedTfjs): ConvertedLayer[] {
  return layers.flatMap(({ id, op, nodes }): ConvertedLayer[] => {
    const own = weights.filter(({ node }) => nodes.includes(node))
    const [first] = own
    if (!first) return []
    const sum = (of: 'power' | 'error' | 'sizeBytes'): number => own.reduce((total, weight) => total + weight[of], 0)
    const [power, error] = [sum('power'), sum('error')]
    return [
      {
        id,
        op,
        storage: first.storage,
        sizeBytes: sum('sizeBytes'),
        weightSqnrDb: error > 0 && power > 0 ? 10 * Math.log10(power / error) : null,
      },
    ]
  })
}
