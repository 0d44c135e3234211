import { Fault } from '../../shared/contract/fault.ts'
import type { Augmentation } from './options.ts'
import type { Random } from './random.ts'

/** How pictures lie in a batch, and how far apart their values are. */
interface Layout {
  readonly channels: number
  readonly height: number
  readonly width: number
  /** values between one channel, row or column and the next */
  readonly steps: { readonly channel: number; readonly row: number; readonly column: number }
}

/**
 * Cuts, mirrors and moves each picture of a batch by chance, in this order.
 * @param values [batch, channels, height, width], or [batch, height, width, channels] where `isNhwc`; not written to
 * @throws Fault usage.augment where the batch holds no pictures
 */
export function augmentBatch(
  values: Float32Array,
  dims: readonly number[],
  augment: Augmentation,
  random: Random,
  isNhwc = false,
): Float32Array {
  const { flip, shift, crop = null } = augment
  if (!flip && shift === 0 && crop === null) return values
  const layout = layoutOf(dims, isNhwc)
  const { channels, height, width } = layout
  const size = channels * height * width
  const result = new Float32Array(values.length)
  for (let start = 0; start < values.length; start += size) {
    const mirrored = flip && random.below(2) === 1
    const down = shift === 0 ? 0 : random.below(2 * shift + 1) - shift
    const right = shift === 0 ? 0 : random.below(2 * shift + 1) - shift
    const picture = values.subarray(start, start + size)
    const seen = crop === null ? picture : enlarged(picture, layout, windowOf(layout, crop, random))
    move(seen, result.subarray(start, start + size), layout, { mirrored, down, right })
  }
  return result
}

function layoutOf(dims: readonly number[], isNhwc: boolean): Layout {
  if (dims.length !== 4) {
    throw new Fault(
      'usage.augment',
      `Only pictures are mirrored, moved or cut, and these samples are arrays [${dims.slice(1).join(', ')}]: train with --augment none.`,
    )
  }
  const [, a, b, c] = dims as [number, number, number, number]
  return isNhwc
    ? { channels: c, height: a, width: b, steps: { channel: 1, row: b * c, column: c } }
    : { channels: a, height: b, width: c, steps: { channel: b * c, row: c, column: 1 } }
}

function move(
  source: Float32Array,
  target: Float32Array,
  { channels, height, width, steps }: Layout,
  { mirrored, down, right }: { readonly mirrored: boolean; readonly down: number; readonly right: number },
): void {
  const { channel, row, column } = steps
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
      const to = c * channel + y * row
      const from = c * channel + (y - down) * row
      for (let x = Math.max(0, right); x < Math.min(width, width + right); x++) {
        const seen = mirrored ? width - 1 - (x - right) : x - right
        target[to + x * column] = source[from + seen * column]!
      }
    }
  }
}

interface Window {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** Tries before the whole picture is taken, and bounds of the window's width over its height. Source: torchvision RandomResizedCrop. */
const TRIES = 10
const RATIOS = [3 / 4, 4 / 3] as const

/** A window of at least `least` of the picture's area. Source: Szegedy et al. 2015, section 6. */
function windowOf({ height, width }: Layout, least: number, random: Random): Window {
  const [low, high] = RATIOS.map(Math.log) as [number, number]
  for (let i = 0; i < TRIES; i++) {
    const area = height * width * (least + (1 - least) * random.unit())
    const ratio = Math.exp(low + (high - low) * random.unit())
    const w = Math.round(Math.sqrt(area * ratio))
    const h = Math.round(Math.sqrt(area / ratio))
    if (w < 1 || h < 1 || w > width || h > height) continue
    return { top: random.below(height - h + 1), left: random.below(width - w + 1), height: h, width: w }
  }
  return { top: 0, left: 0, height, width }
}

/** The window as large as the picture, bilinear, pixel centres at halves. */
function enlarged(source: Float32Array, layout: Layout, window: Window): Float32Array {
  const { channels, height, width, steps } = layout
  const rows = weightsOf(window.top, window.height, height)
  const columns = weightsOf(window.left, window.width, width)
  const result = new Float32Array(source.length)
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const upper = c * steps.channel + rows.first[y]! * steps.row
      const lower = c * steps.channel + rows.second[y]! * steps.row
      const down = rows.share[y]!
      const to = c * steps.channel + y * steps.row
      for (let x = 0; x < width; x++) {
        const left = columns.first[x]! * steps.column
        const right = columns.second[x]! * steps.column
        const share = columns.share[x]!
        const above = source[upper + left]! * (1 - share) + source[upper + right]! * share
        const below = source[lower + left]! * (1 - share) + source[lower + right]! * share
        result[to + x * steps.column] = above * (1 - down) + below * down
      }
    }
  }
  return result
}

/** For each target place the two source places it lies between, and how much of the second it takes. */
function weightsOf(
  start: number,
  length: number,
  target: number,
): { first: Int32Array; second: Int32Array; share: Float32Array } {
  const [first, second, share] = [new Int32Array(target), new Int32Array(target), new Float32Array(target)]
  for (let i = 0; i < target; i++) {
    const place = Math.min(length - 1, Math.max(0, ((i + 0.5) * length) / target - 0.5))
    first[i] = start + Math.floor(place)
    second[i] = start + Math.min(length - 1, Math.floor(place) + 1)
    share[i] = place - Math.floor(place)
  }
  return { first, second, share }
}
