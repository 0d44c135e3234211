import { allocate, byteBounds } from '../allocate.ts'
import { assignmentKey, baseAssignment } from '../assignment.ts'
import type { Assignment, SearchProblem, Strategy } from '../port.ts'

/**
 * Front of accuracy × latency × size: allocations of least damage at sizes evenly between the smallest file and the base's, at times
 * between the fastest plan and float, and with one to four of the most rewarding layers in float; each is measured. Which of them make
 * the front is decided by what was measured.
 */
export const paretoStrategy: Strategy = {
  name: 'pareto',
  about: 'the front of accuracy, latency and size',
  async *search(problem) {
    const seen = new Set<string>()
    for (const assignment of candidates(problem)) {
      const key = assignmentKey(assignment)
      if (seen.has(key)) continue
      if (seen.size >= problem.maxTrials) return
      seen.add(key)
      yield await problem.measure(assignment)
    }
  },
}

/** Where between the ends an allocation is sought; the ends first, so that the front spans everything early. */
const FRACTIONS = [0, 1, 0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875]

function* candidates(problem: SearchProblem): Generator<Assignment> {
  const { layers, costs } = problem
  const { maxFloatLayers } = problem.targets
  const base = baseAssignment(layers)
  yield base
  const bytes = byteBounds(problem)
  const fastest = fastestMs(problem)
  const limits = { maxBytes: null, maxMs: null, maxFloatLayers }
  for (const [i, fraction] of FRACTIONS.entries()) {
    const size = bytes.low + fraction * (bytes.high - bytes.low)
    const ms = fastest + fraction * (costs.floatMs - fastest)
    const options = [
      allocate(problem, { ...limits, maxBytes: size * (1 + 1e-12) }),
      allocate(problem, { ...limits, maxMs: ms * (1 + 1e-9) }),
      i > 0 && i < 5 ? allocate(problem, { ...limits, maxFloatLayers: Math.min(i, maxFloatLayers ?? i) }) : null,
    ]
    for (const assignment of options) if (assignment !== null) yield assignment
  }
}

/** Time of the plan in which each layer by itself is fastest, borders included. */
function fastestMs({ layers, costs }: SearchProblem): number {
  const each = layers.map(
    ({ id, choices }) => [id, [...choices].sort((a, b) => costs.layerMs(id, a) - costs.layerMs(id, b))[0]!] as const,
  )
  return Math.min(costs.msOf(new Map(each)), costs.msOf(baseAssignment(layers)))
}
