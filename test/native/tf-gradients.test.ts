import { describe, expect, it } from 'vitest'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { Tensor, TensorEngine } from '../../src/main/engines/tensor-api.ts'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { float } from '../../src/main/graph/attributes.ts'
import { elementCount } from '../../src/main/graph/tensors.ts'
import { createTrainable, type TrainableGraph } from '../../src/main/training/trainable/graph.ts'
import { ModelBuilder, normals, seeded, type AttributeValue } from '../builders/model-builder.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { trainableForm } from '../builders/training.ts'

interface Case {
  readonly why: string
  readonly op: string
  readonly x: readonly number[]
  /** what follows the input: weights of these shapes, or whole-number constants */
  readonly weights?: readonly (readonly number[])[]
  readonly constants?: (b: ModelBuilder) => string[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly opset?: number
  /** batch statistics are used and compared with nothing of ONNX Runtime's */
  readonly training?: boolean
}

const image = [2, 4, 7, 6]
const w33 = [6, 4, 3, 3]
const cases: readonly Case[] = [
  { why: 'no padding', op: 'Conv', x: image, weights: [w33, [6]] },
  { why: 'padding as TensorFlow lays it', op: 'Conv', x: image, weights: [w33], attributes: { pads: [1, 1, 1, 1] } },
  {
    why: 'padding of its own and strides',
    op: 'Conv',
    x: image,
    weights: [w33, [6]],
    attributes: { pads: [2, 1, 0, 1], strides: [2, 2] },
  },
  { why: 'SAME_LOWER', op: 'Conv', x: image, weights: [[6, 4, 2, 2]], attributes: { auto_pad: 'SAME_LOWER' } },
  {
    why: 'dilated',
    op: 'Conv',
    x: [2, 4, 9, 8],
    weights: [w33],
    attributes: { dilations: [2, 3], pads: [2, 3, 2, 3] },
  },
  {
    why: 'dilated and strided',
    op: 'Conv',
    x: [2, 4, 9, 8],
    weights: [w33],
    attributes: { dilations: [2, 2], strides: [2, 1] },
  },
  {
    why: 'in groups',
    op: 'Conv',
    x: image,
    weights: [[6, 2, 3, 3], [6]],
    attributes: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    why: 'depthwise',
    op: 'Conv',
    x: image,
    weights: [[8, 1, 3, 3], [8]],
    attributes: { group: 4, pads: [1, 1, 1, 1] },
  },
  {
    why: 'depthwise with unequal strides',
    op: 'Conv',
    x: image,
    weights: [[4, 1, 3, 3]],
    attributes: { group: 4, strides: [2, 1], pads: [1, 0, 1, 0] },
  },
  {
    why: 'depthwise and dilated',
    op: 'Conv',
    x: image,
    weights: [[4, 1, 3, 3]],
    attributes: { group: 4, dilations: [2, 2] },
  },
  {
    why: 'cropped',
    op: 'ConvTranspose',
    x: [2, 4, 4, 3],
    weights: [[4, 3, 3, 3], [3]],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    why: 'with output padding',
    op: 'ConvTranspose',
    x: [2, 4, 4, 3],
    weights: [[4, 3, 2, 2]],
    attributes: { strides: [3, 3], output_padding: [1, 1] },
  },
  {
    why: 'transposed weight',
    op: 'Gemm',
    x: [3, 5],
    weights: [[4, 5], [4]],
    attributes: { transB: 1, alpha: float(0.5), beta: float(2) },
  },
  { why: 'rank 3 by rank 2', op: 'MatMul', x: [2, 3, 5], weights: [[5, 4]] },
  { why: 'a bias along channels', op: 'Add', x: image, weights: [[4, 1, 1]] },
  { why: 'subtracting a row', op: 'Sub', x: image, weights: [[6]] },
  { why: 'a factor along channels', op: 'Mul', x: image, weights: [[1, 4, 1, 1]] },
  { why: 'a divisor of the same shape', op: 'Div', x: [3, 4], weights: [[3, 4]] },
  { why: 'activation', op: 'Relu', x: [3, 8] },
  { why: 'between 0 and 6', op: 'Clip', x: [3, 8], constants: (b) => [b.floats([0], []), b.floats([6], [])] },
  { why: 'between other bounds', op: 'Clip', x: [3, 8], constants: (b) => [b.floats([-0.5], []), b.floats([0.7], [])] },
  { why: 'activation', op: 'LeakyRelu', x: [3, 8], attributes: { alpha: float(0.1) } },
  { why: 'a slope a channel', op: 'PRelu', x: image, weights: [[4, 1, 1]] },
  { why: 'activation', op: 'Sigmoid', x: [3, 8] },
  { why: 'activation', op: 'Tanh', x: [3, 8] },
  { why: 'activation', op: 'HardSigmoid', x: [3, 8] },
  { why: 'activation', op: 'HardSwish', x: [3, 8] },
  { why: 'activation', op: 'Elu', x: [3, 8], attributes: { alpha: float(0.7) } },
  { why: 'exact', op: 'Gelu', x: [3, 8], opset: 20 },
  { why: 'by tanh', op: 'Gelu', x: [3, 8], opset: 20, attributes: { approximate: 'tanh' } },
  { why: 'along channels', op: 'Softmax', x: image, attributes: { axis: 1 } },
  { why: 'along the last axis', op: 'LogSoftmax', x: [3, 8] },
  { why: 'plain', op: 'MaxPool', x: image, attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  { why: 'padded', op: 'MaxPool', x: image, attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
  { why: 'ceil_mode', op: 'MaxPool', x: image, attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  {
    why: 'padding not counted',
    op: 'AveragePool',
    x: image,
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    why: 'padding counted',
    op: 'AveragePool',
    x: image,
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
  },
  {
    why: 'ceil_mode',
    op: 'AveragePool',
    x: image,
    opset: 19,
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  },
  { why: 'to one pixel', op: 'GlobalAveragePool', x: image },
  { why: 'to one pixel', op: 'GlobalMaxPool', x: image },
  { why: 'to two axes', op: 'Reshape', x: image, constants: (b) => [b.ints([0, -1])] },
  { why: 'to two axes', op: 'Flatten', x: image },
  { why: 'any order', op: 'Transpose', x: image, attributes: { perm: [2, 0, 3, 1] } },
  { why: 'axes of one', op: 'Squeeze', x: [2, 1, 3, 1], constants: (b) => [b.ints([1, 3])] },
  { why: 'new axes', op: 'Unsqueeze', x: [2, 3], constants: (b) => [b.ints([0, 3])] },
  {
    why: 'around and cut',
    op: 'Pad',
    x: image,
    constants: (b) => [b.ints([0, 1, 2, -1, 0, 0, 1, 1]), b.floats([0.5], [])],
  },
  {
    why: 'steps both ways',
    op: 'Slice',
    x: image,
    constants: (b) => [b.ints([0, -1]), b.ints([6, -100]), b.ints([2, 3]), b.ints([2, -2])],
  },
  { why: 'some rows', op: 'Gather', x: [4, 5], constants: (b) => [b.ints([3, 0, 3])] },
  { why: 'over height and width', op: 'ReduceMean', x: image, opset: 17, attributes: { axes: [2, 3], keepdims: 0 } },
  {
    why: 'nearest',
    op: 'Resize',
    x: image,
    constants: (b) => ['', b.floats([1, 1, 2, 3])],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  },
  { why: 'along the last axis', op: 'LayerNormalization', x: [2, 3, 8], weights: [[8], [8]] },
  {
    why: 'the running statistics',
    op: 'BatchNormalization',
    x: image,
    weights: [[4], [4]],
    constants: (b) => [b.floats([0.1, 0.2, 0, -0.1]), b.floats([1, 2, 0.5, 1])],
  },
  {
    why: 'the statistics of the batch',
    op: 'BatchNormalization',
    x: image,
    weights: [[4], [4]],
    constants: (b) => [b.floats([0, 0, 0, 0]), b.floats([1, 1, 1, 1])],
    training: true,
  },
  {
    why: 'the statistics of a batch of vectors',
    op: 'BatchNormalization',
    x: [6, 4],
    weights: [[4], [4]],
    constants: (b) => [b.floats([0, 0, 0, 0]), b.floats([1, 1, 1, 1])],
    training: true,
  },
]

/** Central differences over 2e-3 in float32: the worst case measured is off by 8e-4, most by 1e-5. */
const TOLERANCE = 5e-3

const engine = await tensorEngine()

describe.skipIf(!engine)('operators and their gradients', () => {
  it.each(cases)('$op, $why', async (item) => {
    const { tf } = engine!
    const { model, x } = modelOf(item)
    const graph = createTrainable(engine!, trainableForm(model))
    const before = tf.memory().numTensors
    if (!item.training) {
      const session = await createOrtEngine().createSession(modelBytes(model), { threads: 1 })
      const { y } = await session.run({ x: { dataType: 'float', dims: item.x, data: x } })
      await session.release()
      tf.tidy(() => {
        const found = graph.forward({ x: tf.tensor(x, [...item.x]) })[0]!
        expect(found.shape).toEqual(y!.dims)
        expectClose(found.dataSync() as Float32Array, y!.data as Float32Array)
      })
    }
    tf.tidy(() => checkGradients(engine!, graph, x, item))
    expect(tf.memory().numTensors).toBe(before)
    graph.dispose()
  })
})

function modelOf({ op, x, weights = [], constants, attributes = {}, opset }: Case): {
  model: ReturnType<ModelBuilder['build']>
  x: Float32Array
} {
  const b = new ModelBuilder({ opset: opset ?? 17, seed: 11, irVersion: 10 })
  b.input('x', x)
  const names = weights.map((dims) => b.weights(dims, op === 'Div' ? 3 : 0.7))
  b.node(op, ['x', ...names, ...(constants?.(b) ?? [])], attributes, { outputs: ['y'] })
  b.output('y')
  return { model: b.build(), x: normals(seeded(3), elementCount(x)) }
}

/** The derivative along a random direction of (input, weights), by the engine and by central difference. */
function checkGradients(
  { tf }: TensorEngine,
  graph: TrainableGraph,
  x: Float32Array,
  { x: dims, training }: Case,
): void {
  const random = seeded(17)
  const variables = [...graph.variables.values()]
  const direction = (shape: readonly number[]): Tensor => tf.tensor(normals(random, elementCount(shape)), [...shape])
  const input = tf.tensor(x, [...dims])
  const directions = [input, ...variables].map((tensor) => direction(tensor.shape))
  const shape = graph.forward({ x: input }, { training: training ?? false })[0]!.shape
  const mix = direction(shape)
  const loss = (at: Tensor): Tensor =>
    tf.sum(tf.mul(graph.forward({ x: at }, { training: training ?? false })[0]!, mix))
  const inputGradient = tf.grad(loss)(input)
  const grads: Readonly<Record<string, Tensor>> =
    variables.length === 0 ? {} : tf.variableGrads(() => loss(input).asScalar(), variables).grads
  const gradients = [inputGradient, ...variables.map((variable) => grads[variable.name]!)]
  const starts = variables.map((variable) => tf.clone(variable as Tensor))
  const step = 1e-3
  const at = (sign: number): number => {
    variables.forEach((variable, i) => variable.assign(tf.add(starts[i]!, tf.mul(directions[i + 1]!, sign * step))))
    return loss(tf.add(input, tf.mul(directions[0]!, sign * step))).dataSync()[0]!
  }
  const measured = (at(1) - at(-1)) / (2 * step)
  const terms = gradients.map((gradient, i) => tf.sum(tf.mul(gradient, directions[i]!)).dataSync()[0]!)
  const total = terms.reduce((a, b) => a + b, 0)
  const size = Math.max(1, ...terms.map(Math.abs))
  expect(Math.abs(total - measured) / size).toBeLessThan(TOLERANCE)
}

function expectClose(found: Float32Array, expected: Float32Array): void {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6)
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0)
  expect(worst / largest).toBeLessThan(1e-4)
}
