import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor } from '../../src/main/engines/port.ts'
import { elementCount } from '../../src/main/graph/tensors.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { createTrainable } from '../../src/main/training/trainable/graph.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import { sharedModels } from '../builders/shared.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { trainableForm } from '../builders/training.ts'

/** Both engines add floats in orders of their own; measured on the development models: at most 7e-7 of the largest output. */
const RELATIVE = 1e-4

const engine = await tensorEngine()

const sample = path.resolve(import.meta.dirname, '../../resources/sample/digits-cnn.onnx')

describe.skipIf(!engine)('the trainable graph computes what ONNX Runtime computes', () => {
  afterAll(() => expect(engine?.tf.memory().numTensors ?? 0).toBe(0))

  it.each([sample, ...sharedModels()].map((file) => [path.basename(file), file]))('%s', async (_, file) => {
    const { tf } = engine!
    const session = await createOrtEngine().createSession(file, { threads: 1, optimization: 'disabled' })
    const input = session.inputs[0]!
    const dims = input.shape!.map((dim) => (typeof dim === 'number' ? dim : 2))
    const data = normals(seeded(5), elementCount(dims))
    const expected = await session.run({ [input.name]: { dataType: 'float', dims, data } })
    const graph = createTrainable(engine!, trainableForm((await readModelFile(file)).model))
    tf.tidy(() => {
      const outputs = graph.forward({ [input.name]: tf.tensor(data, dims) })
      session.outputs.forEach(({ name }, i) => {
        expect(outputs[i]!.shape).toEqual(expected[name]!.dims)
        expect(relativeError(expected[name]!, outputs[i]!.dataSync() as Float32Array)).toBeLessThan(RELATIVE)
      })
    })
    graph.dispose()
    await session.release()
  })
})

/** Largest difference over the largest value. */
function relativeError(expected: EngineTensor, found: Float32Array): number {
  const values = expected.data as Float32Array
  let [difference, largest] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    difference = Math.max(difference, Math.abs(values[i]! - found[i]!))
    largest = Math.max(largest, Math.abs(values[i]!))
  }
  return difference / largest
}
