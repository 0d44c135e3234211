import type { DataType, Dim, ValueSpec } from '../../shared/contract/tensor.ts'

/** Element types a picture can be written as. */
export type PictureDataType = 'float' | 'double' | 'float16' | 'uint8' | 'int8' | 'int32'
const PICTURE_TYPES: readonly DataType[] = ['float', 'double', 'float16', 'uint8', 'int8', 'int32']

/** How a model input holds pictures. */
export interface PictureAxes {
  readonly dataType: PictureDataType
  readonly layout: 'NCHW' | 'NHWC'
  /** `flat` is [batch, height·width·channels]; `plane` is [batch, height, width] of grey pictures */
  readonly form: 'full' | 'plane' | 'flat'
  /** null where the model leaves it open */
  readonly height: number | null
  readonly width: number | null
  readonly channels: 1 | 3 | null
  /** length of a `flat` sample, null where open */
  readonly flatLength: number | null
  /** the batch length the model fixes, null where open */
  readonly fixedBatch: number | null
}

/**
 * Reads an input's shape as that of pictures, or null when it cannot be: rank 4 [N, C, H, W] or [N, H, W, C] with 1 or 3
 * channels, rank 3 [N, H, W], rank 2 [N, length].
 */
export function pictureAxes(input: ValueSpec): PictureAxes | null {
  const { shape } = input
  if (!shape || !PICTURE_TYPES.includes(input.dataType)) return null
  const dims = shape.map(known)
  const common = { dataType: input.dataType as PictureDataType, fixedBatch: dims[0] ?? null, flatLength: null }
  switch (shape.length) {
    case 4: {
      const layout = layoutOf(dims)
      if (!layout) return null
      const [height, width, channels] = layout === 'NCHW' ? [dims[2], dims[3], dims[1]] : [dims[1], dims[2], dims[3]]
      return {
        ...common,
        layout,
        form: 'full',
        height: height!,
        width: width!,
        channels: (channels ?? null) as 1 | 3 | null,
      }
    }
    case 3:
      return { ...common, layout: 'NCHW', form: 'plane', height: dims[1]!, width: dims[2]!, channels: 1 }
    case 2:
      return { ...common, ...flatSize(dims[1]!), layout: 'NCHW', form: 'flat', flatLength: dims[1]! }
    default:
      return null
  }
}

/** A fixed length, or null. Exporters write −1 and 0 for "open" too. */
function known(dim: Dim): number | null {
  return typeof dim === 'number' && dim > 0 ? dim : null
}

function isChannels(length: number | null | undefined): boolean {
  return length === 1 || length === 3
}

function layoutOf(dims: readonly (number | null)[]): 'NCHW' | 'NHWC' | null {
  if (isChannels(dims[1]) && !(dims[1] === 1 && dims[3] === 3)) return 'NCHW'
  if (isChannels(dims[3])) return 'NHWC'
  // all three open: the ONNX convention
  return dims[1] === null ? 'NCHW' : null
}

/** Square sizes of the usual flattened inputs (784 = 28², 3072 = 3·32²); anything else leaves the size to the data. */
function flatSize(length: number | null): { height: number | null; width: number | null; channels: 1 | 3 | null } {
  for (const channels of [1, 3] as const) {
    const side = length === null ? 0 : Math.sqrt(length / channels)
    if (side >= 8 && Number.isInteger(side)) return { height: side, width: side, channels }
  }
  return { height: null, width: null, channels: null }
}
