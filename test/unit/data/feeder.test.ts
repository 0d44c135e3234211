import { describe, expect, it } from 'vitest'
import type { Preprocess } from '../../../src/shared/contract/data.ts'
import type { Dim, ValueSpec } from '../../../src/shared/contract/tensor.ts'
import { createFeeder } from '../../../src/main/data/feeder.ts'
import type { Picture, Sample, TensorSample } from '../../../src/main/data/port.ts'

const input = (shape: readonly Dim[] | null, dataType: ValueSpec['dataType'] = 'float', name = 'x'): ValueSpec => ({
  name,
  dataType,
  shape,
})
const plain: Preprocess = {
  resize: null,
  resizeKernel: 'linear',
  crop: null,
  channels: 'rgb',
  scale: 1,
  mean: [0],
  std: [1],
  layout: 'NCHW',
}

function pictureSample(
  height: number,
  width: number,
  channels: 1 | 3,
  pixels: (i: number) => number,
  index = 0,
): Sample {
  const content: Picture = {
    kind: 'picture',
    height,
    width,
    channels,
    pixels: Uint8Array.from({ length: height * width * channels }, (_, i) => pixels(i)),
  }
  return { index, label: null, name: `p${index}`, content }
}
/** 2×2 RGB; pixel p has red 10p, green 10p + 1, blue 10p + 2. */
const colour = pictureSample(2, 2, 3, (i) => Math.floor(i / 3) * 10 + (i % 3))

function tensorSample(tensors: TensorSample['tensors'], index = 0): Sample {
  return { index, label: null, name: `t${index}`, content: { kind: 'tensors', tensors } }
}

