import { Fault, isFault } from '../../../../../shared/contract/fault.ts'
import type { Model } from '../../../../graph/model.ts'
import { Problems } from '../../lower/collect.ts'
import { plainOrder } from '../../lower/value.ts'
import type { EncodedTfjs, EncodeTfjsOptions } from '../encode.ts'
import { filesOf } from '../files.ts'
import { layerName, LayerExporter, type WrittenLayer } from './exporter.ts'
import { LAYER_WRITERS } from './registry.ts'

/** What the written model calls its ends. */
interface Ends {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

/**
 * Writes an ONNX graph as a TensorFlow.js layers-model: a Keras model of named layers. Inputs and outputs keep their names, as far as Keras
 * has the letters for them, and their order of axes; inside, pictures are channels last.
 * @param model prepared: constants folded, opset 13 or more
 * @throws Fault model.opUnsupported naming everything that no layer expresses
 * Source: tfjs-layers 4.22, engine/container.ts and layers/*; Keras 2, functional.py, get_config.
 */
export function encodeLayers(model: Model, options: EncodeTfjsOptions): EncodedTfjs {
  const problems = new Problems()
  const to = new LayerExporter(model, options.storageOf)
  const broken = new Set<string>()
  const inputs = writeInputs(to, problems)
  for (const node of model.graph.nodes) {
    if (to.done.has(node.name)) continue
    const write = node.domain === '' ? LAYER_WRITERS.get(node.opType) : undefined
    if (!write) problems.unknown(node.name, node.domain === '' ? node.opType : `${node.domain}.${node.opType}`)
    // what an earlier problem left unwritten is passed over: the problem itself is told
    const isWhole = write !== undefined && !node.inputs.some((input) => broken.has(input))
    to.begin(node)
    const done = isWhole && problems.attempt(node.name, node.opType, () => (write(to, node), true))
    if (!done) for (const output of node.outputs) broken.add(output)
  }
  const outputs = broken.size === 0 ? writeOutputs(to, problems) : []
  withHint(() => problems.throwIfAny(options.source))
  return layerFiles(to, { inputs, outputs }, options)
}

/** A graph-model takes more than layers do: said where layers do not suffice. */
function withHint(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!isFault(error)) throw error
    const sentence = `${error.message}. No layers of TensorFlow.js say this: write a graph-model (--to graph-model), which takes more.`
    throw new Fault(error.code, sentence, error.data, { cause: error })
  }
}

function writeInputs(to: LayerExporter, problems: Problems): string[] {
  return to.model.graph.inputs
    .filter(({ name }) => !to.constant(name))
    .flatMap(
      ({ name }) =>
        problems.attempt(name, 'input', () => {
          const dims = to.dims(name)
          const shape = dims.map((dim) => (typeof dim === 'number' ? dim : null))
          const dtype = to.typeOf(name) === 'DT_INT32' ? 'int32' : 'float32'
          const config = { batch_input_shape: shape, dtype, sparse: false }
          const made = to.add('InputLayer', name, [], config)
          to.hold(name, made, plainOrder(dims.length))
          return made
        }) ?? [],
    )
}

/** Each output gets a layer of its own name; one that has it already stays as it is. */
function writeOutputs(to: LayerExporter, problems: Problems): string[] {
  return to.model.graph.outputs.flatMap(
    ({ name }) =>
      problems.attempt(name, 'output', () => {
        const read = to.read(name)
        if (read === layerName(name)) return read
        return to.add('Activation', name, [read], { activation: 'linear' })
      }) ?? [],
  )
}

/** Source: tfjs-layers, Container.getConfig, in Keras's spelling. */
function layerFiles(to: LayerExporter, { inputs, outputs }: Ends, { producer, tagOf }: EncodeTfjsOptions): EncodedTfjs {
  const live = liveLayers(to.layers, [...inputs, ...outputs])
  const config = {
    name: 'model',
    layers: live.map(layerJson),
    input_layers: inputs.map((name) => [name, 0, 0]),
    output_layers: outputs.map((name) => [name, 0, 0]),
  }
  const modelTopology = {
    keras_version: '2.15.0',
    backend: 'tensorflow',
    model_config: { class_name: 'Model', config },
  }
  const files = filesOf(
    { format: 'layers-model', tagOf, producer, modelTopology },
    live.flatMap(({ weights }) => weights),
  )
  const names = new Set(live.map(({ name }) => name))
  return { files, weights: to.kernels.filter(({ layer }) => names.has(layer)).map(({ account }) => account) }
}

function layerJson({ className, name, config, inputs }: WrittenLayer): object {
  return {
    class_name: className,
    name,
    config: { name, trainable: true, ...config },
    inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
  }
}

/** Layers that outputs or inputs need: what was tried and not read falls away. */
function liveLayers(layers: readonly WrittenLayer[], ends: readonly string[]): WrittenLayer[] {
  const needed = new Set(ends)
  for (const { name, inputs } of [...layers].reverse()) {
    if (needed.has(name)) for (const input of inputs) needed.add(input)
  }
  return layers.filter(({ name }) => needed.has(name))
}
