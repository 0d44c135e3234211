import { expect, it } from 'vitest'
import { defaultPlan } from '../../../src/shared/contract/plan.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { resolvePlan } from '../../../src/main/quant/resolve-plan.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { planWith, prepare } from '../../builders/quantizing.ts'

function integerArithmetic(body: (b: ModelBuilder) => void, keepFloat: readonly string[] = []): string[] {
  const b = new ModelBuilder()
  b.input('x', ['N', 4, 8, 8])
  body(b)
  const model: Model = b.build()
  const prepared = prepare(model)
  const plan =
    keepFloat.length > 0 ? planWith(Object.fromEntries(keepFloat.map((id) => [id, 'float' as const]))) : defaultPlan
  const { layers } = resolvePlan(plan, prepared.layers, prepared.model)
  return layers
    .filter(({ layer, decision }) => layer.role === 'arithmetic' && decision.kind === 'quantized')
    .map(({ layer }) => layer.id)
}

const conv = (b: ModelBuilder, x: string, name: string): string =>
  b.node('Conv', [x, b.weights([4, 4, 1, 1])], {}, { name })

it('takes an addition between convolutions', () => {
  const body = (b: ModelBuilder): void => {
    const first = conv(b, 'x', 'first')
    b.output(conv(b, b.node('Add', [conv(b, first, 'second'), first], {}, { name: 'add' }), 'third'))
  }
  expect(integerArithmetic(body)).toEqual(['add'])
  expect(integerArithmetic(body, ['third'])).toEqual([])
  expect(integerArithmetic(body, ['first', 'second'])).toEqual([])
})

it('looks through movement and other arithmetic', () => {
  const chain = integerArithmetic((b) => {
    const pooled = b.node('AveragePool', [conv(b, 'x', 'first')], { kernel_shape: [2, 2] }, { name: 'average' })
    const moved = b.node('MaxPool', [pooled], { kernel_shape: [2, 2] }, { name: 'max' })
    b.output(conv(b, b.node('Concat', [moved, moved], { axis: 2 }, { name: 'concat' }), 'second'))
  })
  expect(chain).toEqual(['average', 'concat'])
})

it('leaves what follows the last weighted layer in float: box decoding, scores', () => {
  const tail = integerArithmetic((b) => {
    const head = conv(b, 'x', 'head')
    b.output(b.node('Softmax', [head], { axis: 1 }, { name: 'softmax' }))
    b.output(b.node('Mul', [b.node('Exp', [head]), b.floats([0.2], [])], {}, { name: 'mul' }))
  })
  expect(tail).toEqual([])
})

it('leaves what precedes the first weighted layer in float', () => {
  expect(
    integerArithmetic(
      (b) =>
        void b.output(
          conv(b, b.node('Mul', ['x', b.floats([0.2, 0.3, 0.4, 0.5], [1, 4, 1, 1])], {}, { name: 'mul' }), 'first'),
        ),
    ),
  ).toEqual([])
})
