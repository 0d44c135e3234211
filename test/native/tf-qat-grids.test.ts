import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../src/main/engines/tensor-api.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import { dequantize, fakeQuantize } from '../../src/main/quant/affine.ts'
import { quantizeBias } from '../../src/main/quant/bias.ts'
import type { WeightSite } from '../../src/main/quant/weight-site.ts'
import { weightParams } from '../../src/main/quant/weights.ts'
import { bestShare, bestWeightStep, lostByShare, STEP_SHARES } from '../../src/main/training/qat/best-step.ts'
import { fakeQuantizeBias } from '../../src/main/training/qat/bias.ts'
import { learnedActivation, learnedWeight } from '../../src/main/training/qat/steps.ts'
import { fakeQuantizeWeight, weightGrid } from '../../src/main/training/qat/weight-grid.ts'
import { fromStored, storedShape, toStored, type StoredLayout } from '../../src/main/training/trainable/weights.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

const symmetric = (bits: number): WeightSite['scheme'] => ({
  bits,
  storage: 'int8',
  symmetric: true,
  granularity: 'perChannel',
})
const affine = (bits: number): WeightSite['scheme'] => ({ ...symmetric(bits), storage: 'uint8', symmetric: false })

interface GridCase {
  readonly why: string
  readonly layout: StoredLayout
  readonly dims: readonly number[]
  readonly axis: number | null
  readonly groups?: number
  readonly shared?: boolean
}

const GRIDS: readonly GridCase[] = [
  { why: 'Conv', layout: 'conv', dims: [6, 4, 3, 3], axis: 0, shared: true },
  { why: 'depthwise Conv', layout: 'depthwise', dims: [8, 1, 3, 3], axis: 0, groups: 4, shared: true },
  { why: 'ConvTranspose', layout: 'convTranspose', dims: [3, 5, 2, 2], axis: 1, shared: true },
  { why: 'Gemm with B transposed', layout: 'plain', dims: [7, 9], axis: 0 },
  { why: 'MatMul', layout: 'plain', dims: [9, 7], axis: 1 },
  { why: 'one scale for all', layout: 'conv', dims: [6, 4, 3, 3], axis: null },
]

describe.skipIf(!engine)('grids of weights in training', () => {
  it.each(
    GRIDS.flatMap((grid) =>
      [2, 4, 8].flatMap((bits) =>
        [symmetric(bits), affine(bits)].map((scheme) => ({ ...grid, bits, scheme, symmetric: scheme.symmetric })),
      ),
    ),
  )(
    'are those of the file: $why, $bits bits, symmetric $symmetric',
    ({ layout, dims, axis, groups = 1, shared = false, scheme }) => {
      const { tf } = engine!
      const count = dims.reduce((a, b) => a * b, 1)
      const values = normals(seeded(count + scheme.bits), count, 0.3)
      // a channel that is zero throughout
      if (axis === 0) values.fill(0, 0, count / dims[0]!)
      const site = { scheme, layout: { dims, axis, sharedZeroPoint: shared } }
      const params = weightParams(values, site.layout, scheme)
      const wanted = fakeQuantize(values, params, dims)
      tf.tidy(() => {
        const tensor = floatTensor('w', dims, values)
        const stored = tf.tensor(toStored(tensor, layout), storedShape(dims, layout, groups))
        const held = fakeQuantizeWeight(tf, stored, weightGrid(engine!, stored, site, layout))
        const back = fromStored(tensor, Float32Array.from(held.dataSync<'float32'>()), layout)
        expectEqual(new Float32Array(back.data.slice().buffer), wanted, scheme.symmetric ? 0 : ULPS)
      })
    },
  )

  it('pass gradients straight through', () => {
    const { tf } = engine!
    tf.tidy(() => {
      const w = tf.tensor2d([0.3, -0.9, 0.1, 0.5], [2, 2])
      const site = { scheme: symmetric(2), layout: { dims: [2, 2], axis: 0, sharedZeroPoint: false } }
      const f = (x: Tensor): Tensor =>
        tf.sum(
          tf.mul(fakeQuantizeWeight(tf, x, weightGrid(engine!, x, site, 'plain')), tf.tensor2d([1, 2, 3, 4], [2, 2])),
        )
      expect([...tf.grad(f)(w).dataSync()]).toEqual([1, 2, 3, 4])
    })
  })

  it.each([8, 16, 32] as const)('biases of %d bits are those of the file', (bits) => {
    const { tf } = engine!
    const bias = normals(seeded(5), 6, 0.5)
    const scale = Float32Array.from([0.01, 0.02, 0.03, 0.01, 0.05, 0.2])
    const { values, scale: steps } = quantizeBias(bias, Math.fround(0.07), scale, bits)
    const zeros = { qmin: -(2 ** 31), qmax: 2 ** 31 - 1, scale: steps, zeroPoint: new Int32Array(6), axis: 0 }
    const wanted = dequantize(values, zeros, [6])
    tf.tidy(() => {
      const held = fakeQuantizeBias(tf, tf.tensor1d(bias), tf.scalar(0.07), tf.tensor(scale, [1, 1, 1, 6]), bits)
      // the coarse step is rounded to float32 here, which may move a value by one of the fine steps of 16 bits and more
      held
        .dataSync()
        .forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(bits === 32 ? 1e-9 : steps[i]!))
    })
  })
})

