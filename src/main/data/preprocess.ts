import { preprocess as preprocessSchema } from '../../shared/contract/data.ts'
import type { DataInfo, Preprocess } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import { pictureAxes } from './input-axes.ts'
import type { PictureAxes } from './input-axes.ts'

/** The part of a `Preprocess` that a name stands for: what happens to pixel values. Size and layout follow the model. */
interface Preset {
  readonly scale: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly order?: 'bgr'
  /** how pictures of another size are fitted: `centreCrop` keeps the aspect, `stretch` does not */
  readonly fit: 'centreCrop' | 'stretch'
}

/** The usual ImageNet evaluation: shorter side 256 for a crop of 224 (He et al. 2016; torchvision's reference transforms). */
const CROP_RATIO = 256 / 224
/** Side of the crop where neither the model nor the data fixes a size. */
const USUAL_SIDE = 224

const IMAGENET: Preset = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], fit: 'centreCrop' }
const SIGNED: Preset = { scale: 1 / 127.5, mean: [1], std: [1], fit: 'centreCrop' }

/**
 * Named preprocessings. Sources: `imagenet` torchvision's reference transforms; `imagenet-caffe` keras-applications mode
 * `caffe`; `signed` mode `tf`; `cifar10` the channel statistics of the training images as kuangliu/pytorch-cifar uses them;
 * `mnist` pytorch/examples/mnist; `ultraface` the Ultra-Light-Fast-Generic-Face-Detector demo.
 */
export const PRESETS: Readonly<Record<string, Preset>> = {
  imagenet: IMAGENET,
  'imagenet-torch': IMAGENET,
  'imagenet-caffe': { scale: 1, mean: [103.939, 116.779, 123.68], std: [1, 1, 1], order: 'bgr', fit: 'centreCrop' },
  unit: { scale: 1 / 255, mean: [0], std: [1], fit: 'centreCrop' },
  raw: { scale: 1, mean: [0], std: [1], fit: 'centreCrop' },
  signed: SIGNED,
  tf: SIGNED,
  cifar10: { scale: 1 / 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201], fit: 'centreCrop' },
  mnist: { scale: 1 / 255, mean: [0.1307], std: [0.3081], fit: 'centreCrop' },
  ultraface: { scale: 1, mean: [127], std: [128], fit: 'stretch' },
}

/** The presets as they can be chosen from, in the order they are offered. */
export function presetViews(): {
  name: string
  scale: number
  mean: readonly number[]
  std: readonly number[]
  fit: Preset['fit']
  order: 'rgb' | 'bgr'
}[] {
  return Object.entries(PRESETS).map(([name, { scale, mean, std, fit, order }]) => ({
    name,
    scale,
    mean: mean ?? [0],
    std: std ?? [1],
    fit,
    order: order ?? 'rgb',
  }))
}

/** What of the data decides how pictures are fitted. */
export type DataHint = Pick<DataInfo, 'spec' | 'pictureShape'>

export interface ProposedPreprocess {
  /** null when no input takes pictures, or the data are tensors already: they pass as they are */
  readonly preprocess: Preprocess | null
  /** name of the preset it was made from, null for JSON */
  readonly preset: string | null
  /** a sentence: why this one */
  readonly why: string
}

/**
 * Gives the preprocessing for a model and data: the preset named (fitted to the model's input size, layout and channels), the
 * JSON given (fields it leaves out come from `"preset"` or from the proposal), or the proposal when nothing is said.
 * @param choice a preset's name, a JSON object, or undefined
 * @throws Fault usage.preprocess for an unknown name or malformed JSON; data.shapeMismatch when no input takes pictures
 */
