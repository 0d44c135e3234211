import { Fault } from '../../shared/contract/fault.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'

/** What a curve of the sweep changes the bits of; what it does not change keeps the bits of the template, 8 unless told. */
export type BitsCurve = 'weights' | 'activations' | 'both'

/** Every curve, in the order they are drawn. */
export const BITS_CURVES: readonly BitsCurve[] = ['weights', 'activations', 'both']

const LOWEST = 1
const HIGHEST = 8

/**
 * Bit widths from `1-8`, `2,4,8` or both mixed: ascending, each once.
 * @throws Fault usage.bits naming what is not understood
 */
export function parseBits(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim())
  const bits = new Set<number>()
  for (const part of parts) {
    const match = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(part)
    if (!match) throw refuse(text, `"${part}" is neither a number nor a range`)
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (from > to) throw refuse(text, `the range ${part} ends before it starts`)
    if (from < LOWEST || to > HIGHEST) throw refuse(text, `${part} is outside ${LOWEST} to ${HIGHEST}`)
    for (let value = from; value <= to; value++) bits.add(value)
  }
  return [...bits].sort((a, b) => a - b)
}

function refuse(text: string, why: string): Fault {
  return new Fault('usage.bits', `--bits ${text} is not understood: ${why}. Write for example 1-8 or 2,4,8.`, {
    bits: text,
  })
}

/**
 * The curves from `weights,both`; all of them when null.
 * @throws Fault usage.curve
 */
export function parseCurves(names: readonly string[] | null): BitsCurve[] {
  if (names === null) return [...BITS_CURVES]
  const unknown = names.find((name) => !BITS_CURVES.some((known) => known === name))
  if (unknown !== undefined || names.length === 0)
    throw new Fault(
      'usage.curve',
      `--what ${unknown ?? ''} is not known: choose from ${BITS_CURVES.join(', ')}, separated by commas.`,
    )
  return BITS_CURVES.filter((known) => names.includes(known))
}

/**
 * The plan of one point: the template with `bits` in its defaults. One bit is affine {0, 1} on either side, whatever the template says:
 * symmetric it would hold nothing but 0. The integers of fewer bits lie in the template's containers.
 * Source: DESIGN section 5, "Bits 1–8".
 */
export function planOfBits(curve: BitsCurve, bits: number, template: QuantPlan): QuantPlan {
  const { weights, activations } = template.defaults
  const isAffine = bits === 1
  const storage = isAffine && weights.storage === 'int8' ? 'uint8' : weights.storage
  return {
    ...template,
    defaults: {
      ...template.defaults,
      ...(curve === 'activations'
        ? {}
        : { weights: { ...weights, bits, storage, symmetric: isAffine ? false : weights.symmetric } }),
      ...(curve === 'weights'
        ? {}
        : { activations: { ...activations, bits, symmetric: isAffine ? false : activations.symmetric } }),
    },
  }
}
