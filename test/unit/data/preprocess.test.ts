import { describe, expect, it } from 'vitest'
import type { DataInfo } from '../../../src/shared/contract/data.ts'
import type { Dim, ValueSpec } from '../../../src/shared/contract/tensor.ts'
import {
  candidatePreprocesses,
  checkedPreprocess,
  proposePreprocess,
  resolvePreprocess,
  PRESETS,
} from '../../../src/main/data/preprocess.ts'

const input = (shape: readonly Dim[] | null, dataType: ValueSpec['dataType'] = 'float'): ValueSpec[] => [
  { name: 'x', dataType, shape },
]
const data = (
  kind: 'images' | 'mnist' | 'cifar10' | 'npz',
  pictureShape: DataInfo['pictureShape'] = null,
): Pick<DataInfo, 'spec' | 'pictureShape'> => ({ spec: { kind, path: '/d' }, pictureShape })
const photographs = data('images')
const cifar = data('cifar10', [32, 32, 3])
const mnist = data('mnist', [28, 28, 1])

describe('proposePreprocess', () => {
  it.each([
    {
      why: 'an ImageNet classifier',
      inputs: input(['N', 3, 224, 224]),
      set: photographs,
      preset: 'imagenet',
      want: { resize: 256, crop: [224, 224], channels: 'rgb', layout: 'NCHW' },
    },
    {
      why: 'another square size keeps the ratio',
      inputs: input([1, 299, 299, 3]),
      set: photographs,
      preset: 'imagenet',
      want: { resize: 342, crop: [299, 299], layout: 'NHWC' },
    },
    {
      why: 'a detector that is not square is stretched',
      inputs: input([1, 3, 240, 320]),
      set: photographs,
      preset: 'unit',
      want: { resize: [240, 320], crop: null },
    },
    {
      why: 'CIFAR-10 pictures fit as they are',
      inputs: input(['N', 3, 32, 32]),
      set: cifar,
      preset: 'cifar10',
      want: { resize: null, crop: null, channels: 'rgb' },
    },
    {
      why: 'small pictures of another size are stretched',
      inputs: input(['N', 1, 32, 32]),
      set: mnist,
      preset: 'unit',
      want: { resize: [32, 32], crop: null, channels: 'grey' },
    },
    {
      why: 'a grey model reads colour pictures as grey',
      inputs: input(['N', 1, 32, 32]),
      set: data('images', [32, 32, 3]),
      preset: 'unit',
      want: { channels: 'grey', resize: null },
    },
    {
      why: 'NHWC grey',
      inputs: input([null, 28, 28, 1]),
      set: mnist,
      preset: 'unit',
      want: { layout: 'NHWC', channels: 'grey' },
    },
    {
      why: 'a flattened input',
      inputs: input(['N', 784]),
      set: mnist,
      preset: 'unit',
      want: { channels: 'grey', resize: null },
    },
    {
      why: 'a flattened colour input',
      inputs: input(['N', 3072]),
      set: cifar,
      preset: 'cifar10',
      want: { channels: 'rgb' },
    },
    {
      why: 'open sizes take the pictures as they are',
      inputs: input(['N', 3, 'h', 'w']),
      set: cifar,
      preset: 'cifar10',
      want: { resize: null, crop: null },
    },
    {
      why: 'open sizes and mixed pictures get the usual crop',
      inputs: input(['N', 3, 'h', 'w']),
      set: photographs,
      preset: 'imagenet',
      want: { resize: 256, crop: [224, 224] },
    },
    {
      why: 'a byte input takes raw pixels',
      inputs: input([1, 224, 224, 3], 'uint8'),
      set: photographs,
      preset: 'raw',
      want: { scale: 1, mean: [0], std: [1] },
    },
  ])('$why', ({ inputs, set, preset, want }) => {
    const proposed = proposePreprocess(inputs, set)
    expect(proposed.preset).toBe(preset)
    expect(proposed.preprocess).toMatchObject(want)
    expect(proposed.why).not.toBe('')
  })

  it('believes the model where its metadata state the pixel range and order', () => {
    const metadata = new Map([
      ['Image.NominalPixelRange', 'NominalRange_0_255'],
      ['Image.BitmapPixelFormat', 'Bgr8'],
    ])
    const { preset, preprocess } = proposePreprocess(input(['N', 3, 224, 224]), photographs, metadata)
    expect(preset).toBe('raw')
    expect(preprocess).toMatchObject({ scale: 1, channels: 'bgr' })
  })

  it('leaves arrays alone', () => {
    expect(proposePreprocess(input(['N', 12]), data('npz')).preprocess).toBeNull()
  })

  it.each([
    { why: 'an input that is no picture', inputs: input(['N', 7, 9, 9]) },
    { why: 'an input of unknown rank', inputs: input(null) },
    { why: 'tokens', inputs: input(['N', 128], 'int64') },
    {
      why: 'two inputs',
      inputs: [...input(['N', 3, 8, 8]), { name: 'y', dataType: 'float' as const, shape: ['N', 3, 8, 8] }],
    },
  ])('refuses $why', ({ inputs }) => {
    expect(() => proposePreprocess(inputs, photographs)).toThrow(
      expect.objectContaining({ code: 'data.shapeMismatch' }),
    )
  })
})

describe('resolvePreprocess', () => {
  const inputs = input(['N', 3, 224, 224])

  it.each(Object.keys(PRESETS))('every preset is a sound value for colour and grey: %s', (name) => {
    expect(() => checkedPreprocess(resolvePreprocess(name, inputs, photographs).preprocess)).not.toThrow()
    expect(() => checkedPreprocess(resolvePreprocess(name, input(['N', 1, 28, 28]), mnist).preprocess)).not.toThrow()
  })

  it('imagenet means what torchvision means', () => {
    expect(resolvePreprocess('imagenet', inputs, photographs).preprocess).toEqual({
      resize: 256,
      resizeKernel: 'linear',
      crop: [224, 224],
      channels: 'rgb',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      layout: 'NCHW',
    })
  })

  it('JSON changes only what it names', () => {
    const { preprocess, preset } = resolvePreprocess(
      '{"preset": "unit", "channels": "bgr", "resize": [224, 224], "crop": null}',
      inputs,
      photographs,
    )
    expect(preset).toBe('unit')
    expect(preprocess).toMatchObject({ channels: 'bgr', resize: [224, 224], crop: null, scale: 1 / 255, mean: [0] })
  })

  it.each([
    { why: 'an unknown name', choice: 'imagenette' },
    { why: 'a name every object has', choice: 'toString' },
    { why: 'broken JSON', choice: '{"scale": ' },
    { why: 'an unknown field', choice: '{"scael": 1}' },
    { why: 'a preset that is no name', choice: '{"preset": 3}' },
    { why: 'two means for three channels', choice: '{"mean": [0, 0]}' },
    { why: 'a deviation of 0', choice: '{"std": [0]}' },
    { why: 'a crop of nothing', choice: '{"crop": [0, 224]}' },
  ])('refuses $why', ({ choice }) => {
    expect(() => resolvePreprocess(choice, inputs, photographs)).toThrow(
      expect.objectContaining({ code: 'usage.preprocess' }),
    )
  })
})

it('candidates differ only in what happens to pixel values', () => {
  const candidates = [...candidatePreprocesses(input(['N', 3, 224, 224]), photographs).values()]
  expect(candidates.length).toBeGreaterThan(3)
  for (const { resize, crop, layout } of candidates)
    expect({ resize, crop, layout }).toEqual({ resize: 256, crop: [224, 224], layout: 'NCHW' })
})
