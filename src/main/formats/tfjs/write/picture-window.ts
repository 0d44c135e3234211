import type { Node } from '../../../graph/model.ts'
import { convOutput, poolOutput, windowSpecs, type WindowSpec } from '../../../graph/shapes/index.ts'
import { Unsupported } from '../lower/problem.ts'
import type { Forms } from './forms.ts'

/** A window over pictures [batch, channels, height, width], as convolutions and poolings have it. */
export interface PictureWindow {
  readonly kernel: number[]
  readonly strides: number[]
  readonly dilations: number[]
  /** [begin, end] of height and width, as really applied */
  readonly pads: [number, number][]
  /** TensorFlow's SAME pads just so */
  readonly isSame: boolean
  /** padding at the end as the model has it, without what rounding up reads beyond */
  readonly ends: number[]
  readonly outputs: (number | null)[]
}

/** The window of a node over pictures. @throws Unsupported for other ranks, or padding that depends on open lengths */
export function windowOf(to: Forms, node: Node, kernel: number[]): PictureWindow {
  const dims = to.dims(node.inputs[0]!)
  if (dims.length !== 4 || kernel.length !== 2)
    throw new Unsupported(`runs a window over an input of rank ${dims.length}; pictures of rank 4 are written`)
  const specs = windowSpecs(node, kernel)
  const axes = specs.map((spec, i) => axisOf(dims[i + 2]!, spec))
  return {
    kernel,
    strides: specs.map(({ stride }) => stride),
    dilations: specs.map(({ dilation }) => dilation),
    pads: axes.map(({ pad }) => pad),
    isSame: axes.every(({ isSame }) => isSame),
    ends: axes.map(({ end }) => end),
    outputs: axes.map(({ output }) => output),
  }
}

function axisOf(
  length: unknown,
  spec: WindowSpec,
): { pad: [number, number]; end: number; isSame: boolean; output: number | null } {
  const { kernel, stride, dilation, autoPad, padBegin, padEnd, ceilMode } = spec
  const span = (kernel - 1) * dilation + 1
  if (typeof length !== 'number') {
    if (autoPad === 'SAME_UPPER') return { pad: [0, 0], end: 0, isSame: true, output: null }
    if (autoPad === 'VALID') return { pad: [0, 0], end: 0, isSame: false, output: null }
    if (autoPad === 'SAME_LOWER' || ceilMode) throw new Unsupported('pads by an amount that depends on an open length')
    const isSame = stride === 1 && padBegin + padEnd === span - 1 && padBegin === Math.floor((span - 1) / 2)
    return { pad: [padBegin, padEnd], end: padEnd, isSame, output: null }
  }
  const { output, padBegin: begin, padEnd: end } = ceilMode ? poolOutput(length, spec) : convOutput(length, spec)
  const same = convOutput(length, { ...spec, autoPad: 'SAME_UPPER', ceilMode: false })
  const isSame = output === same.output && begin === same.padBegin && Math.max(end, 0) >= same.padEnd
  // rounding up reads beyond the end; a window never reads what lies behind the last place it starts from
  const reached = Math.max(0, (output - 1) * stride + span - length - begin)
  return { pad: [begin, isSame ? end : Math.max(ceilMode ? reached : end, 0)], end, isSame, output }
}
