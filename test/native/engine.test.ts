import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../src/shared/contract/fault.ts'
import type { DataType } from '../../src/shared/contract/tensor.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor, Feeds, Session, SessionOptions, TypedArray } from '../../src/main/engines/port.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { int } from '../../src/main/graph/attributes.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { temporaryFolder } from '../builders/temporary.ts'

const engine = createOrtEngine()

async function open(builder: ModelBuilder, options: SessionOptions = {}): Promise<Session> {
  return engine.createSession(modelBytes(builder.build()), { threads: 1, ...options })
}

function tensor(data: TypedArray, dims: readonly number[], dataType: DataType = 'float'): EngineTensor {
  return { dataType, dims, data }
}

/** A session over one element-wise node from `x` to `y`. */
function unary(
  opType: string,
  dataType: DataType,
  shape: readonly (number | string)[] = ['n'],
  to = dataType,
): ModelBuilder {
  const builder = new ModelBuilder({ opset: 21, irVersion: 10 })
  builder.input('x', shape, dataType)
  builder.node(opType, ['x'], opType === 'Cast' ? { to: int(to === 'int4' ? 22 : 1) } : {}, {
    outputs: ['y'],
    name: 'only',
  })
  builder.output('y', shape, to)
  return builder
}

function convNet(): ModelBuilder {
  const builder = new ModelBuilder()
  builder.input('image', ['N', 3, 8, 8])
  const conv = builder.node(
    'Conv',
    ['image', builder.weights([4, 3, 3, 3])],
    { pads: [1, 1, 1, 1] },
    { name: 'stem/conv' },
  )
  const relu = builder.node('Relu', [conv], {}, { name: 'stem/relu' })
  builder.node('GlobalAveragePool', [relu], {}, { name: 'pool', outputs: ['pooled'] })
  builder.output('pooled', ['N', 4, 1, 1])
  builder.output(conv, ['N', 4, 8, 8])
  return builder
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Fault)) throw new Error(`expected a fault, got ${String(error)}`)
  return error
}

describe('element types', () => {
  const cases: readonly { dataType: DataType; data: TypedArray }[] = [
    { dataType: 'float', data: Float32Array.of(-1.5, 0, 2) },
    { dataType: 'double', data: Float64Array.of(-1.5, 0, 2) },
    { dataType: 'float16', data: Uint16Array.of(0xbe00, 0, 0x4000) },
    { dataType: 'int8', data: Int8Array.of(-3, 0, 2) },
    { dataType: 'uint8', data: Uint8Array.of(255, 0, 2) },
    { dataType: 'int16', data: Int16Array.of(-3, 0, 2) },
    { dataType: 'uint16', data: Uint16Array.of(65535, 0, 2) },
    { dataType: 'int32', data: Int32Array.of(-3, 0, 2) },
    { dataType: 'uint32', data: Uint32Array.of(2 ** 32 - 1, 0, 2) },
    { dataType: 'int64', data: BigInt64Array.of(-3n, 0n, 2n ** 60n) },
    { dataType: 'uint64', data: BigUint64Array.of(2n ** 63n, 0n, 2n) },
    { dataType: 'bool', data: Uint8Array.of(1, 0, 1) },
  ]
  it.each(cases)('$dataType goes in and comes out unchanged', async ({ dataType, data }) => {
    const session = await open(unary('Identity', dataType))
    expect(session.inputs).toEqual([{ name: 'x', dataType, shape: ['n'] }])
    expect(await session.run({ x: tensor(data, [3], dataType) })).toEqual({ y: { dataType, dims: [3], data } })
    await session.release()
  })

  it('a view into a larger buffer is read at its own place', async () => {
    const session = await open(unary('Neg', 'float'))
    const { y } = await session.run({ x: tensor(Float32Array.of(9, 1, 2, 9).subarray(1, 3), [2]) })
    expect([...(y!.data as Float32Array)]).toEqual([-1, -2])
    await session.release()
  })

  it('an int4 output is refused: asking the binding for it would end the process', async () => {
    const session = await open(unary('Cast', 'float', [2], 'int4'))
    expect((await faultOf(session.run({ x: tensor(new Float32Array(2), [2]) }))).code).toBe('engine.unsupportedType')
    await session.release()
  })
})

