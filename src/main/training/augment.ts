import type { Augmentation } from './options.ts'
import type { Random } from './random.ts'

/**
 * Mirrors and moves each picture of a batch by chance.
 * @param values [batch, channels, height, width]; not written to
 */
export function augmentBatch(
  values: Float32Array,
  dims: readonly number[],
  { flip, shift }: Augmentation,
  random: Random,
): Float32Array {
  if (!flip && shift === 0) return values
  const [batch, channels, height, width] = dims as [number, number, number, number]
  const result = new Float32Array(values.length)
  for (let n = 0; n < batch; n++) {
    const mirrored = flip && random.below(2) === 1
    const down = shift === 0 ? 0 : random.below(2 * shift + 1) - shift
    const right = shift === 0 ? 0 : random.below(2 * shift + 1) - shift
    for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
      for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
        const target = (plane * height + y) * width
        const source = (plane * height + y - down) * width
        for (let x = Math.max(0, right); x < Math.min(width, width + right); x++) {
          const from = x - right
          result[target + x] = values[source + (mirrored ? width - 1 - from : from)]!
        }
      }
    }
  }
  return result
}
