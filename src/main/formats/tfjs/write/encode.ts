import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Model } from '../../../graph/model.ts'
import { Problems } from '../lower/collect.ts'
import { encodeWeight, type EncodedWeight } from './encode-weight.ts'
import { Exporter } from './exporter.ts'
import { filesOf, type StoredEntry, type TfjsFile } from './files.ts'
import { WRITERS } from './registry.ts'
import { tf, type TfNode } from './tf-node.ts'
import type { WeightStorage } from './weight-codes.ts'

export interface EncodeTfjsOptions {
  /** how the weights written for a node are stored; biases and other lists stay float32 */
  readonly storageOf: (node: string) => WeightStorage
  /** what wrote the model, for the file */
  readonly producer: string
  /** name of the source, for messages */
  readonly source: string
  /** a word for a shard's content that goes into its name; none by default */
  readonly tagOf?: (shard: Uint8Array) => string
}

export interface EncodedTfjs {
  /** model.json last: what it names is there when it appears */
  readonly files: readonly TfjsFile[]
  readonly weights: readonly EncodedWeight[]
}

/**
 * Writes an ONNX graph as a TensorFlow.js graph-model. Inputs and outputs keep their names and their order of axes; inside, pictures are
 * channels last, as TensorFlow.js computes.
 * @param model prepared: constants folded, opset 13 or more
 * @throws Fault model.opUnsupported naming everything that cannot be written
 * Source: tensorflow, graph.proto in JSON; tfjs-core, io/types.ts.
 */
export function encodeTfjs(model: Model, options: EncodeTfjsOptions): EncodedTfjs {
  const problems = new Problems()
  for (const { name, opType, domain } of model.graph.nodes) {
    if (domain !== '' || !WRITERS.has(opType)) problems.unknown(name, domain === '' ? opType : `${domain}.${opType}`)
  }
  problems.throwIfAny(options.source)
  const to = new Exporter(model)
  const signature = { inputs: writeInputs(to, problems), outputs: {} as Record<string, object> }
  const broken = new Set<string>()
  for (const node of model.graph.nodes) {
    if (to.done.has(node.name)) continue
    // what an earlier problem left unwritten is passed over: the problem itself is told
    const isWhole = !node.inputs.some((input) => broken.has(input))
    to.begin(node)
    const done = isWhole && problems.attempt(node.name, node.opType, () => (WRITERS.get(node.opType)!(to, node), true))
    if (!done) for (const output of node.outputs) broken.add(output)
  }
  if (broken.size === 0) signature.outputs = writeOutputs(to, problems)
  problems.throwIfAny(options.source)
  return graphFiles(to, signature, options)
}

const lengthOf = (dim: Dim): number => (typeof dim === 'number' ? dim : -1)

/** Source: tensorflow, meta_graph.proto, TensorInfo in JSON. */
function infoOf(name: string, dtype: string, dims: readonly Dim[]): object {
  return { name: `${name}:0`, dtype, tensorShape: { dim: dims.map((dim) => ({ size: String(lengthOf(dim)) })) } }
}

function writeInputs(to: Exporter, problems: Problems): Record<string, object> {
  const infos: Record<string, object> = {}
  for (const { name } of to.model.graph.inputs) {
    if (to.constant(name)) continue
    problems.attempt(name, 'input', () => {
      const dims = to.dims(name)
      const type = to.typeOf(name)
      const made = to.freshName(name)
      to.nodes.push({
        name: made,
        op: 'Placeholder',
        input: [],
        attr: { dtype: tf.type(type), shape: tf.shape(dims.map(lengthOf)) },
      })
      to.hold(
        name,
        made,
        dims.map((_, axis) => axis),
      )
      infos[name] = infoOf(made, type, dims)
    })
  }
  return infos
}

function writeOutputs(to: Exporter, problems: Problems): Record<string, object> {
  const infos: Record<string, object> = {}
  for (const { name } of to.model.graph.outputs) {
    problems.attempt(name, 'output', () => {
      const type = to.typeOf(name)
      const read = to.read(name)
      // the name was kept free for it
      const clean = name.replaceAll(/[:^\s]/g, '_')
      to.nodes.push({ name: clean, op: 'Identity', input: [read], attr: { T: tf.type(type) } })
      infos[name] = infoOf(clean, type, to.dims(name))
    })
  }
  return infos
}

function graphFiles(to: Exporter, signature: object, { storageOf, producer, tagOf }: EncodeTfjsOptions): EncodedTfjs {
  const live = liveNodes(to.nodes)
  const names = new Set(live.map(({ name }) => name))
  const kernels: EncodedWeight[] = []
  const replaced = new Map<string, readonly TfNode[]>()
  const stored: StoredEntry[] = []
  for (const weight of to.weights.filter(({ name }) => names.has(name))) {
    const encoded = encodeWeight(weight, storageOf(weight.owner), (base) => to.freshName(base))
    stored.push(...encoded.entries)
    if (encoded.nodes) replaced.set(weight.name, encoded.nodes)
    if (encoded.kernel) kernels.push(encoded.kernel)
  }
  const nodes = live.flatMap((node) => replaced.get(node.name) ?? [node])
  const modelTopology = { node: nodes.map(nodeJson), library: {}, versions: { producer: 1395 } }
  return {
    files: filesOf({ format: 'graph-model', tagOf, producer, signature, modelTopology }, stored),
    weights: kernels,
  }
}

function nodeJson({ name, op, input, attr }: TfNode): object {
  return input.length === 0 ? { name, op, attr } : { name, op, input, attr }
}

/** Nodes that outputs or inputs need: what was tried and not read falls away. */
function liveNodes(nodes: readonly TfNode[]): TfNode[] {
  const readBy = new Set<string>()
  const kept = new Set<TfNode>()
  const isEnd = outputsAmong(nodes)
  for (const node of [...nodes].reverse()) {
    if (!isEnd.has(node) && !readBy.has(node.name) && node.op !== 'Placeholder') continue
    kept.add(node)
    for (const input of node.input) readBy.add(input.replace(/:\d+$/, ''))
  }
  return nodes.filter((node) => kept.has(node))
}

/** The Identity nodes at the end, one for each output. */
function outputsAmong(nodes: readonly TfNode[]): Set<TfNode> {
  return new Set(nodes.filter(({ op }) => op === 'Identity'))
}
