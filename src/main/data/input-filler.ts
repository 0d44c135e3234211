import type { Preprocess } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import type { TypedArray } from '../engines/port.ts'
import { toFloat16Bits } from './float16.ts'
import { pictureAxes } from './input-axes.ts'
import type { PictureAxes, PictureDataType } from './input-axes.ts'
import type { Picture, Sample } from './port.ts'
import { resizePicture } from './resize.ts'

/** Writes pictures into one model input. */
export interface InputFiller {
  readonly input: ValueSpec
  readonly dataType: PictureDataType
  /** the batch length the model fixes, null where open */
  readonly fixedBatch: number | null
  /** Resizes where the preprocessing asks for it (off the event loop); gives the same sample where nothing is to be done. */
  readonly prepare: (sample: Sample) => Sample | Promise<Sample>
  /**
   * Dims of a prepared sample in the model's input, without the batch axis.
   * @throws Fault data.shapeMismatch when they do not fit the model
   */
  dimsOf(sample: Sample): readonly number[]
  /** A zeroed array of the input's element type. */
  allocate(elements: number): TypedArray
  /** Writes one prepared sample from `offset` (in elements) on; crop, channels, scale, mean/std and layout happen here. */
  fill(sample: Sample, target: TypedArray, offset: number): void
}

/**
 * Makes the filler for a model input. Pixel values go through one table of 256 entries a channel, so that scale, mean and
 * deviation cost one look-up a pixel; table entries are computed in double precision and rounded once to the input's type.
 * @throws Fault data.shapeMismatch when the input takes no pictures, or preprocessing and input disagree on layout or channels
 */
export function createInputFiller(preprocess: Preprocess, input: ValueSpec): InputFiller {
  const axes = pictureAxes(input)
  if (!axes) {
    throw mismatch(input, 'takes no pictures', 'Give its inputs as arrays: npz:FILE.')
  }
  checkAgreement(preprocess, input, axes)
  const channels = preprocess.channels === 'grey' ? 1 : 3
  const table = createTable(preprocess, axes.dataType, channels)
  const dimsOf = rememberLast((sample) => dimsFor(preprocess, axes, input, sample))
  return {
    input,
    dataType: axes.dataType,
    fixedBatch: axes.fixedBatch,
    prepare: (sample) => resized(preprocess, sample),
    dimsOf,
    allocate: (elements) => allocate(axes.dataType, elements),
    fill: (sample, target, offset) => {
      const window = cropWindow(preprocess, sample)
      writePixels(target, offset, pictureOf(sample), window, table, preprocess)
    },
  }
}

/** Dims of pictures of the size of the last one need no checking again. */
function rememberLast(dimsOf: (sample: Sample) => readonly number[]): (sample: Sample) => readonly number[] {
  let last: { readonly height: number; readonly width: number; readonly dims: readonly number[] } | null = null
  return (sample) => {
    const { height, width } = pictureOf(sample)
    if (last?.height !== height || last.width !== width) last = { height, width, dims: dimsOf(sample) }
    return last.dims
  }
}

function checkAgreement(preprocess: Preprocess, input: ValueSpec, axes: PictureAxes): void {
  const channels = preprocess.channels === 'grey' ? 1 : 3
  if (axes.channels !== null && axes.form !== 'flat' && axes.channels !== channels) {
    const wanted = axes.channels === 1 ? '"grey"' : '"rgb" or "bgr"'
    throw mismatch(
      input,
      `has ${axes.channels} channels, the preprocessing gives ${channels}`,
      `Set "channels" to ${wanted}.`,
    )
  }
  if (axes.form === 'full' && axes.layout !== preprocess.layout && channels === 3) {
    throw mismatch(
      input,
      `is ${axes.layout}, the preprocessing ${preprocess.layout}`,
      `Set "layout" to "${axes.layout}".`,
    )
  }
}

function pictureOf(sample: Sample): Picture {
  if (sample.content.kind !== 'picture') throw new Error(`sample ${sample.name} holds tensors, not a picture`)
  return sample.content
}

function resized(preprocess: Preprocess, sample: Sample): Sample | Promise<Sample> {
  const picture = pictureOf(sample)
  const [height, width] = resizedSize(preprocess, picture)
  if (height === picture.height && width === picture.width) return sample
  return resizePicture(picture, height, width, preprocess.resizeKernel).then((content) => ({ ...sample, content }))
}

