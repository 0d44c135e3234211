import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor, Feeds } from '../../src/main/engines/port.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { NEWEST_OPSET, upgradeOpset } from '../../src/main/formats/onnx/upgrade/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import type { Problem } from '../../src/main/graph/problem.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import type { Declared, OpCase } from '../builders/op-case.ts'
import { feedsOf, modelOf, titleOf } from '../builders/op-case.ts'
import { opCases } from '../builders/op-cases/index.ts'
import { sharedModels } from '../builders/shared.ts'
import { upgradeGraphs } from '../builders/upgrade-graphs.ts'

const engine = createOrtEngine()

async function run(model: Model, feeds: Feeds): Promise<Feeds> {
  const session = await engine.createSession(modelBytes(model), { optimization: 'disabled', threads: 1 })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

function upgraded(model: Model, target: number): Model {
  const problems: Problem[] = []
  const result = upgradeOpset(model, target, (problem) => problems.push(problem))
  expect(problems).toEqual([])
  return result
}

/** Largest difference relative to max(1, |expected|); Infinity where types or shapes differ. */
function difference(expected: EngineTensor, actual: EngineTensor | undefined): number {
  if (actual?.dataType !== expected.dataType || actual.dims.join() !== expected.dims.join()) return Infinity
  let worst = 0
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(expected.data[i]), Number(actual.data[i])]
    if (Object.is(a, b)) continue
    const delta = Math.abs(a - b) / Math.max(1, Math.abs(a))
    worst = Math.max(worst, Number.isNaN(delta) ? Infinity : delta)
  }
  return worst
}

/**
 * All cases are equal bit for bit but two: ONNX Runtime computes AveragePool in another kernel from 19 on, which sums in
 * another order, and BatchNormalization with spatial 0 is written out in five operations.
 */
function toleranceOf(example: OpCase, target: number): number {
  const ulps = 4 * 2 ** -23
  if (example.op === 'AveragePool' && example.opset < 19 && target >= 19) return ulps
  return example.op === 'BatchNormalization' && example.attributes?.spatial === 0 ? ulps : 0
}

/** Operators that ONNX Runtime 1.30 has no kernel for at their newest definition, 22. */
const WITHOUT_KERNEL = new Set(['GlobalLpPool', 'MaxRoiPool', 'RoiAlign'])

const declarations: readonly Declared[] = ['lengths', 'symbols', 'nothing']
const targets = [13, 18, 21, NEWEST_OPSET]
const operators = [...new Set(opCases.map(({ op }) => op))]

function* upgradesOf(example: OpCase): Generator<{ declared: Declared; target: number }> {
  for (const target of targets) {
    if (target <= example.opset || (target > 21 && WITHOUT_KERNEL.has(example.op))) continue
    // what the file declares of shapes matters for the step to 13 at most
    for (const declared of target === 13 ? declarations : (['lengths'] as const)) yield { declared, target }
  }
}

describe('upgradeOpset: one operator before and after', () => {
  it.each(operators)('%s', async (op) => {
    const wrong: string[] = []
    for (const example of opCases.filter((candidate) => candidate.op === op)) {
      const expected = await run(modelOf(example), feedsOf(example))
      for (const { declared, target } of upgradesOf(example)) {
        const actual = await run(upgraded(modelOf(example, declared), target), feedsOf(example))
        for (const [name, tensor] of Object.entries(expected)) {
          const delta = difference(tensor, actual[name])
          if (delta > toleranceOf(example, target))
            wrong.push(`${titleOf(example)} (${declared}) to ${target}: ${name} by ${delta}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('upgradeOpset: graphs', () => {
  it.each(upgradeGraphs)('$why', async ({ model, feeds, tolerance }) => {
    const expected = await run(model, feeds)
    for (const target of targets.filter((candidate) => candidate > model.opsets.get('')!)) {
      const actual = await run(upgraded(model, target), feeds)
      for (const [name, tensor] of Object.entries(expected))
        expect(difference(tensor, actual[name])).toBeLessThanOrEqual(tolerance ?? 0)
    }
  })
})

describe.skipIf(sharedModels().length === 0)('upgradeOpset on the development models', () => {
  it.each(sharedModels().map((file) => ({ file, name: path.basename(file) })))('$name', async ({ file }) => {
    const model = decodeModel(fs.readFileSync(file))
    const feeds: Record<string, EngineTensor> = {}
    for (const input of model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))) {
      const dims = input.shape!.map((dim) => (typeof dim === 'number' ? dim : 2))
      feeds[input.name] = {
        dataType: 'float',
        dims,
        data: normals(
          seeded(1),
          dims.reduce((a, b) => a * b, 1),
        ),
      }
    }
    const expected = await run(model, feeds)
    for (const target of targets) {
      const actual = await run(upgraded(model, target), feeds)
      // AveragePool-19 is another kernel, which rounds otherwise
      const tolerance = target >= 19 ? 1e-5 : 0
      for (const [name, tensor] of Object.entries(expected))
        expect(difference(tensor, actual[name])).toBeLessThanOrEqual(tolerance)
    }
  })
})