/** The length of an affine range is rounded to float32 in the engine, and in double precision for the file. */
const ULPS = 2 * 2 ** -23

function expectEqual(found: Float32Array, wanted: Float32Array, tolerance: number): void {
  found.forEach((value, i) =>
    expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(tolerance * Math.abs(wanted[i]!)),
  )
}

describe.skipIf(!engine)('steps that training begins with', () => {
  const loss = (values: Float32Array, step: number, [low, high]: readonly [number, number]): number =>
    values.reduce((sum, x) => sum + (x - Math.min(high, Math.max(low, Math.round(x / step))) * step) ** 2, 0)

  it.each([2, 3, 4, 8])('of %d-bit weights lose least of all that were tried, a channel', (bits) => {
    const { tf } = engine!
    const high = 2 ** (bits - 1) - 1
    const channels = [normals(seeded(bits), 200, 0.1), normals(seeded(bits + 9), 200, 1)]
    const covering = channels.map((values) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / high)
    tf.tidy(() => {
      const stored = tf.stack(channels.map((values) => tf.tensor1d(values)))
      const best = bestWeightStep(tf, stored, tf.tensor(covering, [2, 1]), [-high, high], [1]).dataSync()
      channels.forEach((values, c) => {
        const least = Math.min(...STEP_SHARES.map((share) => loss(values, covering[c]! * share, [-high, high])))
        expect(loss(values, best[c]!, [-high, high])).toBeCloseTo(least, 4)
      })
    })
  })

  it('of zeros cover them', () => {
    const { tf } = engine!
    tf.tidy(() => {
      const best = bestWeightStep(tf, tf.zeros([1, 8]), tf.tensor([[0.5]]), [-1, 1], [1])
      expect([...best.dataSync()]).toEqual([0.5])
    })
  })

  it('of activations cut off what is rare at few bits, and nothing of what is even', () => {
    const { tf } = engine!
    const tail = normals(seeded(3), 5000, 1).map((x) => Math.abs(x) ** 3)
    const widest = tail.reduce((most, x) => Math.max(most, x), 0)
    const share = (values: Float32Array, covering: number): number =>
      bestShare(Float64Array.from(tf.tidy(() => lostByShare(engine!, tf.tensor1d(values), covering, 2, [0, 3]))))
    expect(share(tail, widest / 3)).toBeLessThan(0.5)
    expect(
      share(
        Float32Array.from({ length: 301 }, (_, i) => Math.round(i / 100)),
        1,
      ),
    ).toBe(1)
  })
})

describe.skipIf(!engine)('learned step sizes', () => {
  it('have the gradients of the paper', () => {
    const { tf } = engine!
    tf.tidy(() => {
      const [x, step] = [tf.tensor2d([0.26, -0.9, 0.1, 0.5], [1, 4]), tf.tensor2d([0.2], [1, 1])]
      const grid = (scale: Tensor): Parameters<typeof learnedWeight>[2] => ({ scale, zeroPoint: 0, qmin: -3, qmax: 3 })
      const [dx, ds] = tf.grads((w, s) => tf.sum(learnedWeight(tf, w, grid(s))))([x, step])
      // v = 1.3, −4.5, 0.5, 2.5: the second lies beyond −3
      expect([...dx!.dataSync()]).toEqual([1, 0, 1, 1])
      const terms = [1 - 1.3, -3, 0 - 0.5, 2 - 2.5]
      expect(ds!.dataSync()[0]).toBeCloseTo(terms.reduce((a, b) => a + b) / Math.sqrt(4 * 3), 5)
    })
  })

  it('of activations come out of the kernel the same', () => {
    const { tf } = engine!
    tf.tidy(() => {
      const x = tf.tensor2d([0.13, 0.29, 1.7, -0.4], [1, 4])
      const [dx, ds] = tf.grads((a, s) => tf.sum(learnedActivation(engine!, a, s, 2, [0, 3])))([x, tf.scalar(0.2)])
      expect([...dx!.dataSync()]).toEqual([1, 1, 0, 0])
      // v = 0.65, 1.45, 8.5, −2
      const terms = [1 - 0.65, 1 - 1.45, 3, 0]
      expect(ds!.dataSync()[0]).toBeCloseTo(terms.reduce((a, b) => a + b) / Math.sqrt(4 * 3), 4)
    })
  })
})
