import { describe, expect, it } from 'vitest'
import { groupTimes, median, parseProfile } from '../../../src/main/quant/execution-profile.ts'

const session = (name: string, ts: number, dur: number) => ({ cat: 'Session', name, ts, dur, ph: 'X', args: {} })
const kernel = (node: string, op: string, ts: number, dur: number) => ({
  cat: 'Node',
  name: `${node}_kernel_time`,
  ts,
  dur,
  args: { op_name: op, node_index: '3', thread_scheduling_stats: '' },
})

/** Three runs; ONNX Runtime writes a run's own event behind its kernels. */
const trace = [
  session('session_initialization', 0, 900),
  kernel('early', 'Conv', 5, 10),
  kernel('conv', 'QLinearConv', 1010, 300),
  kernel('fc', 'QGemm', 1320, 50),
  session('SequentialExecutor::Execute', 1005, 400),
  session('model_run', 1000, 420),
  kernel('conv', 'QLinearConv', 2010, 100),
  kernel('conv', 'QLinearConv', 2120, 20),
  session('model_run', 2000, 200),
  kernel('conv', 'QLinearConv', 3010, 140),
  kernel('fc', 'QGemm', 3160, 30),
  { cat: 'Node', name: 'conv_fence_before', ts: 3005, dur: 7, args: { op_name: 'QLinearConv' } },
  session('model_run', 3000, 250),
]

describe('parseProfile', () => {
  it('sorts kernels into runs, in milliseconds, and drops what is none', () => {
    const profile = parseProfile(trace)
    expect(profile.runs).toBe(3)
    expect(profile.events.map(({ node, run, ms }) => [node, run, ms])).toEqual([
      ['conv', 0, 0.3],
      ['fc', 0, 0.05],
      ['conv', 1, 0.1],
      ['conv', 1, 0.02],
      ['conv', 2, 0.14],
      ['fc', 2, 0.03],
    ])
  })

  it.each([
    { why: 'no array', json: { traceEvents: [] } },
    { why: 'nothing', json: null },
  ])('refuses $why', ({ json }) => expect(() => parseProfile(json)).toThrow('not an array'))

  it('leaves out entries that are no events', () => {
    expect(parseProfile([null, 3, { cat: 'Node' }, ...trace]).events).toHaveLength(6)
  })
})

describe('groupTimes', () => {
  const profile = parseProfile(trace)

  it('adds within a run and takes the median over those that count', () => {
    const times = groupTimes(profile, ({ node }) => node, 1)
    expect(times.get('conv')).toBeCloseTo(0.13, 12)
    // it did not run in the second run
    expect(times.get('fc')).toBeCloseTo(0.015, 12)
  })

  it('keeps the last run when all would be warm-up', () => {
    expect(groupTimes(profile, () => 'all', 9).get('all')).toBeCloseTo(0.17, 12)
  })

  it('of an empty profile is empty', () => {
    expect(groupTimes({ runs: 0, events: [] }, () => 'all', 1).size).toBe(0)
  })
})

describe('median', () => {
  it.each([
    { values: [3, 1, 2], middle: 2 },
    { values: [4, 1, 2, 3], middle: 2.5 },
    { values: [7], middle: 7 },
  ])('of $values is $middle', ({ values, middle }) => expect(median(values)).toBe(middle))
})
