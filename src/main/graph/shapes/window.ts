import { intAttribute, intsAttribute, stringAttribute } from '../attributes.ts'
import type { Node } from '../model.ts'

/** How a sliding window runs along one spatial axis. All lengths in elements. */
export interface WindowSpec {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly padBegin: number
  readonly padEnd: number
  readonly autoPad: AutoPad
  /** pools only */
  readonly ceilMode: boolean
}

export type AutoPad = 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID'

/**
 * The windows of a convolution's or pooling's spatial axes, as its attributes say.
 * @param kernel a length for each spatial axis
 */
export function windowSpecs(node: Node, kernel: readonly number[]): WindowSpec[] {
  const strides = intsAttribute(node, 'strides')
  const dilations = intsAttribute(node, 'dilations')
  const pads = intsAttribute(node, 'pads')
  const isPool = node.opType.endsWith('Pool')
  return kernel.map((length, axis) => ({
    kernel: length,
    stride: strides?.[axis] ?? 1,
    dilation: dilations?.[axis] ?? 1,
    padBegin: pads?.[axis] ?? 0,
    padEnd: pads?.[axis + kernel.length] ?? 0,
    autoPad: stringAttribute(node, 'auto_pad', 'NOTSET') as AutoPad,
    ceilMode: isPool && intAttribute(node, 'ceil_mode', 0) === 1,
  }))
}

/** Output length and the padding that is really applied along one axis. */
export interface WindowResult {
  readonly output: number
  readonly padBegin: number
  readonly padEnd: number
}

/** Elements a dilated kernel spans. */
function windowSpan(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1
}

/**
 * Padding and output length of a convolution along one axis of length `input`.
 * The output is negative or 0 when the padded input is shorter than the kernel.
 * Source: ONNX Conv-11: SAME pads so that output = ceil(input / stride), the odd element at the end (UPPER) or the beginning (LOWER).
 */
export function convOutput(input: number, spec: WindowSpec): WindowResult {
  const { padBegin, padEnd } = resolvePads(input, spec)
  const room = input + padBegin + padEnd - windowSpan(spec.kernel, spec.dilation)
  return { output: Math.floor(room / spec.stride) + 1, padBegin, padEnd }
}

/**
 * As `convOutput`, for pools. With ceil_mode a last window that would start in the end padding is dropped.
 * Source: ONNX MaxPool-22 and AveragePool-22; onnx/onnx pull request 5741.
 */
export function poolOutput(input: number, spec: WindowSpec): WindowResult {
  const { padBegin, padEnd } = resolvePads(input, spec)
  const room = input + padBegin + padEnd - windowSpan(spec.kernel, spec.dilation)
  if (!spec.ceilMode) return { output: Math.floor(room / spec.stride) + 1, padBegin, padEnd }
  const output = Math.ceil(room / spec.stride) + 1
  return { output: (output - 1) * spec.stride >= input + padBegin ? output - 1 : output, padBegin, padEnd }
}

/**
 * Output length and cropping of a transposed convolution along one axis.
 * @param outputPadding extra elements at the end
 * @param outputShape the length asked for by the attribute output_shape, or null
 * Source: ONNX ConvTranspose-11.
 */
export function convTransposeOutput(
  input: number,
  spec: WindowSpec,
  outputPadding: number,
  outputShape: number | null,
): WindowResult {
  const full = (input - 1) * spec.stride + outputPadding + windowSpan(spec.kernel, spec.dilation)
  const same = spec.autoPad === 'SAME_UPPER' || spec.autoPad === 'SAME_LOWER'
  const output = outputShape ?? (same ? input * spec.stride : null)
  if (output === null) {
    const pads =
      spec.autoPad === 'VALID' ? { padBegin: 0, padEnd: 0 } : { padBegin: spec.padBegin, padEnd: spec.padEnd }
    return { output: full - pads.padBegin - pads.padEnd, ...pads }
  }
  const total = Math.max(0, full - output)
  const small = Math.floor(total / 2)
  const upper = spec.autoPad === 'SAME_UPPER'
  return { output, padBegin: upper ? small : total - small, padEnd: upper ? total - small : small }
}

/** True when the window leaves every axis length as it is, so that an unknown length is kept too. */
export function keepsLength(spec: WindowSpec): boolean {
  if (spec.stride !== 1) return false
  if (spec.autoPad === 'SAME_UPPER' || spec.autoPad === 'SAME_LOWER') return true
  const pads = spec.autoPad === 'VALID' ? 0 : spec.padBegin + spec.padEnd
  return pads === windowSpan(spec.kernel, spec.dilation) - 1
}

function resolvePads(input: number, spec: WindowSpec): { padBegin: number; padEnd: number } {
  if (spec.autoPad === 'NOTSET') return { padBegin: spec.padBegin, padEnd: spec.padEnd }
  if (spec.autoPad === 'VALID') return { padBegin: 0, padEnd: 0 }
  const output = Math.ceil(input / spec.stride)
  const total = Math.max(0, (output - 1) * spec.stride + windowSpan(spec.kernel, spec.dilation) - input)
  const small = Math.floor(total / 2)
  return spec.autoPad === 'SAME_UPPER'
    ? { padBegin: small, padEnd: total - small }
    : { padBegin: total - small, padEnd: small }
}
