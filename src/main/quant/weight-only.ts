import type { WeightScheme } from '../../shared/contract/plan.ts'
import { float, intAttribute } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import type { Model, Node } from '../graph/model.ts'
import { floatTensor } from '../graph/tensors.ts'
import { consumersOf } from '../graph/traversal.ts'
import { containerBits } from './scheme.ts'
import type { LayerQuantization, ModeRewriter, QuantizedLayer } from './setup.ts'
import { addDequantizedWeights, addFoldedWeights, transposedWeights, type StoredWeights } from './stored-weights.ts'
import { layoutOf, weightSiteOf, type BiasSite, type WeightSite } from './weight-site.ts'
import type { QuantizedWeights, WeightQuantizer } from './weights.ts'

/**
 * Weight-only mode: weights are stored as integers, activations stay float.
 * - MatMul and Gemm with a weight matrix: DequantizeLinear and MatMul, which ONNX Runtime fuses into its MatMulNBits kernel
 *   (4 or 8 bits; per-tensor, per-channel, per-block). A Gemm becomes MatMul and Add for that.
 * - Conv and what MatMulNBits does not take: integers that the runtime turns into float weights once, when it loads the file.
 *   The file is small, the speed that of float.
 */
export const rewriteWeightOnly: ModeRewriter = (model, layers, quantizeWeights) => {
  const draft = new Draft(model)
  const nodes = new Map<string, string>()
  const rewriting: Rewriting = { draft, model, quantizeWeights, consumers: consumersOf(model.graph) }
  const reports = layers.map((entry) => {
    const { report, added } = rewriteLayer(rewriting, entry)
    for (const name of added) nodes.set(name, entry.layer.id)
    return report
  })
  return { model: draft.finish(), layers: reports, nodes }
}

/** What every layer of one rewriting shares. */
interface Rewriting {
  readonly draft: Draft
  readonly model: Model
  readonly quantizeWeights: WeightQuantizer
  readonly consumers: ReadonlyMap<string, readonly Node[]>
}

interface Outcome {
  readonly report: LayerQuantization
  /** names of the nodes made for the layer */
  readonly added: readonly string[]
}

function rewriteLayer(rewriting: Rewriting, entry: QuantizedLayer): Outcome {
  const site = weightSiteOf(entry, rewriting.model)
  if (typeof site === 'string') return { report: leftInFloat(entry, `stays in float: ${site}.`), added: [] }
  const node = rewriting.model.graph.nodes.find(({ name }) => name === site.node)!
  return fitsMatMulNBits(node, site)
    ? rewriteMatrix(rewriting, entry, node, site)
    : rewriteFolded(rewriting, entry, node, site, [])
}

/** The report of a layer that stays as it is, with the reason as its warning. */
export function leftInFloat({ layer }: QuantizedLayer, reason: string): LayerQuantization {
  return {
    id: layer.id,
    op: layer.op,
    mode: null,
    type: 'float',
    weights: null,
    inputs: [],
    outputs: [],
    warnings: [reason],
  }
}

/** True where ONNX Runtime fuses DequantizeLinear and MatMul into MatMulNBits (see `addDequantizedWeights`). */
function fitsMatMulNBits(node: Node, { layout, scheme }: WeightSite): boolean {
  if (node.opType !== 'MatMul' && node.opType !== 'Gemm') return false
  if (layout.dims.length !== 2 || containerBits(scheme.storage) === 16) return false
  return intAttribute(node, 'transA', 0) === 0
}

/** MatMul reading a DequantizeLinear, with the bias behind it. */
function rewriteMatrix(rewriting: Rewriting, entry: QuantizedLayer, node: Node, site: WeightSite): Outcome {
  const { draft } = rewriting
  const quantized = rewriting.quantizeWeights(site.layerId, site.values, site.layout, site.scheme, null)
  const weights = intAttribute(node, 'transB', 0) === 1 ? transposedWeights(quantized) : quantized
  const stored = addDequantizedWeights(draft, site.weightName, weights, site.scheme.storage)
  const added = [...stored.nodes]
  if (node.opType === 'MatMul') {
    draft.replaceNode(node, { ...node, inputs: [site.inputTensor, stored.tensor] })
    const addNode = site.bias?.addNode ?? null
    if (site.bias && addNode !== null) subtractBias(rewriting, site.bias, addNode, node.outputs[0]!)
  } else {
    added.push(...replaceGemm(rewriting, node, site, stored))
  }
  return { report: reportOf(entry, site.scheme, quantized, blockWarnings(site.scheme)), added }
}

function blockWarnings({ blockSize }: WeightScheme): string[] {
  if (blockSize === undefined || Number.isInteger(Math.log2(blockSize))) return []
  return [
    `blocks of ${blockSize} are not a power of two: ONNX Runtime has no kernel for them and dequantizes the weights in every run; use 32, 64 or 128.`,
  ]
}

