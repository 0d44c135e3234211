import { describe, expect, it } from 'vitest'
import type { EngineTensor } from '../../src/main/engines/port.ts'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { upgradeOpset } from '../../src/main/formats/onnx/upgrade/index.ts'
import type { Tensor } from '../../src/main/graph/model.ts'
import { evaluateNode, evaluators } from '../../src/main/graph/passes/constants/evaluate.ts'
import type { OpCase } from '../builders/op-case.ts'
import { feedsOf, modelOf, titleOf } from '../builders/op-case.ts'
import { opCases } from '../builders/op-cases/index.ts'
import { engine } from '../builders/prepared.ts'

const MOST = 1e6
/** float32 functions (Exp, Log, …) of ONNX Runtime are within 2 ulp of the double rounded once */
const TWO_ULP = 2 ** -22

/** The case's outputs as our evaluator computes them on its feeds as constants; null where it leaves them to the runtime. */
function evaluated(example: OpCase): Tensor[] | null {
  const model = upgradeOpset(modelOf(example), 13, () => undefined)
  const constants = new Map(model.graph.initializers)
  for (const [name, { dataType, dims, data }] of Object.entries(feedsOf(example))) {
    constants.set(name, { name, dataType, dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
  }
  if (model.graph.nodes.length !== 1) return null
  const [node] = model.graph.nodes
  return evaluateNode(
    node!,
    node!.inputs.map((input) => constants.get(input) ?? null),
    MOST,
  )
}

async function computed(example: OpCase): Promise<Readonly<Record<string, EngineTensor>>> {
  const session = await engine.createSession(modelBytes(modelOf(example)), { optimization: 'disabled' })
  try {
    return await session.run(feedsOf(example))
  } finally {
    await session.release()
  }
}

function expectClose(found: Tensor, expected: EngineTensor): void {
  expect(found.dims).toEqual(expected.dims)
  expect(found.dataType).toBe(expected.dataType)
  if (!(expected.data instanceof Float32Array)) {
    expect([...found.data]).toEqual([
      ...new Uint8Array(expected.data.buffer, expected.data.byteOffset, expected.data.byteLength),
    ])
    return
  }
  const values = new Float32Array(found.data.slice().buffer)
  expected.data.forEach((value, i) => {
    if (Number.isFinite(value)) expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * TWO_ULP)
    else expect(values[i]).toBe(value)
  })
}

const covered = opCases.filter(
  (example) => !example.domain && evaluators.has(example.op) && evaluated(example) !== null,
)

describe('constants are folded to what ONNX Runtime computes', () => {
  it.each(covered.map((example) => ({ title: titleOf(example), example })))('$title', async ({ example }) => {
    const expected = await computed(example)
    for (const [i, tensor] of evaluated(example)!.entries()) expectClose(tensor, expected[`y${i}`]!)
  })

  it('covers the operators of the evaluator', () => {
    const ops = new Set(covered.map((example) => example.op))
    expect([...evaluators.keys()].filter((op) => !ops.has(op))).toEqual(UNSEEN)
  })
})

/** Operators without a case among `opCases`; test/unit/graph/passes/constants.test.ts holds them. */
const UNSEEN: readonly string[] = ['ReduceProd', 'ReduceSum', 'ReduceMax', 'ReduceMin']
