import { describe, expect, it } from 'vitest'
import { allocate, byteBounds } from '../../../src/main/search/allocate.ts'
import { floatLayersOf } from '../../../src/main/search/assignment.ts'
import { MadeUpNetwork } from '../../builders/searching.ts'

const network = new MadeUpNetwork({
  a: { 8: { damage: 5, bytes: 1000, ms: 1 }, int4: { damage: 40, bytes: 500, ms: 6 } },
  b: { 8: { damage: 1, bytes: 1000, ms: 1 }, int4: { damage: 3, bytes: 500, ms: 6 } },
  c: { 8: { damage: 2, bytes: 1000, ms: 2 }, int4: { damage: 20, bytes: 500, ms: 7 } },
  d: { 8: { damage: 0.5, bytes: 1000, ms: 1 }, int4: { damage: 1, bytes: 500, ms: 6 } },
})
const none = { maxBytes: null, maxMs: null, maxFloatLayers: null }

describe('allocate', () => {
  it.each([2000, 2500, 3000, 3500, 5000, 8000, 16_000])('does the least damage that %i bytes allow', (maxBytes) => {
    const found = allocate(network.problem, { ...none, maxBytes })!
    const fitting = [...network.all()].filter((one) => network.problem.costs.bytesOf(one) <= maxBytes)
    expect(network.damage(found)).toBe(Math.min(...fitting.map((one) => network.damage(one))))
  })

  it.each([5, 6, 9, 12])('does the least damage that %i ms allow', (maxMs) => {
    const found = allocate(network.problem, { ...none, maxMs })!
    const fitting = [...network.all()].filter((one) => network.problem.costs.msOf(one) <= maxMs)
    expect(network.damage(found)).toBe(Math.min(...fitting.map((one) => network.damage(one))))
  })

  it('keeps bytes, time and number of float layers at once', () => {
    const found = allocate(network.problem, { maxBytes: 8000, maxMs: 11, maxFloatLayers: 1 })!
    expect(network.problem.costs.bytesOf(found)).toBeLessThanOrEqual(8000)
    expect(network.problem.costs.msOf(found)).toBeLessThanOrEqual(11)
    expect(floatLayersOf(found)).toEqual(['a'])
  })

  it('gives null where nothing fits, and knows the ends of what does', () => {
    expect(allocate(network.problem, { ...none, maxBytes: 1999 })).toBeNull()
    expect(byteBounds(network.problem)).toEqual({ low: 2000, high: 4000 })
  })
})