/** A Gemm as MatMul and Add. Gives the names of the nodes made. */
function replaceGemm(rewriting: Rewriting, node: Node, site: WeightSite, stored: StoredWeights): string[] {
  const { draft } = rewriting
  const [output] = node.outputs
  const matmul = {
    name: node.name,
    opType: 'MatMul',
    domain: '',
    inputs: [site.inputTensor, stored.tensor],
    attributes: new Map(),
  }
  if (!site.bias) {
    draft.replaceNode(node, { ...matmul, outputs: [output!] })
    return []
  }
  const product = draft.freshTensorName(`${output!}_product`)
  draft.replaceNode(node, { ...matmul, outputs: [product] })
  return [addBias(rewriting, site.bias, product, output!, `${node.name}_bias`)]
}

/** Activations that ONNX Runtime fuses into a Gemm. Source: onnxruntime gemm_activation_fusion.cc. */
const gemmActivations = new Set([
  'Relu',
  'LeakyRelu',
  'Sigmoid',
  'Tanh',
  'Elu',
  'HardSigmoid',
  'Selu',
  'Softplus',
  'Softsign',
  'ThresholdedRelu',
])

/**
 * True where the bias has to be subtracted (negated) instead of added: ONNX Runtime turns MatMul, Add and an activation into
 * FusedGemm before it looks for MatMulNBits, and then dequantizes the weights in every run (m: ten times slower). x − (−b) is
 * x + b to the last bit.
 */
function mustSubtract({ consumers }: Rewriting, output: string): boolean {
  return (consumers.get(output) ?? []).some((reader) => gemmActivations.has(reader.opType))
}

function addBias(rewriting: Rewriting, bias: BiasSite, product: string, output: string, name: string): string {
  const { draft } = rewriting
  const negated = mustSubtract(rewriting, output)
  const values = negated ? bias.values.map((value) => -value) : bias.values
  const constant = draft.addInitializer(
    floatTensor(negated ? `${bias.name}_negated` : bias.name, [values.length], values),
  )
  return draft.addNode({ name, opType: negated ? 'Sub' : 'Add', inputs: [product, constant], outputs: [output] }).name
}

/** Turns the Add behind a MatMul into a Sub where it must be one. */
function subtractBias(rewriting: Rewriting, bias: BiasSite, addNode: string, product: string): void {
  const { draft } = rewriting
  const add = draft.nodes.find(({ name }) => name === addNode)!
  if (!mustSubtract(rewriting, add.outputs[0]!)) return
  const constant = draft.addInitializer(
    floatTensor(
      `${bias.name}_negated`,
      [bias.values.length],
      bias.values.map((value) => -value),
    ),
  )
  draft.replaceNode(add, { ...add, opType: 'Sub', inputs: [product, constant] })
}

/**
 * Integers that the runtime folds into float weights when it loads the file; the node itself stays. Also what dynamic mode does
 * with a Conv that would lose time in integers.
 */
export function rewriteFolded(
  { draft, quantizeWeights }: Pick<Rewriting, 'draft' | 'quantizeWeights'>,
  entry: QuantizedLayer,
  node: Node,
  site: WeightSite,
  warnings: readonly string[],
): Outcome {
  const scheme = withoutBlocks(site.scheme)
  const layout =
    scheme === site.scheme
      ? site.layout
      : layoutOf(node, { name: '', dataType: 'float', dims: site.layout.dims, data: new Uint8Array() }, scheme)
  const weights = quantizeWeights(site.layerId, site.values, layout, scheme, null)
  const stored = addFoldedWeights(draft, site.weightName, weights, scheme.storage)
  const inputs = node.inputs.map((name, i) => (i === site.weightIndex ? stored.tensor : name))
  const attributes = new Map(node.attributes)
  // the factor is in the weights now
  if (node.opType === 'Gemm') attributes.set('alpha', float(1))
  draft.replaceNode(node, { ...node, inputs, attributes })
  const blocks =
    scheme === site.scheme ? [] : [`${node.opType} has no per-block kernel: one scale per output channel is used.`]
  return { report: reportOf(entry, scheme, weights, [...warnings, ...blocks]), added: stored.nodes }
}

function withoutBlocks(scheme: WeightScheme): WeightScheme {
  if (scheme.granularity !== 'perBlock') return scheme
  const { blockSize: _, ...rest } = scheme
  return { ...rest, granularity: 'perChannel' }
}

function reportOf(
  { layer }: QuantizedLayer,
  scheme: WeightScheme,
  weights: QuantizedWeights,
  warnings: readonly string[],
): LayerQuantization {
  return {
    id: layer.id,
    op: layer.op,
    mode: 'weightOnly',
    type: scheme.storage,
    weights: { ...scheme, params: weights.params },
    inputs: [],
    outputs: [],
    warnings,
  }
}
