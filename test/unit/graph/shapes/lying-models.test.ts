import { expect, it } from 'vitest'
import { NEWEST_OPSET, upgradeOpset } from '../../../../src/main/formats/onnx/upgrade/index.ts'
import type { Attribute, Model, Node, Tensor } from '../../../../src/main/graph/model.ts'
import { inferShapes } from '../../../../src/main/graph/shapes/index.ts'
import { seeded } from '../../../builders/model-builder.ts'
import { modelOf } from '../../../builders/op-case.ts'
import { opCases } from '../../../builders/op-cases/index.ts'

const strange = [
  0n,
  -1n,
  1n,
  2n,
  -2n,
  7n,
  100n,
  -100n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 40n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
]

/** The model with a few numbers, names and lists of one node changed for others. */
function mutated(model: Model, random: () => number): Model {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const often = (): boolean => random() < 0.4
  const list = (values: readonly bigint[]): bigint[] => {
    const changed = values.map((value) => (often() ? pick(strange) : value))
    return random() < 0.2 ? changed.slice(1) : random() < 0.2 ? [...changed, pick(strange)] : changed
  }
  const attribute = (value: Attribute): Attribute => {
    if (random() < 0.1) return { kind: 'float', value: NaN }
    if (value.kind === 'ints') return { kind: 'ints', value: list(value.value) }
    return value.kind === 'int' && often() ? { kind: 'int', value: pick(strange) } : value
  }
  const tensor = (value: Tensor): Tensor => {
    const dims = random() < 0.2 ? list(value.dims.map(BigInt)).map(Number) : value.dims
    if (value.dataType !== 'int64' || value.data.length === 0 || !often()) return { ...value, dims }
    const data = value.data.slice()
    new DataView(data.buffer).setBigInt64(8 * Math.floor((random() * data.length) / 8), pick(strange), true)
    return { ...value, dims, data }
  }
  const node = (value: Node): Node => ({
    ...value,
    inputs: random() < 0.2 ? value.inputs.slice(1) : value.inputs.map((name) => (random() < 0.1 ? '' : name)),
    attributes: new Map([...value.attributes].filter(() => random() > 0.1).map(([name, a]) => [name, attribute(a)])),
  })
  const { graph } = model
  return {
    ...model,
    graph: {
      ...graph,
      nodes: graph.nodes.map(node),
      initializers: new Map([...graph.initializers].map(([name, value]) => [name, tensor(value)])),
      inputs: graph.inputs.map((input) =>
        often() ? { ...input, shape: list(input.shape!.map((d) => BigInt(d!))).map(Number) } : input,
      ),
    },
  }
}

it('models with impossible numbers are reported, never thrown at', () => {
  const random = seeded(11)
  let reported = 0
  for (const example of opCases) {
    for (let i = 0; i < 5; i++) {
      const model = mutated(modelOf(example), random)
      inferShapes(model, { onProblem: () => reported++ })
      const upgraded = upgradeOpset(model, NEWEST_OPSET, () => reported++)
      inferShapes(upgraded, { onProblem: () => reported++ })
    }
  }
  expect(reported).toBeGreaterThan(1000)
})