describe('pictures', () => {
  it.each<{ why: string; shape: Dim[]; change: Partial<Preprocess>; values: number[] }>([
    { why: 'planes in NCHW', shape: ['N', 3, 2, 2], change: {}, values: [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32] },
    {
      why: 'pixels in NHWC',
      shape: ['N', 2, 2, 3],
      change: { layout: 'NHWC' },
      values: [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32],
    },
    {
      why: 'blue first',
      shape: ['N', 3, 2, 2],
      change: { channels: 'bgr' },
      values: [2, 12, 22, 32, 1, 11, 21, 31, 0, 10, 20, 30],
    },
    { why: 'one centre pixel', shape: ['N', 3, 1, 1], change: { crop: [1, 1] }, values: [0, 1, 2] },
    {
      why: 'scale, then mean and deviation by channel',
      shape: ['N', 3, 2, 2],
      change: { scale: 0.5, mean: [0, 1, 2], std: [1, 2, 4] },
      values: [0, 5, 10, 15, -0.25, 2.25, 4.75, 7.25, -0.25, 1, 2.25, 3.5],
    },
    {
      why: 'mean and deviation stay with their channel when blue comes first',
      shape: ['N', 3, 2, 2],
      change: { channels: 'bgr', mean: [2, 1, 0] },
      values: [0, 10, 20, 30, 0, 10, 20, 30, 0, 10, 20, 30],
    },
    { why: 'flattened', shape: ['N', 12], change: {}, values: [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32] },
    // 0.299 R + 0.587 G + 0.114 B of (10p, 10p + 1, 10p + 2) is 10p + 0.815
    { why: 'grey by luma', shape: ['N', 1, 2, 2], change: { channels: 'grey' }, values: [1, 11, 21, 31] },
    {
      why: 'grey planes without a channel axis',
      shape: ['N', 2, 2],
      change: { channels: 'grey' },
      values: [1, 11, 21, 31],
    },
  ])('$why', ({ shape, change, values }) => {
    const { x } = createFeeder([input(shape)], { ...plain, ...change }).toFeeds([colour])
    expect([...(x!.data as Float32Array)]).toEqual(values)
    expect(x!.dims).toEqual([1, ...shape.slice(1)])
  })

  it('a grey picture fills all three channels of a colour model', () => {
    const { x } = createFeeder([input(['N', 3, 1, 2])], plain).toFeeds([pictureSample(1, 2, 1, (i) => i + 5)])
    expect([...(x!.data as Float32Array)]).toEqual([5, 6, 5, 6, 5, 6])
  })

  it.each([
    { dataType: 'uint8' as const, scale: 2, values: [0, 20, 255] },
    { dataType: 'int8' as const, scale: 1, values: [0, 10, 127] },
    { dataType: 'int32' as const, scale: 2, values: [0, 20, 400] },
    { dataType: 'double' as const, scale: 0.1, values: [0, 1, 20] },
    { dataType: 'float16' as const, scale: 1, values: [0, 0x4900, 0x5a40] },
  ])('writes $dataType, rounded and clamped', ({ dataType, scale, values }) => {
    const sample = pictureSample(3, 1, 1, (i) => [0, 10, 200][i]!)
    const { x } = createFeeder([input(['N', 1, 3, 1], dataType)], { ...plain, channels: 'grey', scale }).toFeeds([
      sample,
    ])
    expect(x!.dataType).toBe(dataType)
    expect([...(x!.data as Float32Array)]).toEqual(values)
  })

  it('matches the formula for every pixel value to half a unit of float32', () => {
    const value = { ...plain, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    const { x } = createFeeder([input(['N', 3, 16, 16])], value).toFeeds([
      pictureSample(16, 16, 3, (i) => Math.floor(i / 3)),
    ])
    for (let c = 0; c < 3; c++) {
      for (let p = 0; p < 256; p++) {
        expect(x!.data[c * 256 + p]).toBe(
          Math.fround((p / 255 - value.mean[c]!) / value.std[c]!) || expect.closeTo(0, 6),
        )
      }
    }
  })

  it('a fixed batch is filled up with the last sample', () => {
    const feeder = createFeeder([input([4, 1, 1, 1])], { ...plain, channels: 'grey' })
    const { x } = feeder.toFeeds([pictureSample(1, 1, 1, () => 7), pictureSample(1, 1, 1, () => 9)])
    expect(feeder.fixedBatch).toBe(4)
    expect(x!.dims).toEqual([4, 1, 1, 1])
    expect([...(x!.data as Float32Array)]).toEqual([7, 9, 9, 9])
  })

  it('resizes the shorter side, keeps the aspect and crops the centre', async () => {
    const feeder = createFeeder([input(['N', 1, 4, 4])], { ...plain, channels: 'grey', resize: 4, crop: [4, 4] })
    // left half black, right half white, 8 × 16: the crop's middle is the edge
    const prepared = await feeder.prepare(pictureSample(8, 16, 1, (i) => (i % 16 < 8 ? 0 : 255)))
    expect(prepared.content).toMatchObject({ height: 4, width: 8, channels: 1 })
    const row = [...(feeder.toFeeds([prepared]).x!.data as Float32Array)].slice(0, 4)
    expect(row[0]).toBeLessThan(30)
    expect(row[3]).toBeGreaterThan(225)
  })

  it('a picture of the right size is not touched', async () => {
    const feeder = createFeeder([input(['N', 3, 2, 2])], { ...plain, resize: 2, crop: [2, 2] })
    expect(await feeder.prepare(colour)).toBe(colour)
  })

  it.each<{ why: string; shape: Dim[]; change: Partial<Preprocess> }>([
    { why: 'pixels that are not what the model wants', shape: ['N', 3, 4, 4], change: {} },
    { why: 'a flat length that does not come out', shape: ['N', 11], change: {} },
    { why: 'a crop larger than the picture', shape: ['N', 3, 4, 4], change: { crop: [4, 4] } },
  ])('says so for $why', ({ shape, change }) => {
    const feeder = createFeeder([input(shape)], { ...plain, ...change })
    expect(() => feeder.toFeeds([colour])).toThrow(expect.objectContaining({ code: 'data.shapeMismatch' }))
  })

  it.each<{ why: string; shape: Dim[]; change: Partial<Preprocess> }>([
    { why: 'a grey model and colour preprocessing', shape: ['N', 1, 2, 2], change: {} },
    { why: 'the other layout', shape: ['N', 3, 2, 2], change: { layout: 'NHWC' } },
    { why: 'an input that is no picture', shape: ['N', 5, 5, 5], change: {} },
  ])('refuses $why before any sample', ({ shape, change }) => {
    expect(() => createFeeder([input(shape)], { ...plain, ...change })).toThrow(
      expect.objectContaining({ code: 'data.shapeMismatch' }),
    )
  })

  it('mixed sizes in one batch name both pictures', () => {
    const feeder = createFeeder([input(['N', 3, 'h', 'w'])], plain)
    expect(() => feeder.toFeeds([colour, pictureSample(3, 2, 3, () => 0, 1)])).toThrow(/p0.*p1/)
  })
})

describe('tensors', () => {
  const floats = (values: number[], dims = [values.length]): TensorSample['tensors'][string] => ({
    dataType: 'float',
    dims,
    data: Float32Array.from(values),
  })

  it('stacks rows by input name and leaves values alone', () => {
    const feeder = createFeeder([input(['N', 2], 'float', 'a'), input(['N'], 'int64', 'b')], null)
    const ids = (value: bigint): TensorSample['tensors'][string] => ({
      dataType: 'int64',
      dims: [],
      data: BigInt64Array.of(value),
    })
    const feeds = feeder.toFeeds([
      tensorSample({ a: floats([1, 2]), b: ids(5n) }),
      tensorSample({ a: floats([3, 4]), b: ids(6n) }, 1),
    ])
    expect(feeds['a']).toEqual({ dataType: 'float', dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) })
    expect(feeds['b']).toEqual({ dataType: 'int64', dims: [2], data: BigInt64Array.of(5n, 6n) })
  })

  it('one array serves the only input, whatever its name', () => {
    expect(createFeeder([input(['N', 1])], null).toFeeds([tensorSample({ arr_0: floats([9]) })])['x']!.data[0]).toBe(9)
  })

  it.each([
    { why: 'float64', row: { dataType: 'double' as const, dims: [2], data: Float64Array.of(0.1, 2) } },
    { why: 'float16', row: { dataType: 'float16' as const, dims: [2], data: Uint16Array.of(0x2e66, 0x4000) } },
  ])('$why is rounded to a float input', ({ row }) => {
    const { x } = createFeeder([input(['N', 2])], null).toFeeds([tensorSample({ x: row })])
    expect(x!.data).toBeInstanceOf(Float32Array)
    expect(x!.data[0]).toBeCloseTo(0.1, 4)
    expect(x!.data[1]).toBe(2)
  })

  it('uint16 values are numbers, not halves', () => {
    const { x } = createFeeder([input(['N', 1])], null).toFeeds([
      tensorSample({ x: { dataType: 'uint16', dims: [1], data: Uint16Array.of(0x4000) } }),
    ])
    expect(x!.data[0]).toBe(0x4000)
  })

  it('axes of length 1 may be missing', () => {
    expect(
      createFeeder([input(['N', 1, 2, 1])], null).toFeeds([tensorSample({ x: floats([1, 2]) })])['x']!.dims,
    ).toEqual([1, 1, 2, 1])
  })

  it.each([
    { why: 'an array of another shape', spec: input(['N', 3]), row: floats([1, 2]) },
    { why: 'too many axes', spec: input(['N', 2]), row: floats([1, 2, 3, 4], [2, 2]) },
    { why: 'floats for an integer input', spec: input(['N', 2], 'int64'), row: floats([1, 2]) },
    {
      why: 'truth values for a float input',
      spec: input(['N', 1]),
      row: { dataType: 'bool' as const, dims: [1], data: Uint8Array.of(1) },
    },
  ])('refuses $why', ({ spec, row }) => {
    expect(() => createFeeder([spec], null).toFeeds([tensorSample({ x: row })])).toThrow(
      expect.objectContaining({ code: 'data.shapeMismatch' }),
    )
  })

  it('an input without its array is named, with the arrays there are', () => {
    const feeder = createFeeder([input(['N', 1], 'float', 'a'), input(['N', 1], 'float', 'b')], null)
    expect(() => feeder.toFeeds([tensorSample({ a: floats([1]), c: floats([1]) })])).toThrow(/input b \(arrays: a, c\)/)
  })

  it('rows of different shape cannot be one batch', () => {
    const feeder = createFeeder([input(['N', 'length'])], null)
    expect(() => feeder.toFeeds([tensorSample({ x: floats([1]) }), tensorSample({ x: floats([1, 2]) }, 1)])).toThrow(
      expect.objectContaining({ code: 'data.shapeMismatch' }),
    )
  })
})
