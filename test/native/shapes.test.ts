import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Dim } from '../../src/shared/contract/tensor.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor, Feeds } from '../../src/main/engines/port.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import type { Fact } from '../../src/main/graph/shapes/index.ts'
import { inferShapes, shapeText } from '../../src/main/graph/shapes/index.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import type { Declared, OpCase } from '../builders/op-case.ts'
import { feedsOf, modelOf, titleOf } from '../builders/op-case.ts'
import { opCases } from '../builders/op-cases/index.ts'
import { shapeGraphs } from '../builders/shape-graphs.ts'
import { sharedModels } from '../builders/shared.ts'

const engine = createOrtEngine()

async function run(model: Model, feeds: Feeds): Promise<Feeds> {
  const session = await engine.createSession(modelBytes(model), { optimization: 'disabled', threads: 1 })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

/** What is wrong with an inferred fact, given the tensor that really came; null when nothing is. */
function contradiction(
  fact: Fact | undefined,
  actual: EngineTensor,
  lengths: Readonly<Record<string, number>>,
): string | null {
  if (fact === undefined) return 'not inferred'
  const holds = (dim: Dim, i: number): boolean =>
    dim === null || (typeof dim === 'string' ? lengths[dim] : dim) === actual.dims[i]
  if (fact.shape !== null && !(fact.shape.length === actual.dims.length && fact.shape.every(holds))) {
    return `inferred ${shapeText(fact.shape)}, came [${actual.dims.join(',')}]`
  }
  if (fact.dataType !== null && fact.dataType !== actual.dataType)
    return `inferred ${fact.dataType}, came ${actual.dataType}`
  const value = (v: Dim): number | null => (typeof v === 'string' ? lengths[v]! : v)
  const wrong = fact.values?.some((v, i) => v !== null && value(v) !== Number(actual.data[i])) ?? false
  return wrong ? `inferred the values ${fact.values!.join()}, came ${actual.data.join()}` : null
}

function symbolsOf(example: OpCase): Record<string, number> {
  const lengths: Record<string, number> = {}
  example.operands.forEach((operand, i) => {
    if (operand.kind === 'feed') operand.tensor.dims.forEach((dim, axis) => (lengths[`d${i}_${axis}`] = dim))
  })
  return lengths
}

const declarations: readonly Declared[] = ['lengths', 'symbols', 'nothing']
const operators = [...new Set(opCases.map(({ op }) => op))]

describe('inferShapes against what ONNX Runtime gives', () => {
  it.each(operators)('%s', async (op) => {
    const wrong: string[] = []
    for (const example of opCases.filter((candidate) => candidate.op === op)) {
      const actual = await run(modelOf(example), feedsOf(example))
      for (const declared of declarations) {
        const facts = inferShapes(modelOf(example, declared))
        for (const [name, tensor] of Object.entries(actual)) {
          const message = contradiction(facts.get(name), tensor, symbolsOf(example))
          if (message !== null) wrong.push(`${titleOf(example)} (${declared}) ${name}: ${message}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it.each(shapeGraphs)('$why', async ({ model, lengths, expected }) => {
    const facts = inferShapes(model)
    const [input] = model.graph.inputs
    const dims = input!.shape!.map((dim) => (typeof dim === 'number' ? dim : lengths[dim!]!))
    const x: EngineTensor = {
      dataType: 'float',
      dims,
      data: normals(
        seeded(1),
        dims.reduce((a, b) => a * b, 1),
      ),
    }
    const actual = await run(withAllOutputs(model), { x })
    const wrong = Object.entries(actual).flatMap(
      ([name, tensor]) => contradiction(facts.get(name), tensor, lengths) ?? [],
    )
    expect(wrong).toEqual([])
    expect(facts.get(model.graph.outputs[0]!.name)!.shape).toEqual(expected)
  })
})

/** Every tensor that a node writes becomes an output. */
function withAllOutputs(model: Model): Model {
  const names = new Set([...model.graph.nodes.flatMap((node) => node.outputs)].filter((name) => name !== ''))
  const outputs = [...names].map((name) => ({ name, dataType: null, shape: null }))
  return { ...model, graph: { ...model.graph, outputs } }
}

describe.skipIf(sharedModels().length === 0)('inferShapes on the development models', () => {
  it.each(sharedModels().map((file) => ({ file, name: path.basename(file) })))(
    '$name: every tensor',
    async ({ file }) => {
      const model = decodeModel(fs.readFileSync(file))
      const facts = inferShapes(model)
      const constants = model.graph.initializers
      const lengths: Record<string, number> = {}
      const feeds: Record<string, EngineTensor> = {}
      for (const input of model.graph.inputs.filter(({ name }) => !constants.has(name))) {
        const dims = input.shape!.map((dim) => (typeof dim === 'number' ? dim : (lengths[dim ?? ''] = 2)))
        feeds[input.name] = {
          dataType: 'float',
          dims,
          data: normals(
            seeded(1),
            dims.reduce((a, b) => a * b, 1),
          ),
        }
      }
      const actual = await run(withAllOutputs(model), feeds)
      const wrong = Object.entries(actual).flatMap(
        ([name, tensor]) => contradiction(facts.get(name), tensor, lengths) ?? [],
      )
      expect(wrong).toEqual([])
      // all of them are told: nothing in these graphs depends on the data
      expect(Object.keys(actual).filter((name) => facts.get(name)!.shape?.includes(null) ?? true)).toEqual([])
    },
  )
})