describe('a session', () => {
  it('gives only the outputs asked for, under their own names', async () => {
    const session = await open(convNet())
    const image = tensor(new Float32Array(2 * 192).fill(1), [2, 3, 8, 8])
    expect(Object.keys(await session.run({ image }))).toEqual(['pooled', 'stem/conv_out'])
    const only = await session.run({ image }, ['stem/conv_out'])
    expect(Object.keys(only)).toEqual(['stem/conv_out'])
    expect(only['stem/conv_out']!.dims).toEqual([2, 4, 8, 8])
    await session.release()
  })

  it('writes over the outputs of a former run where it is given them', async () => {
    const session = await open(convNet())
    const [ones, twos] = [1, 2].map((value) => ({ image: tensor(new Float32Array(192).fill(value), [1, 3, 8, 8]) }))
    const former = await session.run(ones!)
    const { pooled, ...given } = former
    const expected = await session.run(twos!)
    const before = [...(pooled!.data as Float32Array)]
    const again = await session.run(twos!, undefined, given)
    expect(again).toEqual(expected)
    expect(again['stem/conv_out']!.data).toBe(given['stem/conv_out']!.data)
    expect([...(pooled!.data as Float32Array)]).toEqual(before)
    const two = { image: tensor(new Float32Array(2 * 192), [2, 3, 8, 8]) }
    expect((await faultOf(session.run(two, undefined, given))).code).toMatch(/^engine\./)
    await session.release()
  })

  it('writes the optimised graph, and a profile whose path it tells', async () => {
    const folder = temporaryFolder()
    const optimizedModelPath = path.join(folder, 'optimized.onnx')
    const session = await open(convNet(), { optimizedModelPath, profilePrefix: path.join(folder, 'profile') })
    await session.run({ image: tensor(new Float32Array(192), [1, 3, 8, 8]) }, ['pooled'])
    const profile = await session.endProfiling()
    await session.release()
    const events = JSON.parse(fs.readFileSync(profile, 'utf8')) as { cat: string; name: string }[]
    const kernels = events.filter(({ cat }) => cat === 'Node').map(({ name }) => name)
    expect(kernels.some((name) => name.startsWith('pool'))).toBe(true)
    expect(decodeModel(new Uint8Array(fs.readFileSync(optimizedModelPath))).graph.nodes.length).toBeGreaterThan(0)
  })

  it('passes config entries to ONNX Runtime: asked for its own format, it writes that', async () => {
    const optimizedModelPath = path.join(temporaryFolder(), 'optimized.ort')
    const session = await open(convNet(), { optimizedModelPath, config: { 'session.save_model_format': 'ORT' } })
    await session.release()
    expect(fs.readFileSync(optimizedModelPath).subarray(4, 8).toString()).toBe('ORTM')
  })

  it('is released once however often that is asked, and not used after', async () => {
    const session = await open(convNet())
    await session.release()
    await session.release()
    await expect(session.run({})).rejects.toThrow('released')
  })

  it('frees its memory: of what 200 sessions held, little is left', async () => {
    const builder = new ModelBuilder()
    builder.input('x', [1, 512])
    builder.node('MatMul', ['x', builder.weights([512, 2048])], {}, { outputs: ['y'] }) // 4 MiB of weights
    builder.output('y', [1, 2048])
    const file = path.join(temporaryFolder(), 'model.onnx')
    fs.writeFileSync(file, modelBytes(builder.build()))
    const feeds: Feeds = { x: tensor(new Float32Array(512), [1, 512]) }
    const cycle = async (): Promise<void> => {
      const session = await engine.createSession(file, { threads: 1 })
      await session.run(feeds)
      await session.release()
    }
    for (let i = 0; i < 20; i++) await cycle()
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 200; i++) await cycle()
    // 200 leaked sessions would hold 800 MiB, two copies of the weights 1,600; what the allocator keeps of those that
    // were freed differs with the machine, and has been seen at 143
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(400)
  })
})

