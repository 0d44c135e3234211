import { describe, expect, it } from 'vitest'
import {
  fitBox,
  MAX_SCALE,
  minScale,
  mixCameras,
  openingCamera,
  panBy,
  revealBox,
  visibleBox,
  zoomAt,
  type Camera,
} from '../../../../src/renderer/graph/camera.ts'
import { overlaps } from '../../../../src/renderer/graph/scene/scene.ts'

const size = { width: 800, height: 600 }

describe('the camera', () => {
  it('shows the whole of a box, never larger than life', () => {
    const box = { x: 100, y: 50, width: 4000, height: 1000 }
    const seen = visibleBox(fitBox(box, size), size)
    expect(seen.x).toBeLessThanOrEqual(100)
    expect(seen.x + seen.width).toBeGreaterThanOrEqual(4100)
    expect(fitBox({ x: 0, y: 0, width: 10, height: 10 }, size).scale).toBe(1)
  })

  it('opens a small graph whole and a long one at its beginning, readable', () => {
    const first = { x: 100, y: 0, width: 200, height: 40 }
    expect(openingCamera({ width: 400, height: 500 }, first, size).scale).toBe(1)
    const long = openingCamera({ width: 400, height: 700_000 }, first, size)
    expect(long.scale).toBeGreaterThanOrEqual(0.35)
    const seen = visibleBox(long, size)
    expect(overlaps(seen, first)).toBe(true)
    expect(seen.y).toBeLessThanOrEqual(0)
  })

  it('keeps the point below the pointer when zooming, within the limits', () => {
    const camera: Camera = { scale: 0.5, x: 30, y: -70 }
    const zoomed = zoomAt(camera, 1.7, 200, 100, 0.01)
    expect((200 - zoomed.x) / zoomed.scale).toBeCloseTo((200 - camera.x) / camera.scale)
    expect((100 - zoomed.y) / zoomed.scale).toBeCloseTo((100 - camera.y) / camera.scale)
    expect(zoomAt(camera, 1000, 0, 0, 0.01).scale).toBe(MAX_SCALE)
    expect(zoomAt(camera, 1e-9, 0, 0, 0.01).scale).toBe(0.01)
    expect(minScale({ width: 400, height: 700_000 }, size)).toBeLessThan(600 / 700_000)
  })

  it('never loses the drawing', () => {
    const drawing = { width: 400, height: 9000 }
    for (const [dx, dy] of [
      [1e6, 1e6],
      [-1e6, -1e6],
      [1e6, -1e6],
    ] as const) {
      const seen = visibleBox(panBy({ scale: 0.7, x: 0, y: 0 }, dx, dy, drawing, size), size)
      expect(overlaps(seen, { x: 0, y: 0, ...drawing })).toBe(true)
    }
  })

  it('moves no more than it must to reveal a box', () => {
    const camera: Camera = { scale: 1, x: 0, y: 0 }
    expect(revealBox(camera, { x: 300, y: 200, width: 100, height: 50 }, size)).toEqual(camera)
    expect(revealBox(camera, { x: 300, y: 590, width: 100, height: 50 }, size)).toEqual({ scale: 1, x: 0, y: -64 })
    expect(
      revealBox({ ...camera, scale: 0.05 }, { x: 0, y: 9000, width: 100, height: 50 }, size, { readable: true }).scale,
    ).toBe(0.9)
  })

  it('glides from one view to another, ending exactly there', () => {
    const from: Camera = { scale: 0.1, x: 5, y: 6 }
    const to: Camera = { scale: 1, x: -300, y: 90 }
    expect(mixCameras(from, to, 0)).toEqual(from)
    expect(mixCameras(from, to, 1)).toBe(to)
    expect(mixCameras(from, to, 0.5).scale).toBeCloseTo(Math.sqrt(0.1))
    expect(mixCameras(from, { ...from, x: 105 }, 0.5).x).toBeCloseTo(55)
  })
})
