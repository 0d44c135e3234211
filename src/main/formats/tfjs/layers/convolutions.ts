import { activate } from '../lower/activations.ts'
import { convolve, convolveDepthwise, convolveTransposed } from '../lower/convolution.ts'
import { pool, poolGlobally } from '../lower/pooling.ts'
import { FAR_END, pad, slice } from '../lower/arrange.ts'
import { resize } from '../lower/resize.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Value } from '../lower/value.ts'
import { onlyInput, type Call } from './call.ts'

interface Common {
  readonly x: Value
  readonly strides: number[]
  readonly dilations: number[]
  readonly padding: 'same' | 'valid'
  readonly isChannelsFirst: boolean
}

/** What all convolution layers share; `spatial`: number of spatial axes. */
function commonOf(call: Call, spatial: number): Common {
  const { config } = call
  const x = inputOf(call, spatial)
  return {
    x,
    strides: config.numbers('strides', spatial, 1),
    dilations: config.numbers('dilation_rate', spatial, 1),
    padding: config.padding(),
    isChannelsFirst: config.isChannelsFirst(),
  }
}

function inputOf(call: Call, spatial: number): Value {
  const x = onlyInput(call)
  if (x.dims.length === spatial + 2) return x
  throw new Malformed(`gets an input of rank ${x.dims.length}, expected ${spatial + 2}`)
}

function channels({ x, isChannelsFirst }: Common): number | null {
  const dim: Dim = isChannelsFirst ? x.dims[1]! : x.dims.at(-1)!
  return typeof dim === 'number' ? dim : null
}

function biasOf({ config, weight }: Call, count: number | null): Value | null {
  return config.boolean('use_bias', true) ? weight('bias', [count]) : null
}

function activated({ to, name, config }: Call, x: Value): Value {
  return activate(to, `${name}/${config.activation()}`, config.activation(), x)
}

/** Conv1D and Conv2D. */
export const convLayer =
  (spatial: number) =>
  (call: Call): Value => {
    const { to, name, config, weight } = call
    const common = commonOf(call, spatial)
    const filters = config.number('filters', NaN)
    const groups = config.number('groups', 1)
    const inner = channels(common)
    const kernel = weight('kernel', [
      ...config.numbers('kernel_size', spatial, null),
      inner === null ? null : inner / groups,
      filters,
    ])
    return activated(call, convolve(to, name, { ...common, kernel, bias: biasOf(call, filters) }))
  }

export function depthwiseLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const common = commonOf(call, 2)
  const multiplier = config.number('depth_multiplier', 1)
  const inner = channels(common)
  const kernel = weight('depthwise_kernel', [...config.numbers('kernel_size', 2, null), inner, multiplier])
  const bias = biasOf(call, inner === null ? null : inner * multiplier)
  return activated(call, convolveDepthwise(to, name, { ...common, kernel, bias }))
}

export function separableLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const common = commonOf(call, 2)
  const multiplier = config.number('depth_multiplier', 1)
  const filters = config.number('filters', NaN)
  const inner = channels(common)
  const kernel = weight('depthwise_kernel', [...config.numbers('kernel_size', 2, null), inner, multiplier])
  const deep = convolveDepthwise(to, `${name}/depthwise`, { ...common, kernel, bias: null })
  const pointwise = weight('pointwise_kernel', [1, 1, inner === null ? null : inner * multiplier, filters])
  const spec = { ...common, x: deep, strides: [1, 1], dilations: [1, 1], padding: 'valid' as const }
  return activated(call, convolve(to, name, { ...spec, kernel: pointwise, bias: biasOf(call, filters) }))
}

export function convTransposeLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const common = commonOf(call, 2)
  const filters = config.number('filters', NaN)
  const kernel = weight('kernel', [...config.numbers('kernel_size', 2, null), filters, channels(common)])
  if (config.get('output_padding') !== null) throw new Unsupported('has an output_padding')
  const spec = { ...common, kernel, bias: biasOf(call, filters), outputSpatial: null }
  return activated(call, convolveTransposed(to, name, spec))
}

/** MaxPooling and AveragePooling over one or two axes. */
export const poolLayer =
  (kind: 'MaxPool' | 'AveragePool', spatial: number) =>
  (call: Call): Value => {
    const { to, name, config } = call
    const { x, padding, isChannelsFirst } = commonOf(call, spatial)
    const kernel = config.numbers('pool_size', spatial, 2)
    const strides = config.get('strides') === null ? kernel : config.numbers('strides', spatial, null)
    return pool(to, name, kind, x, { kernel, strides, dilations: kernel.map(() => 1), padding, isChannelsFirst })
  }

export const globalPoolLayer =
  (kind: 'GlobalMaxPool' | 'GlobalAveragePool', spatial: number) =>
  (call: Call): Value => {
    const { to, name, config } = call
    const x = inputOf(call, spatial)
    const isChannelsFirst = config.isChannelsFirst()
    return poolGlobally(to, name, kind, x, { keepDims: config.get('keepdims') === true, isChannelsFirst })
  }

/** [[top, bottom], [left, right]] of a padding or cropping. */
function borders({ config }: Call, key: string, fallback: number): [number, number][] {
  const value = config.get(key) ?? fallback
  const sides = typeof value === 'number' ? [value, value] : value
  if (!Array.isArray(sides) || sides.length !== 2) throw new Malformed(`has ${key} that is not two borders`)
  return sides.map((side: unknown): [number, number] => {
    const pair = typeof side === 'number' ? [side, side] : side
    if (
      !Array.isArray(pair) ||
      pair.length !== 2 ||
      !pair.every((item) => Number.isSafeInteger(item) && item >= 0 && item < 2 ** 20)
    ) {
      throw new Malformed(`has ${key} that is not two borders`)
    }
    return [pair[0] as number, pair[1] as number]
  })
}

function overSpatial(call: Call, pairs: readonly [number, number][]): [number, number][] {
  return call.config.isChannelsFirst() ? [[0, 0], [0, 0], ...pairs] : [[0, 0], ...pairs, [0, 0]]
}

export function zeroPaddingLayer(call: Call): Value {
  return pad(call.to, call.name, inputOf(call, 2), overSpatial(call, borders(call, 'padding', 1)))
}

export function croppingLayer(call: Call): Value {
  const x = inputOf(call, 2)
  const parts = overSpatial(call, borders(call, 'cropping', 0)).map(([begin, end], axis) => ({
    axis,
    begin,
    end: end === 0 ? FAR_END : -end,
    step: 1,
  }))
  return slice(call.to, call.name, x, parts)
}

export function upSamplingLayer(call: Call): Value {
  const { to, name, config } = call
  const x = inputOf(call, 2)
  const isChannelsFirst = config.isChannelsFirst()
  const [height, width] = config.numbers('size', 2, 2)
  const method = config.string('interpolation', 'nearest')
  if (method !== 'nearest' && method !== 'bilinear')
    throw new Unsupported(`has the interpolation "${method.slice(0, 40)}"`)
  const size = { scales: [height!, width!] as const }
  return resize(to, name, { x, method, size, alignCorners: false, halfPixelCenters: false, isChannelsFirst })
}
