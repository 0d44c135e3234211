import { describe, expect, it } from 'vitest'
import type { Collection, TensorStatistics } from '../../../src/main/calibration/collection.ts'
import { TensorObserver } from '../../../src/main/calibration/observer.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { explainLayers, worstLayers, type Finding, type LayerExplanation } from '../../../src/main/search/explain.ts'
import { parseConfigurations } from '../../../src/main/search/grid.ts'
import { gridVariants } from '../../../src/main/jobs/sensitivity/variants.ts'
import { ModelBuilder, normals, seeded } from '../../builders/model-builder.ts'
import { prepare } from '../../builders/quantizing.ts'

// x [1, 8, 64, 64] → first (3×3 Conv, Relu) → second (3×3 Conv): sound, until a test plants a fault in it.

const CHANNELS = 8
const PIXELS = 64 * 64
const TAPS = 9 * CHANNELS

interface Planted {
  /** changes the sound weights of `first`, `[8, 8, 3, 3]`, deviation 0.1 */
  readonly weights?: (weights: Float32Array) => void
  /** of `first`; none when absent */
  readonly bias?: Float32Array
  /** change the sound values `[8, 64, 64]`, half-normal for both */
  readonly input?: (values: Float32Array) => void
  readonly output?: (values: Float32Array) => void
  readonly config?: string
  readonly saturatesHere?: boolean
}

function network({ weights, bias }: Planted): Model {
  const b = new ModelBuilder()
  b.input('x', [1, CHANNELS, 64, 64])
  const own = clippedNormals(1, CHANNELS * TAPS, 0.1)
  weights?.(own)
  const inputs = ['x', b.floats([...own], [CHANNELS, CHANNELS, 3, 3], 'w1')]
  if (bias) inputs.push(b.floats([...bias], [CHANNELS], 'b1'))
  const first = b.node('Conv', inputs, { pads: [1, 1, 1, 1] }, { name: 'first' })
  const relu = b.node('Relu', [first], {}, { name: 'relu', outputs: ['r'] })
  const w2 = b.floats([...clippedNormals(2, CHANNELS * TAPS, 0.1)], [CHANNELS, CHANNELS, 3, 3], 'w2')
  b.output(b.node('Conv', [relu, w2], { pads: [1, 1, 1, 1] }, { name: 'second', outputs: ['y'] }))
  return b.build()
}

/** Normal values within three deviations: no outlier but those that are planted. */
function clippedNormals(seed: number, count: number, deviation: number): Float32Array {
  return normals(seeded(seed), count, deviation).map((v) => Math.max(-3 * deviation, Math.min(3 * deviation, v)))
}

function observed(name: string, values: Float32Array): TensorStatistics {
  const observer = new TensorObserver(name, 1)
  const channelOf = (c: number): Float32Array => values.subarray(c * PIXELS, (c + 1) * PIXELS)
  const bounds = (pick: (a: number, b: number) => number, start: number): Float32Array =>
    Float32Array.from({ length: CHANNELS }, (_, c) => channelOf(c).reduce((a, b) => pick(a, b), start))
  observer.addBounds({
    min: bounds(Math.min, Infinity),
    max: bounds(Math.max, -Infinity),
    observations: 1,
    channels: CHANNELS,
  })
  observer.addElements(values)
  return observer.statistics()
}

function explain(planted: Planted): LayerExplanation {
  const { model, layers } = prepare(network(planted))
  const count = CHANNELS * PIXELS
  const input = clippedNormals(3, count, 1).map(Math.abs)
  planted.input?.(input)
  const output = clippedNormals(4, count, 1).map(Math.abs)
  planted.output?.(output)
  const tensors = new Map([
    ['x', observed('x', input)],
    ['r', observed('r', output)],
    ['y', observed('y', clippedNormals(5, count, 1))],
  ])
  const collection: Collection = { samples: 1, elementsPerSample: count, tensors }
  const configurations = parseConfigurations(planted.config ?? '8')
  const own = layers.filter(({ id }) => id === 'first')
  const [alone] = gridVariants({ layers: own, configurations, base: 'float' }, layers)
  const [whole] = gridVariants({ layers: own, configurations, base: 'quantized' }, layers)
  const { layerId, config, plan } = alone!.variants[0]!
  const variant = { layerId: layerId!, config, plan, wholePlan: whole!.basePlan! }
  return explainLayers({ model, layers, collection, saturatesHere: planted.saturatesHere ?? false }, [variant])[0]!
}

