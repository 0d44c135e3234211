import { expect, it } from 'vitest'
import { refuseHugeTensors } from '../../../src/main/jobs/prepare/refuse-huge.ts'
import { builtGraphs } from '../../builders/graphs.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'

it('a product too large for any memory is refused by its name', () => {
  const b = new ModelBuilder()
  const x = b.input('x', ['N', 65_536, 8])
  b.node('MatMul', [x, b.node('Transpose', [x], { perm: [0, 2, 1] })], {}, { outputs: ['scores'] })
  b.output('scores')
  expect(() => refuseHugeTensors(b.build())).toThrow(
    expect.objectContaining({
      code: 'model.tooLarge',
      message: expect.stringContaining('"scores" has shape [N, 65536, 65536]'),
    }),
  )
})

it('ordinary models pass', () => {
  for (const { model } of builtGraphs()) expect(() => refuseHugeTensors(model)).not.toThrow()
})
