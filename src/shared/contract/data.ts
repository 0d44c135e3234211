import { z } from 'zod'

/** Where samples come from: `kind:path` on the command line (DESIGN section 8). */
export const dataSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mnist'), path: z.string() }),
  z.strictObject({ kind: z.literal('cifar10'), path: z.string() }),
  z.strictObject({ kind: z.literal('images'), path: z.string() }),
  z.strictObject({ kind: z.literal('npz'), path: z.string() }),
  z.strictObject({ kind: z.literal('synthetic-digits') }),
])
export type DataSpec = z.infer<typeof dataSpec>
export const dataSplit = z.enum(['train', 'test'])
export type DataSplit = z.infer<typeof dataSplit>

/**
 * How a picture becomes the model's input, as a value. Steps run in this order: resize, crop, channels, scale, mean/std,
 * layout. `x = (pixel * scale - mean[c]) / std[c]` with pixel in 0–255.
 */
export const preprocess = z.strictObject({
  /** shorter side in pixels (aspect kept), or exact [height, width]; null leaves the size */
  resize: z.union([z.int().min(1), z.tuple([z.int().min(1), z.int().min(1)])]).nullable(),
  resizeKernel: z.enum(['nearest', 'linear', 'cubic', 'lanczos3']).default('linear'),
  /** centre crop [height, width]; null leaves the size */
  crop: z.tuple([z.int().min(1), z.int().min(1)]).nullable(),
  channels: z.enum(['rgb', 'bgr', 'grey']),
  scale: z.number(),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  layout: z.enum(['NCHW', 'NHWC']),
})
export type Preprocess = z.infer<typeof preprocess>

/** What a data source is, before any sample is read. */
export interface DataInfo {
  readonly spec: DataSpec
  readonly split: DataSplit
  /** `sha256:…` over the content that yields samples (files in order with labels, or generator version and seed) */
  readonly hash: string
  readonly count: number
  readonly labelled: boolean
  readonly classes: readonly string[] | null
  /** [height, width, channels] of every sample, or null where they differ or samples are tensors */
  readonly pictureShape: readonly [number, number, number] | null
}

/** Half-open range of positions in the order given by the seed (DESIGN section 6). */
export interface SampleRange {
  readonly start: number
  readonly end: number
}
