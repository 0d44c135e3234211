import { expect, it } from 'vitest'
import { compareTrials, type Objective } from '../../../src/main/search/targets.ts'
import type { Targets, Trial } from '../../../src/main/search/port.ts'

const none: Targets = { maxDrop: 0.005, maxBytes: null, minSpeedup: null, maxFloatLayers: null }

function trial(bytes: number, damage: number, floatLayers: number): Trial {
  return {
    assignment: new Map(),
    floatLayers,
    predicted: { damage, drop: null, bytes, speedup: 1 },
    measured: { drop: 0, damage, bytes, speedup: 1 },
  }
}
const small = trial(100, 0.2, 0)
const exact = trial(110, 0.1, 2)

it.each<{ why: string; targets: Targets; objective: Objective; best: Trial }>([
  { why: 'a search for size takes the smaller file', targets: none, objective: 'bytes', best: small },
  {
    why: 'also where some layers may be float',
    targets: { ...none, maxFloatLayers: 3 },
    objective: 'bytes',
    best: small,
  },
  {
    why: 'within a number of float layers alone, the damage is what is made small',
    targets: { ...none, maxFloatLayers: 3 },
    objective: 'ms',
    best: exact,
  },
  {
    why: 'within a size, the damage is what is made small',
    targets: { ...none, maxBytes: 120 },
    objective: 'bytes',
    best: exact,
  },
])('$why', ({ targets, objective, best }) => {
  const [first] = [exact, small].sort((a, b) => compareTrials(a, b, { targets, objective, baseDrop: 0 }))
  expect(first).toBe(best)
})
