import { expect, it } from 'vitest'
import { joined } from '../../../src/main/graph/joined.ts'

it.each([
  { why: 'nothing is an empty array', parts: [], whole: [] },
  { why: 'parts keep their order, empty ones among them', parts: [[1, 2], [], [3]], whole: [1, 2, 3] },
])('$why', ({ parts, whole }) => {
  const values = parts.map((part) => Float64Array.from(part))
  expect(joined(Float64Array, values)).toEqual(Float64Array.from(whole))
})