export function resolvePreprocess(
  choice: string | undefined,
  inputs: readonly ValueSpec[],
  data: DataHint,
  metadata?: ReadonlyMap<string, string>,
): ProposedPreprocess {
  if (choice === undefined) return proposePreprocess(inputs, data, metadata)
  if (!isPictureData(data)) {
    return {
      preprocess: null,
      preset: null,
      why: `The arrays of npz pass to the model as they are; --preprocess has no effect.`,
    }
  }
  const axes = pictureInput(inputs)
  if (!choice.trimStart().startsWith('{')) {
    const preset = presetNamed(choice)
    return { preprocess: fitPreset(preset, axes, data), preset: choice, why: `As asked: ${choice}.` }
  }
  const fields = parseJson(choice)
  const { preset: name, ...given } = fields
  if (name !== undefined && typeof name !== 'string') {
    throw new Fault('usage.preprocess', `"preset" in --preprocess must be a name: ${Object.keys(PRESETS).join(', ')}.`)
  }
  const base =
    name === undefined ? proposePreprocess(inputs, data, metadata).preprocess : fitPreset(presetNamed(name), axes, data)
  return { preprocess: checkedPreprocess({ ...base, ...given }), preset: name ?? null, why: 'As asked in JSON.' }
}

/**
 * Proposes a preprocessing from the model's picture input (shape, element type, ONNX image metadata) and the kind of data. It is a guess
 * about the pixel values, which no ONNX file has to state: the doctor compares the candidates on labelled samples.
 * @param metadata the model's metadata properties, read for `Image.NominalPixelRange` and `Image.BitmapPixelFormat`
 * @throws Fault data.shapeMismatch when pictures are given and no input can take them
 * Source: onnx/docs/MetadataProps.md, Image Category Definition.
 */
export function proposePreprocess(
  inputs: readonly ValueSpec[],
  data: DataHint,
  metadata?: ReadonlyMap<string, string>,
): ProposedPreprocess {
  if (!isPictureData(data)) return { preprocess: null, preset: null, why: 'Arrays pass to the model as they are.' }
  const axes = pictureInput(inputs)
  const { preset, why } = guessPreset(axes, data, metadata)
  const fitted = fitPreset(presetNamed(preset), axes, data)
  const bgr = /^bgr/i.test(metadata?.get('Image.BitmapPixelFormat') ?? '') && fitted.channels === 'rgb'
  return { preprocess: bgr ? { ...fitted, channels: 'bgr' } : fitted, preset, why }
}

/** Candidates the doctor tries beside the one in use, all fitted to the same model and data. */
export function candidatePreprocesses(inputs: readonly ValueSpec[], data: DataHint): ReadonlyMap<string, Preprocess> {
  if (!isPictureData(data)) return new Map()
  const axes = pictureInput(inputs)
  const colour = channelsOf(axes, data) === 3
  const names = colour
    ? ['imagenet', 'imagenet-caffe', 'unit', 'raw', 'signed', ...(data.spec.kind === 'cifar10' ? ['cifar10'] : [])]
    : ['unit', 'raw', 'signed', 'mnist']
  return new Map(names.map((name) => [name, fitPreset(presetNamed(name), axes, data)]))
}

/**
 * Checks a complete preprocessing value, for example one read from the store.
 * @throws Fault usage.preprocess naming the field
 */
export function checkedPreprocess(value: unknown): Preprocess {
  const result = preprocessSchema.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new Fault('usage.preprocess', `--preprocess: ${issue.path.join('.') || 'value'}: ${issue.message}.`)
  }
  const channels = result.data.channels === 'grey' ? 1 : 3
  for (const field of ['mean', 'std'] as const) {
    const { length } = result.data[field]
    if (length !== 1 && length !== channels) {
      throw new Fault(
        'usage.preprocess',
        `--preprocess: ${field} has ${length} numbers for ${channels} channels; give 1 or ${channels}.`,
      )
    }
  }
  if (result.data.std.some((deviation) => deviation === 0)) {
    throw new Fault('usage.preprocess', '--preprocess: std must not be 0.')
  }
  return result.data
}

function isPictureData(data: DataHint): boolean {
  return data.spec.kind !== 'npz'
}

function presetNamed(name: string): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined
  if (!preset) {
    const names = Object.keys(PRESETS).join(', ')
    throw new Fault('usage.preprocess', `Unknown preprocessing "${name}": use ${names}, or JSON.`, { name })
  }
  return preset
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (cause) {
    throw new Fault('usage.preprocess', `--preprocess is not valid JSON: ${(cause as Error).message}.`, {}, { cause })
  }
}