describe('what ONNX Runtime refuses becomes one sentence', () => {
  let folder = ''
  beforeEach(() => {
    folder = temporaryFolder()
  })

  it.each([
    { why: 'a text file', bytes: Buffer.from('hello'), code: 'engine.invalidModel', says: 'not a readable ONNX file' },
    { why: 'an empty file', bytes: Buffer.alloc(0), code: 'engine.invalidModel', says: 'not a readable ONNX file' },
  ])('$why', async ({ bytes, code, says }) => {
    const file = path.join(folder, 'model.onnx')
    fs.writeFileSync(file, bytes)
    const fault = await faultOf(engine.createSession(file))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(says)
    expect(fault.message).toContain(file)
  })

  it('a missing file', async () => {
    const fault = await faultOf(engine.createSession(path.join(folder, 'absent.onnx')))
    expect(fault.code).toBe('file.notFound')
  })

  it.each([
    {
      why: 'an unknown operator is named',
      builder: () => unary('Frobnicate', 'float'),
      code: 'engine.unsupportedOp',
      says: 'Frobnicate',
    },
    {
      why: 'a missing kernel names node and operator',
      builder: () => unary('Abs', 'bfloat16'),
      code: 'engine.unsupportedOp',
      says: "'only'",
    },
    {
      why: 'a wrong type names the node',
      builder: () => unary('Abs', 'string'),
      code: 'engine.invalidModel',
      says: '(only)',
    },
  ])('$why', async ({ builder, code, says }) => {
    const fault = await faultOf(open(builder()))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(says)
    expect(fault.message).not.toMatch(/onnxruntime_src|::|\n/)
  })

  const image = (dims: readonly number[]): Feeds => ({
    image: tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims),
  })
  it.each([
    {
      why: 'a wrong length names input, axis, found and expected',
      feeds: image([1, 1, 8, 8]),
      code: 'engine.inputShape',
      says: "'image' has 1 on axis 1 where the model takes 3",
    },
    {
      why: 'a wrong rank',
      feeds: image([3, 8, 8]),
      code: 'engine.inputShape',
      says: '3 dimensions where the model takes 4',
    },
    {
      why: 'a wrong type',
      feeds: { image: tensor(new Uint8Array(192), [1, 3, 8, 8], 'uint8') },
      code: 'engine.inputType',
      says: 'uint8',
    },
    { why: 'a missing input', feeds: {}, code: 'engine.inputMissing', says: "'image'" },
    {
      why: 'data that do not fill the shape',
      feeds: { image: tensor(new Float32Array(5), [1, 3, 8, 8]) },
      code: 'engine.inputShape',
      says: '5 values',
    },
  ])('$why', async ({ feeds, code, says }) => {
    const session = await open(convNet())
    const fault = await faultOf(session.run(feeds))
    await session.release()
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(says)
  })

  it('an output that is not there', async () => {
    const session = await open(convNet())
    expect((await faultOf(session.run(image([1, 3, 8, 8]), ['nothing']))).code).toBe('engine.outputMissing')
    await session.release()
  })

  it('a node that fails names itself, without source files or signatures', async () => {
    const builder = new ModelBuilder()
    builder.input('x', [1, 3])
    builder.input('shape', [2], 'int64')
    builder.node('Reshape', ['x', 'shape'], {}, { name: 'head/reshape', outputs: ['y'] })
    builder.output('y')
    const session = await open(builder)
    const fault = await faultOf(
      session.run({ x: tensor(new Float32Array(3), [1, 3]), shape: tensor(BigInt64Array.of(5n, 5n), [2], 'int64') }),
    )
    await session.release()
    expect(fault.code).toBe('engine.runFailed')
    expect(fault.data).toMatchObject({ op: 'Reshape', node: 'head/reshape' })
    expect(fault.message).toMatch(/cannot be reshaped.*\{1,3\}.*\{5,5\}/)
    expect(fault.message).not.toMatch(/onnxruntime_src|::|\n/)
  })

  it('too little memory says how much was asked for', async () => {
    const builder = new ModelBuilder()
    builder.input('x', [1, 3])
    builder.input('shape', [2], 'int64')
    builder.node('Expand', ['x', 'shape'], {}, { name: 'grow', outputs: ['y'] })
    builder.output('y')
    const session = await open(builder)
    const fault = await faultOf(
      session.run({
        x: tensor(new Float32Array(3), [1, 3]),
        shape: tensor(BigInt64Array.of(5_000_000_000_000n, 3n), [2], 'int64'),
      }),
    )
    await session.release()
    expect(fault.code).toBe('engine.outOfMemory')
    expect(fault.message).toContain('60000000000000 bytes')
  })
})

it('the version is known without loading the library', () => {
  expect(createOrtEngine().version).toMatch(/^\d+\.\d+\.\d+$/)
})
