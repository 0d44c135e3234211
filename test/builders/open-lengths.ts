import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { bytesOf, npyBytes, zipBytes } from './data-files.ts'
import { ModelBuilder, normals, seeded } from './model-builder.ts'

/** Steps of a sequence in the data, numbers of a step, classes. */
const [STEPS, WIDTH, CLASSES] = [12, 16, 10]

/** A classifier of sequences `[batch, steps, 16]` that leaves batch and steps open: two dense layers, the mean of the steps between them. */
export function sequenceClassifier(): Uint8Array {
  const b = new ModelBuilder()
  const x = b.input('x', ['batch', 'steps', WIDTH])
  const hidden = b.node('Relu', [b.node('MatMul', [x, b.weights([WIDTH, 64])], {}, { name: 'first' })])
  const mean = b.node('ReduceMean', [hidden], { axes: [1], keepdims: 0 })
  b.node('MatMul', [mean, b.weights([64, CLASSES])], {}, { name: 'second', outputs: ['scores'] })
  b.output('scores', ['batch', CLASSES])
  return modelBytes(b.build())
}

/** An .npz of `count` sequences of twelve steps with labels. */
export function sequenceData(count: number): Buffer {
  const random = seeded(3)
  const values = normals(random, count * STEPS * WIDTH)
  const labels = BigInt64Array.from({ length: count }, () => BigInt(Math.floor(random() * CLASSES)))
  return zipBytes([
    { name: 'x.npy', bytes: npyBytes('<f4', [count, STEPS, WIDTH], bytesOf(values)) },
    { name: 'labels.npy', bytes: npyBytes('<i8', [count], bytesOf(labels)) },
  ])
}
