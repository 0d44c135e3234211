import { describe, expect, it } from 'vitest'
import type { Model, ValueInfo } from '../../../src/main/graph/model.ts'
import { cutVariant, exposeTensors, type Suffix } from '../../../src/main/search/cuts.ts'
import { ValueNumbers } from '../../../src/main/search/values.ts'
import { floatTensor } from '../../../src/main/graph/tensors.ts'
import { built } from '../../builders/prepared.ts'
import type { ModelBuilder } from '../../builders/model-builder.ts'

/** Everything the base computes or is fed with can be handed over, but for the names left out. */
function cuttableOf({ graph }: Model, without: readonly string[] = []): Map<string, ValueInfo> {
  const names = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap((node) => node.outputs)]
  return new Map(
    names.filter((name) => !without.includes(name)).map((name) => [name, { name, dataType: 'float', shape: null }]),
  )
}

function cut(base: Model, variant: Model, without: readonly string[] = []): Suffix {
  const numbers = new ValueNumbers()
  const numbered = numbers.number(base)
  return cutVariant(numbered, numbers.fork().number(variant), cuttableOf(base, without))
}

const opsOf = ({ model }: Suffix): string[] => model.graph.nodes.map((node) => node.opType)
const sourcesOf = ({ frontier }: Suffix): string[] => frontier.map(({ tensor }) => tensor).sort()

/** A residual block: two branches of one input, joined; `change` doubles what one node computes. */
function residual(change: 'stem' | 'left' | 'right' | 'head' | null, prefix = ''): Model {
  return built(
    (b) => {
      b.input('x', ['N', 4])
      const step = (name: string, input: string): string => {
        const y = b.node('Gemm', [input, weight(b, name)], {}, { name: prefix + name, outputs: [prefix + `${name}_y`] })
        return change === name ? b.node('Add', [y, y], {}, { name: `${name}/twice` }) : y
      }
      const stem = step('stem', 'x')
      const left = step('left', stem)
      const right = step('right', stem)
      const joined = b.node('Add', [left, right], {}, { name: `${prefix}join`, outputs: [`${prefix}joined`] })
      const skip = b.node('Add', [joined, stem], {}, { name: `${prefix}skip`, outputs: [`${prefix}skipped`] })
      return b.node('Identity', [step('head', skip)], {}, { outputs: ['y'] })
    },
    { seed: 3 },
  )
}

function weight(b: ModelBuilder, name: string): string {
  const seed = name.length
  return b.constant(
    floatTensor(
      `${name}/w`,
      [4, 4],
      Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * seed)),
    ),
  )
}

describe('the suffix of a variant', () => {
  it('starts at what changed and reads its side inputs from the base', () => {
    const suffix = cut(residual(null), residual('left'))
    expect(opsOf(suffix)).toEqual(['Add', 'Add', 'Add', 'Gemm', 'Identity'])
    expect(sourcesOf(suffix)).toEqual(['left_y', 'right_y', 'stem_y'])
    expect(suffix.model.graph.inputs.map(({ name }) => name).sort()).toEqual(['left_y', 'right_y', 'stem_y'])
  })

  it('leaves out the branch beside it', () => {
    const suffix = cut(residual(null), residual('right'))
    expect(suffix.model.graph.nodes.some((node) => node.name === 'left')).toBe(false)
    expect([...suffix.model.graph.initializers.keys()]).toEqual(['head/w'])
  })

  it('at the head is the head alone', () => {
    expect(opsOf(cut(residual(null), residual('head')))).toEqual(['Add', 'Identity'])
  })

  it('at the stem is all but the stem', () => {
    expect(sourcesOf(cut(residual(null), residual('stem')))).toEqual(['stem_y'])
  })

  it('goes by values, not names', () => {
    const renamed = cut(residual(null), residual('left', 'other/'))
    expect(sourcesOf(renamed)).toEqual(['left_y', 'right_y', 'stem_y'])
    expect(renamed.frontier.find(({ tensor }) => tensor === 'right_y')!.input).toBe('other/right_y')
  })

  it('of an equal variant hands the base through', () => {
    const suffix = cut(residual(null), residual(null))
    expect(opsOf(suffix)).toEqual(['Identity'])
    expect(suffix.frontier).toEqual([{ input: 'y/base', tensor: 'y' }])
    expect(suffix.model.graph.outputs.map(({ name }) => name)).toEqual(['y'])
  })

  it('recomputes what cannot be handed over', () => {
    const suffix = cut(residual(null), residual('left'), ['right_y'])
    expect(sourcesOf(suffix)).toEqual(['left_y', 'stem_y'])
    expect(suffix.model.graph.nodes.map((node) => node.name)).toContain('right')
    expect([...suffix.model.graph.initializers.keys()].sort()).toEqual(['head/w', 'right/w'])
  })

  it('never reads a constant from the base', () => {
    const model = (twice: boolean): Model =>
      built((b) => {
        b.input('x', ['N', 4])
        const w = b.node('Neg', [weight(b, 'abc')], {}, { outputs: ['w'] })
        const y = b.node('MatMul', ['x', w])
        return twice ? b.node('Add', [b.node('MatMul', [y, w]), y]) : y
      })
    const suffix = cut(model(false), model(true))
    expect(sourcesOf(suffix)).not.toContain('w')
    expect(opsOf(suffix)).toContain('Neg')
  })

  it('tells constants of equal shape apart by their content', () => {
    const model = (last: number): Model =>
      built((b) => {
        b.input('x', ['N', 2])
        return b.node('MatMul', ['x', b.constant(floatTensor('w', [2, 1], [1, last]))], {}, { outputs: ['y'] })
      })
    expect(opsOf(cut(model(1), model(2)))).toEqual(['MatMul'])
    expect(opsOf(cut(model(1), model(1)))).toEqual(['Identity'])
  })
})

describe('an activation that a quantizer takes over', () => {
  /** x → Relu → Q → DQ, or without the Relu, as the runtime drops it before a quantizer that saturates at 0. */
  const model = (relu: boolean, quantized: boolean, zeroPoint: number): Model =>
    built(
      (b) => {
        b.input('x', ['N', 4])
        const y = b.node('Gemm', ['x', weight(b, 'ab')], {}, { outputs: ['sum'] })
        const kept = relu ? b.node('Relu', [y], {}, { outputs: ['kept'] }) : y
        if (!quantized) return b.node('Neg', [kept])
        const scale = b.constant(floatTensor('s', [], [0.02]))
        const zero = b.constant({ name: 'z', dataType: 'uint8', dims: [], data: Uint8Array.of(zeroPoint) })
        return b.node('DequantizeLinear', [b.node('QuantizeLinear', [kept, scale, zero]), scale, zero])
      },
      { opset: 13 },
    )

  it('is read from the base with its activation', () => {
    expect(sourcesOf(cut(model(true, false, 0), model(false, true, 0), ['sum']))).toEqual(['kept'])
  })

  it('is not, where the quantizer keeps negative values', () => {
    expect(sourcesOf(cut(model(true, false, 0), model(false, true, 100), ['sum']))).toEqual(['x'])
  })
})

describe('exposing', () => {
  it('adds outputs once and leaves inputs and outputs alone', () => {
    const exposed = exposeTensors(residual(null), ['stem_y', 'x', 'y', 'stem_y'])
    expect(exposed.graph.outputs.map(({ name }) => name)).toEqual(['y', 'stem_y'])
  })
})
