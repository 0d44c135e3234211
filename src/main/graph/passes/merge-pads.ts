import type { Attribute, Node } from '../model.ts'
import { int, intAttribute, ints, intsAttribute, stringAttribute } from '../attributes.ts'
import { plainNumbers } from './constants/values.ts'
import { isStandard, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/**
 * Works a Pad by constant zeros along spatial axes into the `pads` of the Conv or AveragePool nodes that read it, where they
 * all can take it: Conv pads with zeros anyway, AveragePool does when it counts the padding. Fewer tensors to quantize, and
 * ONNX Runtime has no integer kernel for a Pad that is not itself between integers.
 */
export const mergePads: Pass = (model) => {
  const rewrite = new Rewrite(model)
  for (const { name } of model.graph.nodes) {
    const node = rewrite.node(name)
    if (node?.opType === 'Pad' && isStandard(node)) mergePad(rewrite, node)
  }
  return rewrite.finish()
}

function mergePad(rewrite: Rewrite, pad: Node): void {
  const [input, output] = [pad.inputs[0]!, pad.outputs[0]!]
  const amounts = spatialPads(rewrite, pad)
  const readers = rewrite.readers(output)
  if (amounts === null || readers.length === 0 || rewrite.isOutput(output)) return
  const merged = readers.map((reader) => withPads(reader, output, input, amounts))
  if (merged.some((reader) => reader === null)) return
  rewrite.remove(pad.name)
  for (const reader of merged) rewrite.replace(reader!)
}

/** [begin…, end…] of the spatial axes, or null where the Pad does anything but add zeros there. */
function spatialPads(rewrite: Rewrite, pad: Node): number[] | null {
  const pads = rewrite.constant(pad.inputs[1])
  const given = (pad.inputs[3] ?? '') !== ''
  const value = rewrite.constant(pad.inputs[2])
  const zero = (pad.inputs[2] ?? '') === '' || (value !== null && plainNumbers(value)?.[0] === 0)
  const amounts = pads && plainNumbers(pads)
  if (!amounts || given || !zero || stringAttribute(pad, 'mode', 'constant') !== 'constant') return null
  const rank = amounts.length / 2
  const begins = amounts.slice(0, rank)
  const ends = amounts.slice(rank)
  const outer = [...begins.slice(0, 2), ...ends.slice(0, 2)]
  if (rank < 3 || outer.some((amount) => amount !== 0) || amounts.some((amount) => amount < 0)) return null
  return [...begins.slice(2), ...ends.slice(2)]
}

/** The reader with the pads added and the padded tensor replaced by the one before; null where it cannot take them. */
function withPads(reader: Node, padded: string, input: string, amounts: readonly number[]): Node | null {
  if (!isStandard(reader) || reader.inputs[0] !== padded || reader.inputs.indexOf(padded, 1) > 0) return null
  const autoPad = stringAttribute(reader, 'auto_pad', 'NOTSET')
  const own = intsAttribute(reader, 'pads') ?? amounts.map(() => 0)
  if ((autoPad !== 'NOTSET' && autoPad !== 'VALID') || own.length !== amounts.length) return null
  const before = autoPad === 'VALID' ? amounts.map(() => 0) : own
  const attributes = new Map<string, Attribute>(reader.attributes)
  attributes.delete('auto_pad')
  const pads = before.map((amount, i) => amount + amounts[i]!)
  attributes.set('pads', ints(pads))
  if (reader.opType === 'Conv') return { ...reader, inputs: [input, ...reader.inputs.slice(1)], attributes }
  if (reader.opType !== 'AveragePool' || !poolTakes(reader, before, pads)) return null
  attributes.set('count_include_pad', int(1))
  return { ...reader, inputs: [input], attributes }
}

/** An AveragePool must count what it pads already, must not round up, and pads less than its window (ONNX Runtime). */
function poolTakes(pool: Node, before: readonly number[], pads: readonly number[]): boolean {
  const counts = intAttribute(pool, 'count_include_pad', 0) === 1 || before.every((amount) => amount === 0)
  const kernel = intsAttribute(pool, 'kernel_shape') ?? []
  const fits = pads.every((amount, i) => amount < (kernel[i % kernel.length] ?? 0))
  return counts && fits && intAttribute(pool, 'ceil_mode', 0) === 0
}