/** The longer side is rounded down, as torchvision's Resize does. */
function resizedSize({ resize }: Preprocess, { height, width }: Picture): readonly [number, number] {
  if (resize === null) return [height, width]
  if (typeof resize !== 'number') return resize
  return height <= width
    ? [resize, Math.max(1, Math.floor((resize * width) / height))]
    : [Math.max(1, Math.floor((resize * height) / width)), resize]
}

interface Window {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

function cropWindow({ crop }: Preprocess, sample: Sample): Window {
  const { height, width } = pictureOf(sample)
  if (!crop) return { top: 0, left: 0, height, width }
  if (crop[0] > height || crop[1] > width) {
    const found = `${sample.name} is ${height}×${width} pixels, less than the crop of ${crop[0]}×${crop[1]}`
    throw new Fault('data.shapeMismatch', `${found}. Add "resize" to the preprocessing, or take larger pictures.`, {
      sample: sample.name,
    })
  }
  return { top: halfOf(height - crop[0]), left: halfOf(width - crop[1]), height: crop[0], width: crop[1] }
}

/** Half, ties to even, as torchvision's CenterCrop rounds. */
function halfOf(margin: number): number {
  const half = Math.floor(margin / 2)
  return margin % 2 === 1 && half % 2 === 1 ? half + 1 : half
}

function dimsFor(preprocess: Preprocess, axes: PictureAxes, input: ValueSpec, sample: Sample): readonly number[] {
  const { height, width } = cropWindow(preprocess, sample)
  const channels = preprocess.channels === 'grey' ? 1 : 3
  const length = height * width * channels
  const fits =
    axes.form === 'flat'
      ? axes.flatLength === null || axes.flatLength === length
      : (axes.height ?? height) === height && (axes.width ?? width) === width
  if (!fits) {
    const wanted =
      axes.form === 'flat' ? `${axes.flatLength} values` : `${axes.height ?? 'any'}×${axes.width ?? 'any'} pixels`
    const found = `${sample.name} comes as ${height}×${width} pixels with ${channels} ${channels === 1 ? 'channel' : 'channels'}`
    const todo = 'Leave --preprocess out to have the size proposed, or set "resize" and "crop".'
    throw mismatch(input, `wants ${wanted}, ${found}`, todo)
  }
  switch (axes.form) {
    case 'flat':
      return [length]
    case 'plane':
      return [height, width]
    case 'full':
      return axes.layout === 'NCHW' ? [channels, height, width] : [height, width, channels]
  }
}

function mismatch(input: ValueSpec, problem: string, todo: string): Fault {
  const shape = input.shape?.map((dim) => dim ?? '?').join(',') ?? '?'
  const sentence = `The model's input ${input.name} (${input.dataType} [${shape}]) ${problem}. ${todo}`
  return new Fault('data.shapeMismatch', sentence, { input: input.name })
}

/** Values of the output channels, one after the other: `table[channel * 256 + pixel]`. */
function createTable(preprocess: Preprocess, dataType: PictureDataType, channels: 1 | 3): TypedArray {
  const { scale, mean, std } = preprocess
  const table = allocate(dataType, 256 * channels)
  for (let channel = 0; channel < channels; channel++) {
    const shift = mean[channel] ?? mean[0]!
    const deviation = std[channel] ?? std[0]!
    for (let pixel = 0; pixel < 256; pixel++) {
      table[channel * 256 + pixel] = asType((pixel * scale - shift) / deviation, dataType)
    }
  }
  return table
}

function asType(value: number, dataType: PictureDataType): number {
  switch (dataType) {
    case 'float':
    case 'double':
      return value
    case 'float16':
      return toFloat16Bits(value)
    case 'uint8':
      return Math.min(255, Math.max(0, Math.round(value)))
    case 'int8':
      return Math.min(127, Math.max(-128, Math.round(value)))
    case 'int32':
      return Math.round(value)
  }
}

function allocate(dataType: PictureDataType, elements: number): TypedArray {
  switch (dataType) {
    case 'float':
      return new Float32Array(elements)
    case 'double':
      return new Float64Array(elements)
    case 'float16':
      return new Uint16Array(elements)
    case 'uint8':
      return new Uint8Array(elements)
    case 'int8':
      return new Int8Array(elements)
    case 'int32':
      return new Int32Array(elements)
  }
}

function writePixels(
  target: TypedArray,
  offset: number,
  picture: Picture,
  window: Window,
  table: TypedArray,
  preprocess: Preprocess,
): void {
  // every array is of the input's own element type, none of them a bigint one
  const out = target as Float32Array
  const values = table as Float32Array
  if (preprocess.channels === 'grey') return writeGrey(out, offset, picture, window, values)
  const plane = window.height * window.width
  const isPlanar = preprocess.layout === 'NCHW'
  if (isPlanar && picture.channels === 3)
    return writePlanes(out, offset, picture, window, values, preprocess.channels === 'bgr')
  if (isPlanar) return writeGreyPlanes(out, offset, picture, window, values)
  const step = isPlanar ? 1 : 3
  for (let channel = 0; channel < 3; channel++) {
    const from = picture.channels === 1 ? 0 : preprocess.channels === 'bgr' ? 2 - channel : channel
    writeChannel(
      out,
      offset + (isPlanar ? channel * plane : channel),
      step,
      picture,
      from,
      window,
      values,
      channel * 256,
    )
  }
}

/** Three planes in one pass over interleaved pixels: the usual case of photographs, a third faster than channel by channel. */
function writePlanes(
  out: Float32Array,
  start: number,
  picture: Picture,
  window: Window,
  values: Float32Array,
  isBgr: boolean,
): void {
  const { pixels, width } = picture
  const plane = window.height * window.width
  const [first, third] = isBgr ? [2, 0] : [0, 2]
  let at = start
  for (let y = window.top; y < window.top + window.height; y++) {
    let source = (y * width + window.left) * 3
    for (let x = 0; x < window.width; x++) {
      out[at] = values[pixels[source + first]!]!
      out[at + plane] = values[256 + pixels[source + 1]!]!
      out[at + 2 * plane] = values[512 + pixels[source + third]!]!
      at++
      source += 3
    }
  }
}

/** One plane as it is; values that preprocessing does not change are converted by the engine's own loop. */
function writePlane(out: Float32Array, start: number, picture: Picture, window: Window, values: Float32Array): void {
  const { pixels, width, height } = picture
  const isWhole = window.width === width && window.height === height
  if (isWhole && isIdentity(values)) out.set(pixels, start)
  else writeChannel(out, start, 1, picture, 0, window, values, 0)
}

const identities = new WeakMap<Float32Array, boolean>()

/** Whether a table gives every pixel its own value; looked up once a table, not once a picture. */
function isIdentity(table: Float32Array): boolean {
  let known = identities.get(table)
  if (known === undefined) identities.set(table, (known = table.every((value, pixel) => value === pixel)))
  return known
}

/** One grey value into three planes, read once. */
function writeGreyPlanes(
  out: Float32Array,
  start: number,
  { pixels, width }: Picture,
  window: Window,
  values: Float32Array,
): void {
  const plane = window.height * window.width
  let at = start
  for (let y = window.top; y < window.top + window.height; y++) {
    let source = y * width + window.left
    for (const end = source + window.width; source < end; source++, at++) {
      const pixel = pixels[source]!
      out[at] = values[pixel]!
      out[at + plane] = values[256 + pixel]!
      out[at + 2 * plane] = values[512 + pixel]!
    }
  }
}

function writeChannel(
  out: Float32Array,
  start: number,
  step: number,
  picture: Picture,
  from: number,
  window: Window,
  values: Float32Array,
  row: number,
): void {
  const { pixels, width, channels } = picture
  let at = start
  for (let y = window.top; y < window.top + window.height; y++) {
    let source = (y * width + window.left) * channels + from
    for (let x = 0; x < window.width; x++) {
      out[at] = values[row + pixels[source]!]!
      at += step
      source += channels
    }
  }
}

/** Colour becomes grey by the luma of ITU-R 601-2, in the integer form that PIL's convert("L") uses. */
function writeGrey(out: Float32Array, start: number, picture: Picture, window: Window, values: Float32Array): void {
  if (picture.channels === 1) return writePlane(out, start, picture, window, values)
  const { pixels, width } = picture
  let at = start
  for (let y = window.top; y < window.top + window.height; y++) {
    let source = (y * width + window.left) * 3
    for (let x = 0; x < window.width; x++) {
      const luma = (pixels[source]! * 19595 + pixels[source + 1]! * 38470 + pixels[source + 2]! * 7471 + 0x8000) >> 16
      out[at++] = values[luma]!
      source += 3
    }
  }
}