function pictureInput(inputs: readonly ValueSpec[]): PictureAxes {
  const candidates = inputs.map((input) => pictureAxes(input)).filter((axes) => axes !== null)
  const axes = candidates[0]
  if (axes && inputs.length === 1) return axes
  const found = inputs
    .map(({ name, shape }) => `${name} [${shape?.map((dim) => dim ?? '?').join(',') ?? '?'}]`)
    .join(', ')
  const what = inputs.length === 1 ? 'takes no picture' : `has ${inputs.length} inputs, and pictures fill only one`
  throw new Fault(
    'data.shapeMismatch',
    `The model ${what} (${found}). Give its inputs as arrays: npz:FILE with one array per input.`,
  )
}

/** Channels the model reads: as its input says, else as the data are, else 3. */
function channelsOf(axes: PictureAxes, data: DataHint): 1 | 3 {
  return axes.channels ?? (data.pictureShape?.[2] === 1 ? 1 : 3)
}

function fitPreset(preset: Preset, axes: PictureAxes, data: DataHint): Preprocess {
  const channels = channelsOf(axes, data)
  return {
    ...fitSize(preset, axes, data),
    resizeKernel: 'linear',
    channels: channels === 1 ? 'grey' : (preset.order ?? 'rgb'),
    scale: preset.scale,
    mean: perChannel(preset.mean, channels),
    std: perChannel(preset.std, channels),
    layout: axes.layout,
  }
}

function perChannel(values: readonly number[], channels: 1 | 3): number[] {
  if (values.length === channels || values.length === 1) return [...values]
  return [values.reduce((sum, value) => sum + value, 0) / values.length]
}

function fitSize(preset: Preset, axes: PictureAxes, data: DataHint): Pick<Preprocess, 'resize' | 'crop'> {
  const shape = data.pictureShape
  const height = axes.height ?? shape?.[0] ?? USUAL_SIDE
  const width = axes.width ?? shape?.[1] ?? USUAL_SIDE
  if (shape && shape[0] === height && shape[1] === width) return { resize: null, crop: null }
  // small fixed-size pictures (28×28, 32×32) have no margin worth cutting away
  const isPhotograph = data.spec.kind === 'images'
  if (preset.fit === 'stretch' || !isPhotograph || height !== width) return { resize: [height, width], crop: null }
  return { resize: Math.round(height * CROP_RATIO), crop: [height, width] }
}

function guessPreset(
  axes: PictureAxes,
  data: DataHint,
  metadata?: ReadonlyMap<string, string>,
): { preset: string; why: string } {
  const range = metadata?.get('Image.NominalPixelRange')
  const stated = range === undefined ? undefined : NOMINAL_RANGES[range]
  if (stated) return { preset: stated, why: `The model's metadata says Image.NominalPixelRange = ${range}: ${stated}.` }
  if (axes.dataType !== 'float' && axes.dataType !== 'float16' && axes.dataType !== 'double') {
    return { preset: 'raw', why: `The input is ${axes.dataType}: pixels pass as 0–255 (raw).` }
  }
  if (data.spec.kind === 'cifar10')
    return { preset: 'cifar10', why: 'CIFAR-10: its channel mean and deviation (cifar10).' }
  if (channelsOf(axes, data) === 1) return { preset: 'unit', why: 'Grey pictures: scaled to 0–1 (unit).' }
  const side = axes.height ?? USUAL_SIDE
  if (data.spec.kind === 'images' && axes.height === axes.width && side >= 96) {
    return {
      preset: 'imagenet',
      why: `A square colour input of ${side} pixels: ImageNet's mean and deviation (imagenet), a guess.`,
    }
  }
  return { preset: 'unit', why: 'Nothing says which pixel range the model wants: scaled to 0–1 (unit), a guess.' }
}

const NOMINAL_RANGES: Readonly<Record<string, string>> = {
  NominalRange_0_255: 'raw',
  Normalized_0_1: 'unit',
  Normalized_1_1: 'signed',
}
