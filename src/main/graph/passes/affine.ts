import type { Node, Tensor } from '../model.ts'
import { float, floatAttribute, intAttribute } from '../attributes.ts'
import { elementCount, float32Of, floatTensor } from '../tensors.ts'
import { isStandard } from './pass.ts'
import type { Rewrite } from './rewrite.ts'

/** y = scale[c] · x + shift[c] for each output channel c of a linear operator. */
export interface Affine {
  readonly scale: Float64Array
  readonly shift: Float64Array
}

/** A linear operator with constant weights whose output nobody else reads: what follows can be folded into it. */
export interface AffineTarget {
  readonly node: Node
  readonly weights: Tensor
  readonly bias: Tensor | null
  readonly channels: number
  /** the axis of the output that holds the channels */
  readonly channelAxis: number
  /** number of axes of the output */
  readonly rank: number
  /** index of the output channel that weight element `i` feeds */
  readonly channelOf: (i: number) => number
}

/**
 * The Conv, ConvTranspose, Gemm or 2-D MatMul that writes `tensor`, if an affine step at its only reader `reader` can be
 * folded into it; else null: several readers, a graph output, weights or bias that are not constant float32, or a Gemm whose
 * C is not one value per column.
 * @param rankOf tells the rank of a tensor; only asked for MatMul
 */
export function affineTargetOf(
  rewrite: Rewrite,
  reader: Node,
  tensor: string,
  rankOf: (tensor: string) => number | null,
): AffineTarget | null {
  const node = rewrite.producer(tensor)
  if (node === null || !isStandard(node) || node.outputs.length !== 1) return null
  if (rewrite.soleReader(tensor)?.name !== reader.name) return null
  const weights = rewrite.constant(node.inputs[1])
  const bias = rewrite.constant(node.inputs[2])
  const biasGiven = (node.inputs[2] ?? '') !== ''
  if (weights?.dataType !== 'float' || (biasGiven && bias?.dataType !== 'float')) return null
  const layout = layoutOf(node, weights, bias, rankOf)
  return layout === null || layout.channels === 0 ? null : { node, weights, bias, ...layout }
}

type Layout = Pick<AffineTarget, 'channels' | 'channelAxis' | 'rank' | 'channelOf'>

function layoutOf(
  node: Node,
  weights: Tensor,
  bias: Tensor | null,
  rankOf: (tensor: string) => number | null,
): Layout | null {
  const { dims } = weights
  switch (node.opType) {
    case 'Conv': {
      if (dims.length < 3 || (bias && elementCount(bias.dims) !== dims[0])) return null
      const run = elementCount(dims.slice(1))
      return { channels: dims[0]!, channelAxis: 1, rank: dims.length, channelOf: (i) => Math.floor(i / run) }
    }
    case 'ConvTranspose':
      return transposedLayout(dims, bias, intAttribute(node, 'group', 1))
    case 'Gemm':
      return gemmLayout(dims, bias, intAttribute(node, 'transB', 0) === 1)
    case 'MatMul':
      return dims.length === 2 && rankOf(node.inputs[0]!) === 2 ? gemmLayout(dims, null, false) : null
    default:
      return null
  }
}

/** Weights [inChannels, outChannels / group, …]: input channel m belongs to group m / (inChannels / group). */
function transposedLayout(dims: readonly number[], bias: Tensor | null, group: number): Layout | null {
  const [inputs, perGroup] = dims as [number, number]
  const channels = perGroup * group
  if (dims.length < 3 || group < 1 || inputs % group !== 0 || (bias && elementCount(bias.dims) !== channels))
    return null
  const run = elementCount(dims.slice(2))
  const inputsPerGroup = inputs / group
  const channelOf = (i: number): number => {
    const position = Math.floor(i / run)
    const input = Math.floor(position / perGroup)
    return Math.floor(input / inputsPerGroup) * perGroup + (position % perGroup)
  }
  return { channels, channelAxis: 1, rank: dims.length, channelOf }
}

function gemmLayout(dims: readonly number[], bias: Tensor | null, transposed: boolean): Layout | null {
  if (dims.length !== 2) return null
  const [rows, columns] = dims as [number, number]
  const channels = transposed ? rows : columns
  // C may be one value, one per column, or a row of them; one per row of A depends on the batch and stays
  const width = bias ? (bias.dims.at(-1) ?? 1) : 1
  if (bias && (elementCount(bias.dims) !== width || (width !== 1 && width !== channels))) return null
  return { channels, channelAxis: 1, rank: 2, channelOf: (i) => (transposed ? Math.floor(i / columns) : i % columns) }
}

/**
 * Folds `affine` into `target` and removes `follower`, whose output the target writes from then on. Leaves everything as it is
 * and gives false where the channel counts differ or a folded number would not be finite.
 */
export function applyAffine(rewrite: Rewrite, target: AffineTarget, affine: Affine, follower: Node): boolean {
  const { node, weights, channels } = target
  if (affine.scale.length !== channels) return false
  const scaled = affine.scale.every((factor) => factor === 1) ? weights : scaledWeights(target, affine)
  const bias = shiftedBias(target, affine)
  if (scaled === null || bias === null) return false
  const weightName = scaled === weights ? node.inputs[1]! : rewrite.changeConstant(node, scaled)
  const noBias = bias.every((value) => value === 0) && target.bias === null
  const biasName = noBias ? null : nameBias(rewrite, target, bias)
  const inputs = [node.inputs[0]!, weightName, ...(biasName === null ? [] : [biasName])]
  rewrite.remove(follower.name)
  rewrite.replace({ ...asGemm(node, biasName !== null), inputs, outputs: [follower.outputs[0]!] })
  return true
}

/** A MatMul that gets a bias becomes a Gemm; a Gemm's beta has been worked into the bias. */
function asGemm(node: Node, hasBias: boolean): Node {
  if (node.opType === 'MatMul' && hasBias) return { ...node, opType: 'Gemm', attributes: new Map() }
  if (node.opType !== 'Gemm' || !node.attributes.has('beta')) return node
  return { ...node, attributes: new Map([...node.attributes, ['beta', float(1)]]) }
}

function scaledWeights({ weights, channelOf }: AffineTarget, { scale }: Affine): Tensor | null {
  const values = float32Of(weights)
  const result = new Float32Array(values.length)
  for (let i = 0; i < values.length; i++) result[i] = values[i]! * scale[channelOf(i)]!
  // weights that were not finite before are the file's own; new infinities are ours to avoid
  const sound = result.every((value, i) => Number.isFinite(value) || !Number.isFinite(values[i]!))
  return sound ? floatTensor(weights.name, weights.dims, result) : null
}

function shiftedBias({ node, bias, channels }: AffineTarget, { scale, shift }: Affine): Float32Array | null {
  const beta = node.opType === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1
  const before = bias ? float32Of(bias) : null
  const result = new Float32Array(channels)
  for (let c = 0; c < channels; c++) {
    const own = before ? before[before.length === 1 ? 0 : c]! * beta : 0
    result[c] = own * scale[c]! + shift[c]!
    if (!Number.isFinite(result[c]) && Number.isFinite(own)) return null
  }
  return result
}

function nameBias(rewrite: Rewrite, { node, bias, channels }: AffineTarget, values: Float32Array): string {
  if (bias !== null) return rewrite.changeConstant(node, floatTensor(bias.name, [channels], values))
  return rewrite.addConstant(floatTensor(`${node.name}_bias`, [channels], values))
}
