import { intAttribute } from '../../graph/attributes.ts'
import { Draft } from '../../graph/draft.ts'
import type { Model, Node, Tensor } from '../../graph/model.ts'
import { consumersOf } from '../../graph/traversal.ts'
import { elementCount, float32Of, floatTensor } from '../../graph/tensors.ts'
import type { QuantizedLayer, ResolvedPlan } from '../setup.ts'
import { weightSiteOf, type WeightSite } from '../weight-site.ts'

/** Two layers whose common channels were scaled: the first's outputs divided by `scales`, the second's weights multiplied. */
export interface EqualizedPair {
  readonly first: string
  readonly second: string
  /** one a channel between them */
  readonly scales: Float32Array
}

export interface Equalized {
  readonly model: Model
  readonly pairs: readonly EqualizedPair[]
}

/** Largest magnitude of each channel of an activation, null where it is not known by channel. */
export type ChannelRanges = (tensor: string) => Float32Array | null

/** Ops that give s · f(x) for s · x, s > 0, channel by channel. */
const HOMOGENEOUS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
])
const MOST_SWEEPS = 20
const SETTLED = 0.01
/** A channel is stretched or shrunk by no more than this in all: its float values keep their precision. */
const MOST_SCALE = 1024

/**
 * Cross-layer equalization: for every pair of quantized layers with nothing but scale-equivariant ops between them, channel i of what lies
 * between is divided by s_i = √(r1_i / r2_i), so that ranges on both sides become √(r1_i · r2_i). The float model computes the same. r2 is the range
 * of the second layer's weights for input channel i; r1 that of the first layer's weights where they share one scale, and that of the activation
 * where each output channel has its own and only the activation suffers. Pairs are gone over until they settle.
 * Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, eq. 11; for activations Xiao et al.,
 * SmoothQuant, 2023, eq. 4 with α = 0.5.
 * @param model prepared, float32
 * @returns the model with other constants of the same names and shapes; no pairs where nothing qualifies
 */
export function equalize(model: Model, resolved: ResolvedPlan, rangesOf: ChannelRanges): Equalized {
  const draft = new Draft(model)
  const links = findLinks(model, resolved, rangesOf)
  const constants = new Map<string, Float32Array>()
  const valuesOf = (name: string): Float32Array => {
    if (!constants.has(name)) constants.set(name, float32Of(model.graph.initializers.get(name)!).slice())
    return constants.get(name)!
  }
  const totals = links.map(({ channels }) => new Float64Array(channels).fill(1))
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let largest = 0
    links.forEach((link, i) => {
      largest = Math.max(largest, balance(link, totals[i]!, valuesOf))
    })
    if (largest < SETTLED) break
  }
  for (const [name, values] of constants) {
    const { dims } = draft.initializers.get(name)!
    draft.initializers.set(name, floatTensor(name, dims, values))
  }
  const pairs = links.map(({ first, second }, i) => ({ first, second, scales: Float32Array.from(totals[i]!) }))
  return { model: links.length > 0 ? draft.finish() : model, pairs }
}

/** One pair, with where its channels lie in the constants on both sides. */
interface Link {
  readonly first: string
  readonly second: string
  readonly channels: number
  readonly weights: ChannelView
  readonly bias: ChannelView | null
  readonly next: ChannelView
  /** range of the activation by channel before anything was scaled; null: the first layer's weights decide */
  readonly activation: Float32Array | null
}

/** Channels of a row-major constant: element e belongs to channel ⌊e / inner⌋ mod count, or as `channelOf` says. */
interface ChannelView {
  readonly name: string
  readonly channelOf: (element: number) => number
}

