import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../src/main/engines/tensor-api.ts'
import { toTensorFault } from '../../src/main/engines/tf/errors.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

/** Both are float32, summed in another order. */
const DIGITS = 4

describe.skipIf(!engine)('kernels that tfjs has no function for', () => {
  it('normalizes a batch, and differentiates, as the formula says', () => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const random = seeded(2)
      const draw = (...dims: number[]): Tensor =>
        tf.tensor(
          normals(
            random,
            dims.reduce((a, b) => a * b, 1),
          ),
          dims,
        )
      const [x, scale, offset, mix] = [draw(4, 5, 5, 3), draw(3), draw(3), draw(4, 5, 5, 3)]
      const formula = (a: Tensor, s: Tensor, o: Tensor): Tensor => {
        const { mean, variance } = tf.moments(a, [0, 1, 2])
        return tf.sum(tf.mul(mix, tf.add(tf.mul(tf.div(tf.sub(a, mean), tf.sqrt(tf.add(variance, 1e-3))), s), o)))
      }
      const kernel = (a: Tensor, s: Tensor, o: Tensor): Tensor =>
        tf.sum(tf.mul(mix, native.batchNormTrain(a, s, o, 1e-3).y))
      const wanted = tf.grads(formula)([x, scale, offset])
      tf.grads(kernel)([x, scale, offset]).forEach((gradient, i) => expectEqual(gradient, wanted[i]!))
      const { mean, variance } = native.batchNormTrain(x, scale, offset, 1e-3)
      const moments = tf.moments(x, [0, 1, 2])
      expectEqual(mean, moments.mean)
      expectEqual(variance, moments.variance)
    })
  })

  it('simulates 2 bits, passing gradients straight through within the range', () => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const x = tf.tensor1d([-5, 0, 0.9, 1.6, 3, 7])
      const [min, max] = [tf.scalar(0), tf.scalar(3)]
      expectEqual(native.fakeQuantize(x, min, max, 2, false), tf.tensor1d([0, 0, 1, 2, 3, 3]))
      const quantized = (a: Tensor, low: Tensor, high: Tensor): Tensor =>
        tf.sum(native.fakeQuantize(a, low, high, 2, false))
      const [dx, dMin, dMax] = tf.grads(quantized)([x, min, max])
      expectEqual(dx!, tf.tensor1d([0, 1, 1, 1, 1, 0]))
      // what was cut off moves with its bound
      expect([dMin!.dataSync()[0], dMax!.dataSync()[0]]).toEqual([1, 1])
    })
  })

  it('simulates each channel of the last axis by its own range', () => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const x = tf.tensor2d([
        [0.4, 40],
        [-3, -300],
      ])
      const y = native.fakeQuantizePerChannel(x, tf.tensor1d([-1, -100]), tf.tensor1d([1, 100]), 2, true)
      expectEqual(
        y,
        tf.tensor2d([
          [0, 0],
          [-1, -100],
        ]),
      )
    })
  })

  it.each(['relu', 'relu6'] as const)('%s cuts, and so does its gradient', (name) => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const x = tf.tensor1d([-1, 2, 8])
      expectEqual(native[name](x), tf[name](x))
      expectEqual(tf.grad((a) => tf.sum(native[name](a)))(x), tf.grad((a) => tf.sum(tf[name](a)))(x))
    })
  })

  it('names a kernel that this libtensorflow lacks', () => {
    const { tf, version } = engine!
    const backend = tf.backend() as unknown as {
      executeMultipleOutputs(name: string, a: [], b: [], n: number): unknown
    }
    try {
      backend.executeMultipleOutputs('KernelOfTomorrow', [], [], 1)
      expect.fail('it has this kernel')
    } catch (error) {
      expect(toTensorFault(error, version)).toMatchObject({
        code: 'engine.unsupportedOp',
        data: { op: 'KernelOfTomorrow' },
      })
    }
  })
})

function expectEqual(found: Tensor, wanted: Tensor): void {
  const expected = wanted.dataSync()
  found.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, DIGITS))
}
