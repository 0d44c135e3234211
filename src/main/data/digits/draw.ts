import { createRandom } from '../random.ts'
import type { RandomSource } from '../random.ts'
import { GLYPHS } from './glyphs.ts'
import type { Stroke } from './glyphs.ts'

/** Side of a drawn digit in pixels, as in MNIST. */
export const SIDE = 28
/** Straight pieces that one curve becomes. */
const PIECES = 6

/** A point list in pixels, x and y in turn. */
type Path = Float64Array

/**
 * Draws a digit: one of its ways of writing, control points jittered, bent, turned, sheared, scaled and moved, as a stroke of random
 * thickness and ink; then faint stray strokes, a light gradient and noise. Only + − × ÷, square roots and integer operations are
 * used, which IEEE 754 fixes exactly, so a seed gives the same pixels on every machine.
 * @param digit 0 … 9
 * @param seeds numbers that select the drawing
 * @returns [28, 28] grey, white ink on black, 0–255
 */
export function drawDigit(digit: number, ...seeds: readonly number[]): Uint8Array {
  const random = createRandom(...seeds)
  const ways = GLYPHS[digit]!
  const glyph = ways[random.below(ways.length)]!
  const place = createPlacement(random)
  const ink = new Float64Array(SIDE * SIDE)
  const radius = random.between(0.65, 1.7)
  const strength = random.between(0.42, 1)
  for (const stroke of glyph) {
    paint(ink, flatten(jittered(stroke, random), place), radius, strength)
  }
  for (let strays = random.below(4); strays > 0; strays--) paintStray(ink, random)
  return withNoise(ink, random)
}

function jittered(stroke: Stroke, random: RandomSource): Stroke {
  const closed = stroke[0] === stroke.at(-2) && stroke[1] === stroke.at(-1)
  const moved = stroke.map((value) => value + random.between(-0.12, 0.12))
  if (closed) {
    // a closed loop mostly stays closed; a small gap is what a hurried hand leaves
    moved[moved.length - 2] = moved[0]! + random.between(-0.06, 0.06)
    moved[moved.length - 1] = moved[1]! + random.between(-0.06, 0.06)
  }
  return moved
}

/** Maps glyph coordinates to pixels. */
type Placement = (x: number, y: number) => readonly [number, number]

function createPlacement(random: RandomSource): Placement {
  const angle = random.between(-0.38, 0.38)
  const [sine, cosine] = sineAndCosine(angle)
  const shear = random.between(-0.35, 0.35)
  const scaleX = random.between(5.2, 9.6)
  const scaleY = random.between(6.6, 10.4)
  const bendX = random.between(-0.16, 0.16)
  const bendY = random.between(-0.12, 0.12)
  const centreX = SIDE / 2 - 0.5 + random.between(-2.6, 2.6)
  const centreY = SIDE / 2 - 0.5 + random.between(-2.2, 2.2)
  return (x, y) => {
    const bentX = (x + bendX * y * y + shear * y) * scaleX
    const bentY = (y + bendY * x * x) * scaleY
    return [centreX + cosine * bentX - sine * bentY, centreY + sine * bentX + cosine * bentY]
  }
}

/** Taylor series, good to 1e−9 for angles below half a radian: Math.sin may differ in its last bit between engines. */
function sineAndCosine(angle: number): readonly [number, number] {
  const square = angle * angle
  const sine = angle * (1 - (square / 6) * (1 - (square / 20) * (1 - square / 42)))
  const cosine = 1 - (square / 2) * (1 - (square / 12) * (1 - (square / 30) * (1 - square / 56)))
  return [sine, cosine]
}

function flatten(stroke: Stroke, place: Placement): Path {
  const curves = (stroke.length - 2) / 6
  const path = new Float64Array((curves * PIECES + 1) * 2)
  let at = 0
  const add = (x: number, y: number): void => {
    const [pixelX, pixelY] = place(x, y)
    path[at++] = pixelX
    path[at++] = pixelY
  }
  add(stroke[0]!, stroke[1]!)
  for (let curve = 0; curve < curves; curve++) {
    for (let piece = 1; piece <= PIECES; piece++) {
      const t = piece / PIECES
      add(bezier(stroke, curve * 6, t), bezier(stroke, curve * 6 + 1, t))
    }
  }
  return path
}

function bezier(points: Stroke, at: number, t: number): number {
  const u = 1 - t
  return (
    u * u * u * points[at]! +
    3 * u * u * t * points[at + 2]! +
    3 * u * t * t * points[at + 4]! +
    t * t * t * points[at + 6]!
  )
}

/** Lays a path down with round ends and edges one pixel soft; where strokes cross, the stronger ink stays. */
function paint(ink: Float64Array, path: Path, radius: number, strength: number): void {
  for (let i = 0; i + 3 < path.length; i += 2) {
    paintPiece(ink, path[i]!, path[i + 1]!, path[i + 2]!, path[i + 3]!, radius, strength)
  }
}

function paintPiece(
  ink: Float64Array,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
  strength: number,
): void {
  const reach = radius + 0.5
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach))
  const right = Math.min(SIDE - 1, Math.ceil(Math.max(x0, x1) + reach))
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach))
  const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(y0, y1) + reach))
  const dx = x1 - x0
  const dy = y1 - y0
  const lengthSquared = dx * dx + dy * dy
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const along = lengthSquared === 0 ? 0 : ((x - x0) * dx + (y - y0) * dy) / lengthSquared
      const t = Math.min(1, Math.max(0, along))
      const offX = x - (x0 + t * dx)
      const offY = y - (y0 + t * dy)
      const cover = Math.min(1, reach - Math.sqrt(offX * offX + offY * offY)) * strength
      if (cover > ink[y * SIDE + x]!) ink[y * SIDE + x] = cover
    }
  }
}

/** A short faint scratch anywhere: what a classifier must learn to look past. */
function paintStray(ink: Float64Array, random: RandomSource): void {
  const x = random.between(0, SIDE)
  const y = random.between(0, SIDE)
  const path = Float64Array.of(x, y, x + random.between(-9, 9), y + random.between(-9, 9))
  paint(ink, path, random.between(0.3, 1), random.between(0.2, 0.7))
}

function withNoise(ink: Float64Array, random: RandomSource): Uint8Array {
  const deviation = random.between(0.02, 0.18)
  const level = random.between(0, 0.12)
  const slopeX = random.between(-0.1, 0.1)
  const slopeY = random.between(-0.1, 0.1)
  const pixels = new Uint8Array(SIDE * SIDE)
  for (let y = 0, i = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, i++) {
      const ground = level + (slopeX * (x - SIDE / 2) + slopeY * (y - SIDE / 2)) / SIDE
      const value = ground + ink[i]! * (1 - level) + deviation * nearlyNormal(random)
      pixels[i] = Math.round(255 * Math.min(1, Math.max(0, value)))
    }
  }
  return pixels
}

/** Mean 0, deviation 1: the sum of the four bytes of one draw (deviation of a byte: √((256² − 1) / 12) = 73.9). */
function nearlyNormal(random: RandomSource): number {
  const word = random.uint32()
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24)
  return (sum - 510) / 147.8
}