/** Scales one pair; the largest relative change of a channel. */
function balance(link: Link, total: Float64Array, valuesOf: (name: string) => Float32Array): number {
  const { channels, weights, bias, next, activation } = link
  const before = activation ? activation.map((range, c) => range / total[c]!) : rangesIn(weights, channels, valuesOf)
  const behind = rangesIn(next, channels, valuesOf)
  const scales = new Float64Array(channels).fill(1)
  let largest = 0
  for (let c = 0; c < channels; c++) {
    if (!(before[c]! > 0) || !(behind[c]! > 0)) continue // a dead channel has nothing to balance
    const wanted = Math.sqrt(before[c]! / behind[c]!)
    scales[c] = Math.min(MOST_SCALE / total[c]!, Math.max(1 / MOST_SCALE / total[c]!, wanted))
    total[c]! *= scales[c]!
    largest = Math.max(largest, Math.abs(scales[c]! - 1))
  }
  scale(weights, valuesOf, (c) => 1 / scales[c]!)
  if (bias) scale(bias, valuesOf, (c) => 1 / scales[c]!)
  scale(next, valuesOf, (c) => scales[c]!)
  return largest
}

function rangesIn(
  { name, channelOf }: ChannelView,
  channels: number,
  valuesOf: (name: string) => Float32Array,
): Float32Array {
  const ranges = new Float32Array(channels)
  valuesOf(name).forEach((value, i) => {
    const channel = channelOf(i)
    ranges[channel] = Math.max(ranges[channel]!, Math.abs(value))
  })
  return ranges
}

function scale(
  { name, channelOf }: ChannelView,
  valuesOf: (name: string) => Float32Array,
  factorOf: (channel: number) => number,
): void {
  const values = valuesOf(name)
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * factorOf(channelOf(i))
}

function findLinks(model: Model, resolved: ResolvedPlan, rangesOf: ChannelRanges): Link[] {
  const consumers = consumersOf(model.graph)
  const outputs = new Set(model.graph.outputs.map(({ name }) => name))
  const layers = resolved.layers.flatMap(({ layer, decision }): QuantizedLayer[] =>
    decision.kind === 'quantized' && decision.weights !== null ? [{ layer, decision }] : [],
  )
  const sites = new Map<string, WeightSite>()
  for (const entry of layers) {
    const site = weightSiteOf(entry, model)
    if (typeof site !== 'string') sites.set(site.node, site)
  }
  const onlyReader = (tensor: string): Node | null => {
    const readers = consumers.get(tensor) ?? []
    return readers.length === 1 && !outputs.has(tensor) ? readers[0]! : null
  }
  const isOwn = (name: string): boolean => (consumers.get(name) ?? []).length === 1
  const isFixed = (tensor: string): boolean => resolved.plan.tensors?.[tensor]?.range !== undefined
  const links: Link[] = []
  for (const site of sites.values()) {
    const node = model.graph.nodes.find(({ name }) => name === site.node)!
    const found = follow(node, site, onlyReader, model)
    const next = found && sites.get(found.node.name)
    if (!found || !next || found.node.inputs[0] !== found.tensor || found.passed.some(isFixed)) continue
    const link = linkOf({ node, site }, { node: found.node, site: next }, found, rangesOf, model.graph.initializers)
    if (link && [link.weights, link.next, ...(link.bias ? [link.bias] : [])].every(({ name }) => isOwn(name)))
      links.push(link)
  }
  return links
}

interface Path {
  /** the weighted node it ends at */
  readonly node: Node
  /** what that node reads */
  readonly tensor: string
  /** last tensor that still has the first layer's channels, fused activation included */
  readonly activation: string
  /** all tensors on the way */
  readonly passed: readonly string[]
  /** values of one channel that lie side by side in what is read: more than one behind a Flatten */
  readonly spread: boolean
}

/** The weighted node that alone reads a layer's output, through ops that a scale passes unchanged. */
function follow(
  node: Node,
  site: WeightSite,
  onlyReader: (tensor: string) => Node | null,
  { graph }: Model,
): Path | null {
  let tensor = node.outputs[0]!
  let activation = tensor
  let spread = false
  const passed = [tensor]
  if (site.bias?.addNode) {
    const add = onlyReader(tensor)
    if (add?.name !== site.bias.addNode) return null
    tensor = activation = add.outputs[0]!
    passed.push(tensor)
  }
  for (let steps = 0; steps < 8; steps++) {
    const reader = onlyReader(tensor)
    if (!reader) return null
    if (graph.initializers.has(reader.inputs[1] ?? '') && ['Conv', 'Gemm', 'MatMul'].includes(reader.opType))
      return { node: reader, tensor, activation, passed, spread }
    const passes = HOMOGENEOUS.has(reader.opType) || isHalfLine(reader, graph.initializers)
    const flattens = reader.opType === 'Flatten' && intAttribute(reader, 'axis', 1) === 1
    if (!passes && !flattens) return null
    tensor = reader.outputs[0]!
    passed.push(tensor)
    if (flattens) spread = true
    else if (steps === 0) activation = tensor
  }
  return null
}

