import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { INTEGER_KERNELS } from '../../src/main/graph/layers/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { byteTensor } from '../../src/main/graph/tensors.ts'
import { ModelBuilder, type AttributeValue } from '../builders/model-builder.ts'
import { engine } from '../builders/prepared.ts'
import { temporaryFolder } from '../builders/temporary.ts'

/** What stands between DequantizeLinear and QuantizeLinear: op, attributes, further inputs, shape of the first one. */
interface KernelCase {
  readonly op: string
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  /** names of the inputs after the first */
  readonly more?: (b: ModelBuilder, x: string) => readonly string[]
  readonly shape?: readonly number[]
  readonly outputs?: number
  readonly opset?: number
}

const picture = [1, 4, 8, 8]

/** Int8 weights behind their own DequantizeLinear, as the quantizer writes them. */
const weights = (b: ModelBuilder, dims: readonly number[]): string => {
  const count = dims.reduce((product, dim) => product * dim, 1)
  const q = b.constant(
    byteTensor(
      `q${dims.join('x')}`,
      'int8',
      dims,
      Int8Array.from({ length: count }, (_, i) => (i % 13) - 6),
    ),
  )
  return b.node('DequantizeLinear', [q, b.floats([0.1], []), b.constant(byteTensor('zw', 'int8', [], Int8Array.of(0)))])
}
const itself = (_: ModelBuilder, x: string): string[] => [x]

const integerCases: readonly KernelCase[] = [
  { op: 'Conv', more: (b) => [weights(b, [6, 4, 3, 3])] },
  { op: 'Conv', more: (b) => [weights(b, [4, 1, 3, 3])], attributes: { group: 4 } },
  { op: 'Conv', more: (b) => [weights(b, [6, 4, 3])], shape: [1, 4, 8] },
  { op: 'Conv', more: (b) => [weights(b, [6, 4, 3, 3, 3])], shape: [1, 4, 8, 8, 8] },
  { op: 'Conv', more: (b) => [weights(b, [6, 4, 3, 3])], attributes: { auto_pad: 'SAME_UPPER', dilations: [2, 2] } },
  { op: 'Gemm', more: (b) => [weights(b, [8, 6])], shape: [4, 8] },
  { op: 'MatMul', more: (b) => [weights(b, [8, 6])], shape: [1, 4, 8] },
  { op: 'MatMul', more: itself },
  { op: 'Add', more: itself },
  { op: 'Mul', more: itself },
  { op: 'Concat', more: itself, attributes: { axis: 1 } },
  { op: 'AveragePool', attributes: { kernel_shape: [2, 2] } },
  { op: 'GlobalAveragePool' },
  { op: 'Softmax' },
  { op: 'Sigmoid' },
  { op: 'LeakyRelu' },
  { op: 'MaxPool', attributes: { kernel_shape: [2, 2] } },
  { op: 'MaxPool', attributes: { kernel_shape: [2] }, shape: [1, 4, 8] },
  { op: 'Resize', more: (b) => ['', b.floats([1, 1, 2, 2])] },
  { op: 'Slice', more: (b) => [b.ints([0]), b.ints([2]), b.ints([1])] },
  { op: 'Split', more: (b) => [b.ints([2, 2])], attributes: { axis: 1 }, outputs: 2 },
  { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } },
  { op: 'Flatten' },
  { op: 'Reshape', more: (b) => [b.ints([1, -1])] },
  { op: 'Squeeze', more: (b) => [b.ints([0])] },
  { op: 'Unsqueeze', more: (b) => [b.ints([0])] },
  { op: 'Gather', more: (b) => [b.ints([0, 2])], attributes: { axis: 1 } },
  { op: 'Expand', more: (b) => [b.ints([2, 4, 8, 8])] },
  { op: 'Tile', more: (b) => [b.ints([1, 1, 2, 2])] },
  { op: 'DepthToSpace', attributes: { blocksize: 2 } },
]

const floatCases: readonly KernelCase[] = [
  { op: 'Sub', more: itself },
  { op: 'Div', more: itself },
  { op: 'ConvTranspose', more: (b) => [weights(b, [4, 6, 3, 3])] },
  { op: 'BatchNormalization', more: (b) => [1, 2, 3, 4].map(() => b.floats([1, 1, 1, 1])) },
  { op: 'ReduceMean', attributes: { axes: [2, 3] } },
  { op: 'HardSigmoid' },
  { op: 'Tanh' },
  { op: 'Exp' },
  { op: 'Erf' },
  { op: 'PRelu', more: (b) => [b.floats([0.1], [1])] },
  { op: 'InstanceNormalization', more: (b) => [b.floats([1, 1, 1, 1]), b.floats([0, 0, 0, 0])] },
  { op: 'LayerNormalization', more: (b) => [b.weights([8])] },
  { op: 'GlobalMaxPool' },
  { op: 'SpaceToDepth', attributes: { blocksize: 2 } },
  { op: 'Resize', more: (b) => ['', b.floats([1, 1, 2, 2])], attributes: { mode: 'linear' } },
  { op: 'Sum', more: itself },
]

function between(example: KernelCase): Model {
  const b = new ModelBuilder({ opset: example.opset ?? 17 })
  const scale = b.floats([0.05], [], 'scale')
  const zero = b.constant(byteTensor('zero', 'uint8', [], Uint8Array.of(128)))
  const x = b.node('QuantizeLinear', [b.input('x', example.shape ?? picture), scale, zero])
  const dequantized = b.node('DequantizeLinear', [x, scale, zero])
  const outputs = Array.from({ length: example.outputs ?? 1 }, (_, i) => `t${i}`)
  b.node(example.op, [dequantized, ...(example.more?.(b, dequantized) ?? [])], example.attributes ?? {}, {
    name: 'target',
    outputs,
  })
  for (const output of outputs)
    b.output(b.node('DequantizeLinear', [b.node('QuantizeLinear', [output, scale, zero]), scale, zero]))
  return b.build()
}

/** Ops of the optimised graph that read a DequantizeLinear: what runs in float. */
async function floatReaders(example: KernelCase): Promise<string[]> {
  const dump = path.join(temporaryFolder(), 'optimised.onnx')
  const session = await engine.createSession(modelBytes(between(example)), { optimizedModelPath: dump })
  await session.release()
  const { nodes } = decodeModel(fs.readFileSync(dump)).graph
  const dequantized = new Set(
    nodes.filter((node) => node.opType === 'DequantizeLinear').flatMap((node) => node.outputs),
  )
  return nodes.filter((node) => node.inputs.some((input) => dequantized.has(input))).map((node) => node.opType)
}

describe('integer kernels of the installed ONNX Runtime', () => {
  const title = ({ op, attributes, shape }: KernelCase): string =>
    `${op} ${JSON.stringify(attributes ?? {})} on [${(shape ?? picture).join(', ')}]`

  it.each(integerCases.map((example) => ({ title: title(example), example })))(
    '$title runs in integers',
    async ({ example }) => {
      expect(await floatReaders(example)).toEqual([])
      expect(INTEGER_KERNELS.has(example.op)).toBe(true)
    },
  )

  it.each(floatCases.map((example) => ({ title: title(example), example })))(
    '$title runs in float',
    async ({ example }) => {
      expect((await floatReaders(example)).length).toBeGreaterThan(0)
    },
  )

  it('every row of the table is measured, but for Pad, which is integer only between Q and DQ', () => {
    const measured = new Set(integerCases.map(({ op }) => op))
    expect([...INTEGER_KERNELS.keys()].filter((op) => !measured.has(op))).toEqual(['Pad'])
  })
})
