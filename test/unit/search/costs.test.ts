import { describe, expect, it } from 'vitest'
import type { LayerInfo } from '../../../src/shared/contract/model.ts'
import { defaultPlan } from '../../../src/shared/contract/plan.ts'
import { planOf, weightShares } from '../../../src/main/search/assignment.ts'
import { countBorders, integerLayers } from '../../../src/main/search/borders.ts'
import { createCosts, type CostInput, type ModelProfile } from '../../../src/main/search/costs.ts'
import { parseConfigurations } from '../../../src/main/search/grid.ts'
import { FLOAT } from '../../../src/main/search/port.ts'

function layer(id: string, role: LayerInfo['role'], inputs: string[], elements: number): LayerInfo {
  return {
    id,
    op: role === 'weighted' ? 'Conv' : 'Add',
    activation: null,
    role,
    nodes: [id],
    inputs,
    outputs: [`${id}.out`],
    outputShape: ['N', elements],
    parameters: role === 'weighted' ? 1000 : 0,
    macs: 1,
    quantizable: true,
    reason: null,
  }
}

/** x → a → pool → b → c → y, with an addition of a and c. */
const layers = [
  layer('a', 'weighted', ['x'], 100),
  layer('pool', 'movement', ['a.out'], 50),
  layer('b', 'weighted', ['pool.out'], 40),
  layer('c', 'weighted', ['b.out'], 30),
  layer('add', 'arithmetic', ['pool.out', 'c.out'], 30),
]
const inputs = new Map([['x', 10]])
const outputs = new Set(['add.out'])

describe('borders', () => {
  it.each([
    { why: 'all float: none', integer: [], quantized: 0, dequantized: 0 },
    { why: 'all integer: the input and the output', integer: ['a', 'b', 'c', 'add'], quantized: 10, dequantized: 30 },
    {
      why: 'a float island: in front of it and behind',
      integer: ['a', 'c', 'add'],
      quantized: 10 + 40,
      dequantized: 50 + 30,
    },
    { why: 'movement follows its input', integer: ['a'], quantized: 10, dequantized: 50 },
  ])('$why', ({ integer, quantized, dequantized }) => {
    const found = integerLayers(layers, ({ id }) => integer.includes(id))
    expect(countBorders(layers, found, inputs, outputs)).toEqual({ quantized, dequantized })
  })
})

const searched = ['a', 'b', 'c'].map((id) => ({ id, parameters: 1000, choices: ['8', 'int4', FLOAT] }))
const all = (choice: string): Map<string, string> => new Map(searched.map(({ id }) => [id, choice]))
const profile = (choice: string, bytes: number, ms: number, otherMs: number): ModelProfile => ({
  assignment: all(choice),
  bytes,
  otherMs,
  layerMs: new Map([...searched.map(({ id }) => [id, ms] as const), ['pool', 0.1], ['add', 0.1]]),
})
const input: CostInput = {
  layers,
  searched,
  storedBits: new Map([
    ['8', 8],
    ['int4', 4],
  ]),
  staticChoices: new Set(['8', 'int4']),
  inputElements: inputs,
  outputs,
  float: profile(FLOAT, 13_000, 4, 0.5),
  uniform: new Map([
    ['8', profile('8', 4300, 1, 0.8)],
    ['int4', profile('int4', 2800, 6, 0.8)],
  ]),
  alternating: null,
  baseSpeedup: null,
}

describe('costs', () => {
  it('give back the files and times they were made of', () => {
    const costs = createCosts(input)
    for (const { assignment, bytes, otherMs, layerMs } of [input.float, ...input.uniform.values()]) {
      expect(costs.bytesOf(assignment)).toBeCloseTo(bytes, 6)
      const ms = [...layerMs.values()].reduce((sum, one) => sum + one, otherMs)
      expect(costs.msOf(assignment)).toBeCloseTo(ms, 6)
    }
    expect(costs.floatMs).toBeCloseTo(12.7, 6)
  })

  it('a mixture lies between, and a float island pays for its borders', () => {
    const costs = createCosts(input)
    const mixed = new Map([
      ['a', '8'],
      ['b', 'int4'],
      ['c', '8'],
    ])
    expect(costs.bytesOf(mixed)).toBeCloseTo(4300 - 500, 6)
    const island = new Map([
      ['a', '8'],
      ['b', FLOAT],
      ['c', '8'],
    ])
    const exchanged = costs.layerMs('b', FLOAT) - costs.layerMs('b', '8')
    expect(costs.msOf(island)).toBeGreaterThan(costs.msOf(all('8')) + exchanged)
  })

  it('simulated layers cost what they cost simulated', () => {
    const costs = createCosts(input)
    expect(costs.msOf(all('int4'))).toBeGreaterThan(costs.floatMs)
  })

  it('scales float so that the ratio to the base is the one that was timed', () => {
    const costs = createCosts({ ...input, baseSpeedup: 2 })
    expect(costs.floatMs / costs.msOf(all('8'))).toBeGreaterThan(1.7)
    expect(costs.floatMs / costs.msOf(all('8'))).toBeLessThan(2.1)
  })
})

describe('plans of assignments', () => {
  const configurations = parseConfigurations('8,int4')

  it('the base alone is the default plan', () => {
    expect(planOf(all('8'), configurations, defaultPlan, layers)).toEqual({ ...defaultPlan, layers: {} })
  })

  it('names float layers, other bits in full, and arithmetic that is not to follow into float', () => {
    const plan = planOf(
      new Map([
        ['a', FLOAT],
        ['b', 'int4'],
        ['c', '8'],
        ['add', '8'],
      ]),
      configurations,
      defaultPlan,
      layers,
    )
    expect(plan.layers['a']).toBe(FLOAT)
    expect(plan.layers['b']).toMatchObject({
      mode: 'static',
      weights: { bits: 4, storage: 'int4', granularity: 'perChannel' },
    })
    expect(plan.layers).not.toHaveProperty('c')
    expect(plan.layers['add']).toEqual({})
  })

  it('counts shares of the weights', () => {
    const shares = weightShares(
      searched,
      new Map([
        ['a', FLOAT],
        ['b', 'int4'],
        ['c', 'int4'],
      ]),
    )
    expect(shares['int4']).toBeCloseTo(2 / 3, 9)
    expect(shares[FLOAT]).toBeCloseTo(1 / 3, 9)
  })
})