/** A Clip to [0, ∞) is a Relu. */
function isHalfLine(node: Node, initializers: ReadonlyMap<string, Tensor>): boolean {
  if (node.opType !== 'Clip' || (node.inputs[2] ?? '') !== '') return false
  const low = initializers.get(node.inputs[1] ?? '')
  return low !== undefined && low.dataType === 'float' && float32Of(low)[0] === 0
}

interface Side {
  readonly node: Node
  readonly site: WeightSite
}

function linkOf(
  first: Side,
  second: Side,
  path: Path,
  rangesOf: ChannelRanges,
  constants: ReadonlyMap<string, Tensor>,
): Link | null {
  const channels = outputChannels(first)
  const next = inputView(second, channels, path.spread)
  if (channels === null || next === null) return null
  if ((first.node.opType === 'Conv') !== (second.node.opType === 'Conv') && !path.spread) return null
  if (first.node.opType !== 'Conv' && first.site.layout.dims.length !== 2) return null
  const activation = first.site.layout.axis === null ? null : rangesOf(path.activation)
  if (activation && activation.length !== channels) return null
  const { bias } = first.site
  if (bias && elementCount(constants.get(bias.name)!.dims) !== channels) return null
  return {
    first: first.site.layerId,
    second: second.site.layerId,
    channels,
    weights: outputView(first, channels),
    bias: bias && { name: bias.name, channelOf: (element) => element % channels },
    next,
    activation,
  }
}

function outputChannels({ node, site }: Side): number | null {
  const { dims } = site.layout
  if (node.opType === 'Conv') return dims[0] ?? null
  if (dims.length !== 2 || intAttribute(node, 'transA', 0) === 1) return null
  return (isTransposed(node) ? dims[0] : dims[1]) ?? null
}

/** Whether a matrix lies as [outputs, inputs]. */
function isTransposed(node: Node): boolean {
  return node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1
}

function outputView({ node, site }: Side, channels: number): ChannelView {
  const inner = elementCount(site.layout.dims) / channels
  const leads = node.opType === 'Conv' || isTransposed(node)
  return {
    name: site.weightName,
    channelOf: leads ? (element) => Math.floor(element / inner) : (element) => element % channels,
  }
}

function inputView({ node, site }: Side, channels: number | null, spread: boolean): ChannelView | null {
  const { dims } = site.layout
  const name = site.weightName
  if (channels === null) return null
  if (node.opType === 'Conv') {
    const groups = intAttribute(node, 'group', 1)
    const [rows = 1, perGroup = 1] = dims
    if (perGroup * groups !== channels || spread) return null
    const taps = elementCount(dims) / rows / perGroup
    const rowsPerGroup = rows / groups
    return {
      name,
      channelOf: (element) => {
        const row = Math.floor(element / (perGroup * taps))
        return Math.floor(row / rowsPerGroup) * perGroup + (Math.floor(element / taps) % perGroup)
      },
    }
  }
  if (dims.length !== 2 || intAttribute(node, 'transA', 0) === 1) return null
  const transposed = isTransposed(node)
  const [inputs, outputs] = transposed ? [dims[1]!, dims[0]!] : [dims[0]!, dims[1]!]
  if (inputs % channels !== 0 || (inputs !== channels && !spread)) return null
  const each = inputs / channels
  return {
    name,
    channelOf: transposed
      ? (element) => Math.floor((element % inputs) / each)
      : (element) => Math.floor(Math.floor(element / outputs) / each),
  }
}