/** The one finding beside where the rounding error comes from. */
function onlyFault({ findings }: LayerExplanation): Finding {
  expect(findings.map(({ kind }) => kind)).toEqual([findings[0]!.kind, 'rounding'])
  return findings[0]!
}

const channel = (values: Float32Array, c: number, size: number): Float32Array =>
  values.subarray(c * size, (c + 1) * size)

const times = (values: Float32Array, factor: number): void => values.forEach((v, i) => (values[i] = v * factor))

const repairs = ({ remedies }: LayerExplanation): string[] =>
  remedies.flatMap((remedy) => ('repair' in remedy ? [remedy.repair] : []))

describe('a layer without a fault', () => {
  it('is told so, with where its rounding error comes from', () => {
    const { findings, remedies } = explain({})
    expect(findings.map(({ kind }) => kind)).toEqual(['rounding'])
    expect(findings[0]!.text).toMatch(/^Nothing stands out; it is plain rounding\. .*weights \d+\.\d dB \(8 bits\)/)
    expect(remedies.at(-1)).toMatchObject({ layer: 'first', override: 'float' })
  })

  it('blames the weights where they alone have few bits, and says what 8 would do', () => {
    const { findings, remedies } = explain({ config: '3' })
    expect(findings).toHaveLength(1)
    expect(findings[0]!.text).toContain('most of the error comes from the weights')
    expect(remedies).toContainEqual({
      layer: 'first',
      override: { weights: { bits: 8, storage: 'int8' } },
      text: expect.stringMatching(/^8-bit weights: from 1\d\.\d dB to 4\d\.\d dB\.$/) as string,
    })
  })

  it('blames activations where they have few bits', () => {
    const { findings, remedies } = explain({ config: 'a3' })
    expect(findings[0]!.text).toMatch(/most of the error comes from (input "x"|output "r")/)
    expect(remedies).toContainEqual(expect.objectContaining({ layer: 'first', override: { activations: { bits: 8 } } }))
  })
})

