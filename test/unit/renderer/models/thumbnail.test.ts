import { expect, it } from 'vitest'
import { sketch } from '../../../../src/renderer/components/models/thumbnail.ts'
import { bestText } from '../../../../src/renderer/components/models/model-text.ts'
import type { GraphView } from '../../../../src/shared/contract/graph-view.ts'
import { layer } from '../plan/layers.ts'

/** A graph of layers, each with the layers it reads. */
function graph(reads: Readonly<Record<string, readonly string[]>>): GraphView {
  const layers = Object.entries(reads).map(([id, inputs]) => layer(id, { inputs, outputs: [id] }))
  return { form: 'prepared', name: '', inputs: [], outputs: [], nodes: [], layers, tensors: [] }
}

it('draws a chain as one row from left to right', () => {
  const { boxes, edges } = sketch(graph({ a: ['x'], b: ['a'], c: ['b'] }))
  expect(boxes.map(({ x }) => x)).toEqual(boxes.map(({ x }) => x).sort((a, b) => a - b))
  expect(new Set(boxes.map(({ y }) => y)).size).toBe(1)
  expect(edges).toEqual([
    [0, 1],
    [1, 2],
  ])
})

it('draws branches side by side, and what joins them behind both', () => {
  const { boxes } = sketch(graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }))
  expect(boxes[1]!.x).toBe(boxes[2]!.x)
  expect(boxes[1]!.y).not.toBe(boxes[2]!.y)
  expect(boxes[3]!.x).toBeGreaterThan(boxes[1]!.x)
})

it('stays within the picture for a thousand layers and for none', () => {
  const reads = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`l${i}`, i === 0 ? [] : [`l${i - 1}`]]))
  for (const { x, y, width, height } of sketch(graph(reads)).boxes) {
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
    expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(1)
  }
  expect(sketch(graph({}))).toEqual({ boxes: [], edges: [] })
})

it.each([
  { best: { bytes: 34, drop: 0, speedup: 0.851 }, text: 'Best: 34 % size · ±0 points · 0.85×' },
  { best: { bytes: null, drop: 0.0123, speedup: null }, text: 'Best: −1.2 points' },
  { best: { bytes: null, drop: -0.004, speedup: null }, text: 'Best: +0.4 points' },
  { best: { bytes: null, drop: null, speedup: null }, text: null },
])('says the best plan as $text', ({ best, text }) => {
  expect(bestText({ run: 'r', ...best }, 100)).toBe(text)
})
