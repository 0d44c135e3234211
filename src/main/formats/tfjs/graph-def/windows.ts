import { activate } from '../lower/activations.ts'
import { convolve, convolveDepthwise, convolveTransposed, type Padding } from '../lower/convolution.ts'
import { leakyRelu, prelu } from '../lower/elementwise.ts'
import { dense } from '../lower/matrix.ts'
import { pool } from '../lower/pooling.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import type { Value } from '../lower/value.ts'
import type { OpCall } from './call.ts'

/** The layout of an operator: NHWC unless it says NCHW. */
export function isChannelsFirst({ node }: OpCall): boolean {
  return node.text('data_format', 'NHWC').toUpperCase().startsWith('NC')
}

/** The two spatial numbers of a list of four. */
function spatial(call: OpCall, attribute: string): number[] {
  const list = call.node.ints(attribute)
  if (list.length === 0) return [1, 1]
  if (list.length !== 4) throw new Malformed(`has ${attribute} of [${list.join(', ')}], expected 4 numbers`)
  return isChannelsFirst(call) ? list.slice(2) : list.slice(1, 3)
}

function paddingOf(call: OpCall): Padding {
  const text = call.node.text('padding', 'VALID').toUpperCase()
  if (text === 'SAME') return 'same'
  if (text === 'VALID') return 'valid'
  const list = call.node.ints('explicit_paddings')
  if (text !== 'EXPLICIT' || list.length !== 8) throw new Unsupported(`has the padding "${text.slice(0, 40)}"`)
  const pairs = [0, 2, 4, 6].map((i): [number, number] => [list[i]!, list[i + 1]!])
  if (list.some((amount) => amount < 0 || amount > 2 ** 20))
    throw new Malformed(`has explicit_paddings of [${list.join(', ')}]`)
  return isChannelsFirst(call) ? pairs.slice(2) : pairs.slice(1, 3)
}

function convSpec(call: OpCall, bias: Value | null): Parameters<typeof convolve>[2] {
  return {
    x: call.input(0),
    kernel: call.input(1),
    bias,
    strides: spatial(call, 'strides'),
    dilations: spatial(call, 'dilations'),
    padding: paddingOf(call),
    isChannelsFirst: isChannelsFirst(call),
  }
}

export function conv2d(call: OpCall): Value {
  return convolve(call.to, call.name, convSpec(call, null))
}

export function depthwiseConv2d(call: OpCall): Value {
  return convolveDepthwise(call.to, call.name, convSpec(call, null))
}

/** The bias that a fused operator adds, and what comes after it. Source: tfjs-converter, fusedConvAndDepthWiseParams. */
function fused(call: OpCall, write: (bias: Value | null) => Value): Value {
  const ops = call.node.texts('fused_ops').map((op) => op.toLowerCase())
  const hasBias = ops[0] === 'biasadd'
  if (ops[0]?.startsWith('fusedbatchnorm'))
    throw new Unsupported('fuses FusedBatchNorm, which TensorFlow.js does not run either')
  // TensorFlow.js passes over an activation without BiasAdd before it
  if (!hasBias && ops.length > 0) throw new Unsupported(`fuses ${ops.join(', ')} without BiasAdd`)
  const activation = ops[1] ?? 'linear'
  const x = write(hasBias ? call.input(2) : null)
  const name = `${call.name}/${activation}`
  if (activation === 'prelu') return prelu(call.to, name, x, call.input(3))
  if (activation === 'leakyrelu') return leakyRelu(call.to, name, x, call.node.float('leakyrelu_alpha', 0.2))
  return activate(call.to, name, activation, x)
}

export function fusedConv2d(call: OpCall): Value {
  return fused(call, (bias) => convolve(call.to, call.name, convSpec(call, bias)))
}

export function fusedDepthwiseConv2d(call: OpCall): Value {
  return fused(call, (bias) => convolveDepthwise(call.to, call.name, convSpec(call, bias)))
}

export function fusedMatMul(call: OpCall): Value {
  const { to, node, name } = call
  return fused(call, (bias) => {
    const [a, b] = [call.input(0), call.input(1)]
    if (a.dims.length !== 2 || b.dims.length !== 2) throw new Unsupported('multiplies values that are not matrices')
    const left = node.boolean('transpose_a') ? to.transposed(`${a.name}/transposed`, a, [1, 0]) : a
    const right = node.boolean('transpose_b') ? to.transposed(`${b.name}/transposed`, b, [1, 0]) : b
    return dense(to, name, left, right, bias)
  })
}

/** Transposed convolution: inputs are the shape of the result, the kernel [h, w, out, in] and the input. */
export function conv2dBackpropInput(call: OpCall): Value {
  const lengths = call.dims(0)
  const first = isChannelsFirst(call)
  return convolveTransposed(call.to, call.name, {
    ...convSpec(call, null),
    x: call.input(2),
    outputSpatial: lengths?.length === 4 ? (first ? lengths.slice(2) : lengths.slice(1, 3)) : null,
  })
}

export const pool2d =
  (kind: 'MaxPool' | 'AveragePool') =>
  (call: OpCall): Value => {
    const kernel = spatial(call, 'ksize')
    return pool(call.to, call.name, kind, call.input(0), {
      kernel,
      strides: spatial(call, 'strides'),
      dilations: [1, 1],
      padding: paddingOf(call),
      isChannelsFirst: isChannelsFirst(call),
    })
  }

/** [begin, end] of each spatial axis from a matrix of two columns. */
function pairsOf(numbers: readonly number[]): [number, number][] {
  return Array.from({ length: Math.floor(numbers.length / 2) }, (_, i): [number, number] => [
    numbers[2 * i]!,
    numbers[2 * i + 1]!,
  ])
}

/** The first third of a dilated convolution. Source: TensorFlow, space_to_batch. */
export function spaceToBatch(call: OpCall): Value {
  const source = call.input(0)
  const block = call.numbers(1)
  const pads = pairsOf(call.numbers(2))
  if (source.dims.length !== 4 || block.length !== 2 || pads.length !== 2) {
    throw new Unsupported(`makes batches of an input of rank ${source.dims.length} by a block of ${block.length} axes`)
  }
  if (block.some((size) => size < 1 || size > 4096) || pads.flat().some((amount) => amount < 0 || amount > 2 ** 20)) {
    throw new Malformed(`has a block of [${block.join(', ')}] with paddings of [${pads.join('; ')}]`)
  }
  const dims = [null, null, null, source.dims[3]!]
  return {
    name: call.name,
    dataType: source.dataType,
    dims,
    forms: new Map(),
    constant: null,
    reshapeOf: null,
    spaced: { source, block, pads, convolve: null },
  }
}

/** The last third: what is cut off the result was padded for the block's sake only. */
export function batchToSpace(call: OpCall): Value {
  const { spaced } = call.input(0)
  const block = call.numbers(1)
  const crops = pairsOf(call.numbers(2))
  if (!spaced?.convolve || block.join() !== spaced.block.join()) {
    throw new Unsupported('is understood only behind a convolution of what SpaceToBatchND makes')
  }
  const pads = spaced.pads.map(([begin, end], i): [number, number] => [
    begin - (crops[i]?.[0] ?? 0),
    end - (crops[i]?.[1] ?? 0),
  ])
  if (pads.flat().some((amount) => amount < 0))
    throw new Unsupported(`cuts [${crops.join('; ')}], more than was padded`)
  return spaced.convolve(spaced.source, block, pads)
}
