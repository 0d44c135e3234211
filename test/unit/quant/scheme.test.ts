import { describe, expect, it } from 'vitest'
import { isFault } from '../../../src/shared/contract/fault.ts'
import {
  activationBounds,
  containerRange,
  paramsOfRange,
  scaleOfRange,
  smallestScale,
  usableScale,
  weightBounds,
} from '../../../src/main/quant/scheme.ts'

describe('bounds of weights', () => {
  it.each([
    {
      why: 'symmetric drops the lowest integer',
      scheme: { bits: 8, storage: 'int8', symmetric: true },
      bounds: [-127, 127, 0],
    },
    { why: 'four bits', scheme: { bits: 4, storage: 'int4', symmetric: true }, bounds: [-7, 7, 0] },
    { why: 'two bits in a byte', scheme: { bits: 2, storage: 'int8', symmetric: true }, bounds: [-1, 1, 0] },
    {
      why: 'symmetric in an unsigned byte',
      scheme: { bits: 8, storage: 'uint8', symmetric: true },
      bounds: [1, 255, 128],
    },
    { why: 'affine', scheme: { bits: 8, storage: 'uint8', symmetric: false }, bounds: [0, 255, null] },
    { why: 'affine signed', scheme: { bits: 3, storage: 'int8', symmetric: false }, bounds: [-4, 3, null] },
    { why: 'one bit is {0, 1}', scheme: { bits: 1, storage: 'uint8', symmetric: false }, bounds: [0, 1, null] },
    {
      why: 'reduced range uses 7 of 8 bits',
      scheme: { bits: 8, storage: 'int8', symmetric: true, reducedRange: true },
      bounds: [-63, 63, 0],
    },
    { why: 'sixteen bits', scheme: { bits: 16, storage: 'int16', symmetric: true }, bounds: [-32767, 32767, 0] },
  ] as const)('$why', ({ scheme, bounds: [qmin, qmax, zeroPoint] }) => {
    expect(weightBounds(scheme)).toEqual({ qmin, qmax, zeroPoint })
  })

  it('refuses symmetric one bit as a usage fault', () => {
    const attempt = (): unknown => weightBounds({ bits: 1, storage: 'int8', symmetric: true })
    expect(attempt).toThrow('One bit cannot be symmetric')
    try {
      attempt()
    } catch (error) {
      expect(isFault(error) && error.code).toBe('usage.symmetricOneBit')
    }
  })
})

describe('bounds of activations', () => {
  it.each([
    { why: 'affine', bits: 8, symmetric: false, container: 'uint8', nonNegative: false, bounds: [0, 255, null] },
    {
      why: 'after Relu the zero point is the lowest integer',
      bits: 8,
      symmetric: false,
      container: 'uint8',
      nonNegative: true,
      bounds: [0, 255, 0],
    },
    {
      why: 'after Relu, signed',
      bits: 8,
      symmetric: true,
      container: 'int8',
      nonNegative: true,
      bounds: [-128, 127, -128],
    },
    {
      why: 'symmetric has 0 in the middle',
      bits: 8,
      symmetric: true,
      container: 'uint8',
      nonNegative: false,
      bounds: [0, 255, 128],
    },
    {
      why: 'fewer bits count from the lowest',
      bits: 4,
      symmetric: false,
      container: 'uint8',
      nonNegative: true,
      bounds: [0, 15, 0],
    },
    {
      why: 'fewer bits around the middle',
      bits: 4,
      symmetric: true,
      container: 'uint8',
      nonNegative: false,
      bounds: [120, 135, 128],
    },
    { why: 'one bit after Relu', bits: 1, symmetric: false, container: 'uint8', nonNegative: true, bounds: [0, 1, 0] },
    {
      why: 'sixteen bits',
      bits: 16,
      symmetric: false,
      container: 'uint16',
      nonNegative: false,
      bounds: [0, 65535, null],
    },
  ] as const)('$why', ({ bits, symmetric, container, nonNegative, bounds: [qmin, qmax, zeroPoint] }) => {
    expect(activationBounds({ bits, symmetric }, container, nonNegative)).toEqual({ qmin, qmax, zeroPoint })
  })
})

describe('scale and zero point of a range', () => {
  const affine = { qmin: 0, qmax: 255, zeroPoint: null }

  it('is widened to contain 0', () => {
    expect(scaleOfRange(2, 5.1, affine)).toEqual({ scale: Math.fround(5.1 / 255), zeroPoint: 0 })
    expect(scaleOfRange(-5.1, -2, affine)).toEqual({ scale: Math.fround(5.1 / 255), zeroPoint: 255 })
  })

  it('nudges the zero point to an integer, so that 0 stays exact', () => {
    const { zeroPoint } = scaleOfRange(-1, 2, affine)
    expect(zeroPoint).toBe(85)
  })

  it('covers the wider side of a symmetric range', () => {
    expect(scaleOfRange(-3, 1, { qmin: -127, qmax: 127, zeroPoint: 0 }).scale).toBe(Math.fround(3 / 127))
    // the lowest integer of a symmetric activation is a bonus: −3 is −127 steps
    expect(scaleOfRange(-3, 1, { qmin: 0, qmax: 255, zeroPoint: 128 }).scale).toBe(Math.fround(3 / 127))
  })

  it('covers each side by its own integers when the zero point is given', () => {
    expect(scaleOfRange(-2, 1, { qmin: 0, qmax: 255, zeroPoint: 200 }).scale).toBe(Math.fround(1 / 55))
    expect(scaleOfRange(-2, 0, { qmin: 0, qmax: 255, zeroPoint: 255 }).scale).toBe(Math.fround(2 / 255))
  })

  it.each([
    { why: 'a tensor that is zero throughout', rmin: 0, rmax: 0 },
    { why: 'a denormal range', rmin: -1e-42, rmax: 1e-42 },
    { why: 'the widest range there is', rmin: -3.4e38, rmax: 3.4e38 },
    { why: 'a constant', rmin: 7, rmax: 7 },
    { why: 'a negative constant', rmin: -7, rmax: -7 },
  ])('is a finite number above 0 for $why', ({ rmin, rmax }) => {
    const params = paramsOfRange({ rmin, rmax }, affine)
    expect(params.scale[0]).toBeGreaterThanOrEqual(smallestScale)
    expect(Number.isFinite(params.scale[0])).toBe(true)
    expect(params.zeroPoint[0]).toBeGreaterThanOrEqual(0)
    expect(params.zeroPoint[0]).toBeLessThanOrEqual(255)
  })

  it('gives float32 scales', () => {
    expect(usableScale(0.1)).toBe(Math.fround(0.1))
  })
})

it('knows the containers’ ranges', () => {
  expect(containerRange('int4')).toEqual([-8, 7])
  expect(containerRange('uint4')).toEqual([0, 15])
  expect(containerRange('uint16')).toEqual([0, 65535])
})
