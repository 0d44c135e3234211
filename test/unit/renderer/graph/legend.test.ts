import { describe, expect, it } from 'vitest'
import { PLAIN_DECOR, precisionOf, type GraphDecor } from '../../../../src/renderer/graph/decor.ts'
import { isEmptyLegend, legendOf } from '../../../../src/renderer/graph/legend.ts'
import { GRAPH_THEMES, scaleColour } from '../../../../src/renderer/graph/palette.ts'

const theme = GRAPH_THEMES.light
const sequential = (values: readonly number[], more = {}): GraphDecor => ({
  ...PLAIN_DECOR,
  overlay: {
    kind: 'sequential',
    name: 'time',
    unit: 'ms',
    values: new Map(values.map((value, i) => [`l${i}`, { value, estimated: false }])),
    scale: 'linear',
    combine: 'sum',
    ...more,
  },
})

describe('legendOf', () => {
  it('is empty where nothing is laid over the graph', () => {
    expect(isEmptyLegend(legendOf(PLAIN_DECOR, theme))).toBe(true)
  })

  it('counts the layers of each precision, in one order', () => {
    const precisions = new Map([
      ['a', precisionOf(8, 8)],
      ['b', precisionOf(null, null)],
      ['c', precisionOf(8, 8)],
    ])
    const found = legendOf({ ...PLAIN_DECOR, precisions }, theme).precisions
    expect(found.map(({ label, count }) => `${label} ${count}`)).toEqual(['float 1', '8 bits 2'])
  })

  it('says name, unit, what the numbers are of and the kind of scale; ticks at both ends and in the middle', () => {
    const { ramp } = legendOf(sequential([1, 100], { of: 'at int4', scale: 'log' }), theme)
    expect(ramp).toMatchObject({ name: 'time', unit: 'ms, at int4, log scale', ticks: ['1', '10', '100'] })
    expect(legendOf(sequential([1, 100]), theme).ramp).toMatchObject({ unit: 'ms', ticks: ['1', '50.5', '100'] })
  })

  it('runs the other way where low numbers are the strong ones', () => {
    const [first] = legendOf(sequential([10, 40], { isLowStrong: true }), theme).ramp!.stops
    expect(first).toBe(scaleColour(theme.scale, 1))
  })
})