describe('planted faults', () => {
  it('an outlier channel: which, how many times the median, and what equalization makes of it', () => {
    const explanation = explain({ output: (r) => times(channel(r, 5, PIXELS), 40) })
    const { kind, text, numbers } = onlyFault(explanation)
    expect(kind).toBe('outlierChannel')
    expect(numbers).toMatchObject({ channel: 5, outliers: 1 })
    expect(numbers['ratio']).toBeGreaterThan(38)
    expect(numbers['ratio']).toBeLessThan(42)
    expect(numbers['levels']).toBeGreaterThanOrEqual(6)
    expect(numbers['levels']).toBeLessThanOrEqual(7) // 256 / 40
    expect(text).toMatch(/^Channel 5 of its output "r" spans 120, 40 times the median channel/)
    expect(explanation.remedies).toContainEqual({
      repair: 'equalize',
      text: expect.stringMatching(/^Equalization divides channel 5 by \d+.*instead of 40\./) as string,
    })
  })

  it('an outlier channel of the input has no layer before it to be equalized with', () => {
    const explanation = explain({ input: (x) => times(channel(x, 2, PIXELS), 30) })
    expect(onlyFault(explanation)).toMatchObject({ kind: 'outlierChannel', numbers: { channel: 2 } })
    expect(repairs(explanation)).not.toContain('equalize')
  })

  it('clipped tails: the share beyond the range, the kurtosis, and the calibrator that clips less', () => {
    const explanation = explain({
      config: '8:percentile=99',
      output: (r) => r.forEach((value, i) => (r[i] = i % 50 === 0 ? value * 8 : value)), // 2 % of the values, in every channel
    })
    const fault = explanation.findings.find(({ text }) => text.includes('"r"'))!
    expect(fault.kind).toBe('clippedTails')
    expect(fault.numbers['clippedShare']).toBeGreaterThan(0.005)
    expect(fault.numbers['clippedShare']).toBeLessThan(0.02)
    expect(fault.numbers['kurtosis']).toBeGreaterThan(10)
    expect(fault.text).toMatch(/lies beyond the range \[0, [\d.]+\] and is clipped/)
    expect(repairs(explanation)).toContain('calibrators')
  })

  it('long tails: a range that one value in a thousand stretches', () => {
    const explanation = explain({
      output: (r) => r.forEach((_, i) => (r[i] = i % PIXELS === 7 ? 30 : r[i]!)), // one value a channel
    })
    const { kind, numbers, text } = onlyFault(explanation)
    expect(kind).toBe('longTails')
    expect(numbers['ratio']).toBeGreaterThan(5)
    expect(text).toContain('times as wide as what holds 99.9 % of the values')
  })

  it('a wide range beside the values, without a tail that the bulk is free of', () => {
    const explanation = explain({
      // one in 512, in every channel, from little to the most
      output: (r) => r.forEach((v, i) => (r[i] = i % 512 === 9 ? (3 * Math.ceil((i % PIXELS) / 512)) / 8 : 0.001 * v)),
    })
    const { kind, numbers } = onlyFault(explanation)
    expect(kind).toBe('wideRange')
    expect(numbers['ratio']).toBeGreaterThan(32)
  })

  it('one scale for channels of very different size, and what a scale for each would do', () => {
    const explanation = explain({ config: '8:per-tensor', weights: (w) => times(channel(w, 3, TAPS), 50) })
    const { kind, numbers, text } = onlyFault(explanation)
    expect(kind).toBe('wideRange')
    expect(numbers).toMatchObject({ channel: 3 })
    expect(numbers['ratio']).toBeCloseTo(50, -1)
    expect(text).toMatch(/^All 8 channels of its weights share one scale: channel 3 reaches/)
    expect(explanation.remedies).toContainEqual(
      expect.objectContaining({ layer: 'first', override: { weights: { granularity: 'perChannel' } } }),
    )
    expect(repairs(explanation)).toContain('equalize')
  })

  it('one weight that sets the scale of its channel', () => {
    const { kind, numbers } = onlyFault(explain({ weights: (w) => (w[6 * TAPS + 11] = -3) }))
    expect(kind).toBe('outlierWeight')
    expect(numbers).toMatchObject({ channel: 6, peak: 3 })
  })

  it('a channel whose weights are next to nothing', () => {
    const { kind, numbers, text } = onlyFault(explain({ weights: (w) => times(channel(w, 1, TAPS), 1e-4) }))
    expect(kind).toBe('tinyScale')
    expect(numbers).toMatchObject({ channel: 1, channels: 1 })
    expect(numbers['ratio']).toBeGreaterThan(5000)
    expect(text).toContain('1/')
  })

  it('a bias beyond its int32 grid, beside the tiny scale that is its reason', () => {
    const bias = new Float32Array(CHANNELS)
    bias[4] = 5
    const { findings, remedies } = explain({ bias, weights: (w) => times(channel(w, 4, TAPS), 1e-9) })
    expect(findings.map(({ kind }) => kind)).toEqual(['tinyScale', 'biasDoesNotFit', 'rounding'])
    const { numbers, text } = findings[1]!
    expect(numbers).toMatchObject({ channel: 4, bias: 5, channels: 1 })
    expect(numbers['steps']).toBeGreaterThan(2 ** 31)
    expect(text).toContain('more than fit')
    expect(remedies).toContainEqual(expect.objectContaining({ override: { mode: 'weightOnly' } }))
  })

  it('sums that saturate on AVX2, and what a bit less would do', () => {
    const saturating: Planted = {
      weights: (w) => w.fill(0.3),
      input: (x) => x.forEach((value, i) => (x[i] = 2 + Math.abs(value) / 4)),
    }
    const explanation = explain(saturating)
    const { kind, numbers, text } = onlyFault(explanation)
    expect(kind).toBe('saturation')
    expect(numbers['channels']).toBe(CHANNELS)
    expect(numbers['expected']).toBeGreaterThan(1)
    expect(numbers['reducedExpected']).toBe(0) // 63 · 255 · 2 < 2^15
    expect(text).toContain('not this one')
    expect(onlyFault(explain({ ...saturating, saturatesHere: true })).text).toMatch(/^On this CPU/)
    expect(repairs(explanation)).toContain('reducedRange')
  })
})

describe('worstLayers', () => {
  it('takes each layer once, where it ranks highest, and serves every configuration in turn', () => {
    const row = (layerId: string, config: string, rank: number): Parameters<typeof worstLayers>[0][number] => ({
      layerId,
      config,
      rank,
    })
    const rows = [row('a', '8', 1), row('b', '8', 2), row('c', '8', 3), row('c', '4', 1), row('a', '4', 2)]
    expect(worstLayers(rows).map(({ layerId, config }) => `${layerId} ${config}`)).toEqual(['a 8', 'c 4', 'b 8'])
    expect(worstLayers(rows, 1)).toHaveLength(1)
    expect(worstLayers([])).toEqual([])
  })
})
