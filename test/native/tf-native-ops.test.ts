import { describe, expect, it } from 'vitest'
import type { Tensor, Tensor4D } from '../../src/main/engines/tensor-api.ts'
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

  it.each([
    { why: 'few channels: its own kernel', x: [2, 6, 6, 3], filter: [3, 3, 3, 4], stride: [1, 1], pad: 'same' },
    { why: 'many channels', x: [2, 4, 4, 16], filter: [3, 3, 16, 20], stride: [1, 1], pad: 'same' },
    { why: 'no padding', x: [2, 5, 4, 16], filter: [3, 2, 16, 16], stride: [1, 1], pad: 'valid' },
    { why: 'an even window', x: [2, 5, 5, 16], filter: [2, 4, 16, 16], stride: [1, 1], pad: 'same' },
    { why: 'single pixels', x: [3, 4, 4, 16], filter: [1, 1, 16, 32], stride: [1, 1], pad: 'valid' },
    { why: 'strides over few pixels', x: [2, 4, 4, 16], filter: [3, 3, 16, 16], stride: [2, 2], pad: 'same' },
    { why: 'strides that leave a row over', x: [2, 5, 4, 16], filter: [2, 2, 16, 16], stride: [2, 2], pad: 'valid' },
    { why: 'strides longer than the window', x: [2, 5, 5, 16], filter: [1, 1, 16, 16], stride: [3, 2], pad: 'same' },
    { why: 'strides over many pixels', x: [1, 9, 9, 16], filter: [3, 3, 16, 16], stride: [2, 2], pad: 'same' },
  ] as const)('convolves, and differentiates, as tfjs does: $why', ({ x: dims, filter, stride, pad }) => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const random = seeded(4)
      const draw = (shape: readonly [number, number, number, number]): Tensor4D =>
        tf.tensor4d(
          normals(
            random,
            shape.reduce((a, b) => a * b, 1),
          ),
          [...shape],
        )
      const [x, w] = [draw(dims), draw(filter)]
      const strides: [number, number] = [...stride]
      const wanted = tf.conv2d(x, w, strides, pad)
      expectEqual(native.conv2d(x, w, strides, pad), wanted)
      const mix = draw(wanted.shape)
      const by = (convolve: (a: Tensor4D, b: Tensor4D) => Tensor): Tensor[] =>
        tf.grads((a, b) => tf.sum(tf.mul(mix, convolve(a as Tensor4D, b as Tensor4D))))([x, w])
      const expected = by((a, b) => tf.conv2d(a, b, strides, pad))
      by((a, b) => native.conv2d(a, b, strides, pad)).forEach((gradient, i) => expectEqual(gradient, expected[i]!))
    })
  })

  it('gives the cross-entropy of scores, and its slope', () => {
    const { tf, native } = engine!
    tf.tidy(() => {
      const scores = tf.tensor2d([
        [1, 2, 3],
        [100, 0, -100],
      ])
      const targets = tf.tensor2d([
        [0.1, 0.1, 0.8],
        [0, 1, 0],
      ])
      const formula = (a: Tensor): Tensor => tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(a)), 1))
      const mix = tf.tensor1d([2, -0.5])
      expectEqual(native.softmaxCrossEntropy(scores, targets), formula(scores))
      expectEqual(
        tf.grad((a) => tf.sum(tf.mul(mix, native.softmaxCrossEntropy(a, targets))))(scores),
        tf.grad((a) => tf.sum(tf.mul(mix, formula(a))))(scores),
      )
    })
  })

  it('changes cells in place, and leaves what was read of them', () => {
    const { tf, native } = engine!
    const before = tf.memory().numTensors
    tf.tidy(() => {
      const cell = native.cell(tf.tensor1d([1, 2]))
      const read = cell.get()
      native.subtractScaled(cell, tf.scalar(2), tf.tensor1d([1, 10]))
      expect([...cell.get().dataSync()]).toEqual([-1, -18])
      expect([...read.dataSync()]).toEqual([1, 2])
      cell.set(tf.tensor1d([7, 8]))
      expect([...cell.get().dataSync()]).toEqual([7, 8])
      cell.dispose()
    })
    expect(tf.memory().numTensors).toBe(before)
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
