import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { isFault } from '../../src/shared/contract/fault.ts'
import type { Engine, Feeds } from '../../src/main/engines/port.ts'
import { graph } from '../../src/main/graph/attributes.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import { prepareModel } from '../../src/main/jobs/prepare-model.ts'
import { checkNumerics } from '../../src/main/jobs/prepare/check-numerics.ts'
import { relativeError } from '../../src/main/jobs/prepare/difference.ts'
import { findTrials } from '../../src/main/jobs/prepare/trials.ts'
import { createInspectTask } from '../../src/main/jobs/tasks/inspect.ts'
import type { TaskContext } from '../../src/main/jobs/worker-host.ts'
import { builtGraphs } from '../builders/graphs.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { batchNorm, built, engine, opsOf, prepareBuilt } from '../builders/prepared.ts'
import { sharedModels, sharedPath } from '../builders/shared.ts'
import { temporaryFolder } from '../builders/temporary.ts'

const context: TaskContext = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  onLog: () => undefined,
}

/** The message of the fault that `run` throws. */
async function faultOf(run: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!isFault(error)) throw new Error(`no fault but ${String(error)}`)
  return error
}

/** An engine that counts the sessions it opens. */
function counting(): Engine & { sessions: number } {
  const counter = {
    ...engine,
    sessions: 0,
    createSession: (...args: Parameters<Engine['createSession']>) => {
      counter.sessions += 1
      return engine.createSession(...args)
    },
  }
  return counter
}

describe('built graphs', () => {
  it.each(builtGraphs())('$name is prepared, agrees with the original and stays prepared', async ({ model }) => {
    const prepared = await prepareModel(model, { engine })
    expect(prepared.check?.maxRelativeError ?? 0).toBeLessThan(1e-5)
    expect(prepared.layers.flatMap((layer) => layer.nodes).sort()).toEqual(
      prepared.model.graph.nodes.map((node) => node.name).sort(),
    )
    const again = await prepareModel(prepared.model, { engine })
    expect(again.model).toBe(prepared.model)
    expect(again.notes).toEqual([])
    // and through the file
    const read = decodeModel(modelBytes(prepared.model))
    expect((await prepareModel(read, { engine })).model).toBe(read)
  })
})

describe.skipIf(sharedModels().length === 0)('development models', () => {
  it.each(sharedModels().map((file) => ({ name: path.basename(file), file })))('$name', async ({ file }) => {
    const prepared = await prepareModel(decodeModel(fs.readFileSync(file)), { engine, sourcePath: file })
    expect(prepared.check?.maxRelativeError ?? 0).toBeLessThan(1e-5)
    expect(prepared.macs).toBeGreaterThan(100_000)
    expect(prepared.layers.every((layer) => layer.outputShape !== null && !layer.outputShape.includes(null))).toBe(true)
  })

  it.skipIf(sharedPath('models/cifar10_resnet20_akamaster.onnx') === null)(
    'ResNet-20 becomes its textbook layers',
    async () => {
      const file = sharedPath('models/cifar10_resnet20_akamaster.onnx')!
      const { layers } = await prepareModel(decodeModel(fs.readFileSync(file)), { engine })
      const count = (op: string, activation: string | null): number =>
        layers.filter((layer) => layer.op === op && layer.activation === activation).length
      expect([count('Conv', 'Relu'), count('Conv', null), count('Add', 'Relu'), count('Gemm', null)]).toEqual([
        10, 9, 9, 1,
      ])
      expect(layers).toHaveLength(35)
      expect(layers.every((layer) => layer.quantizable)).toBe(true)
    },
  )
})

describe('a model that needs nothing', () => {
  it('comes back as the same value, without running it', async () => {
    const counter = counting()
    const model = built((b) =>
      b.node('Relu', [b.node('Conv', [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3])])]),
    )
    const declared = {
      ...model,
      graph: { ...model.graph, outputs: [{ ...model.graph.outputs[0]!, shape: ['N', 4, 6, 6] }] },
    }
    const prepared = await prepareModel(declared, { engine: counter })
    expect(prepared.model).toBe(declared)
    expect(prepared.check).toBeNull()
    expect(prepared.notes).toEqual([])
    expect(counter.sessions).toBe(0)
  })

  it('shares weights that no fold changes', async () => {
    const { source, model } = await prepareBuilt((b) => {
      const first = batchNorm(b, b.node('Conv', [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3])]), 4)
      return b.node('Conv', [first, b.weights([4, 4, 3, 3], 1, 'untouched')])
    })
    expect(model.graph.initializers.get('untouched')!.data.buffer).toBe(
      source.graph.initializers.get('untouched')!.data.buffer,
    )
  })
})

describe('opset', () => {
  it.each([
    { why: 'old models go to 13', from: 9, asked: undefined, opset: 13 },
    { why: 'newer ones stay', from: 17, asked: undefined, opset: 17 },
    { why: 'what is asked for', from: 13, asked: 21, opset: 21 },
    { why: 'never down', from: 20, asked: 13, opset: 20 },
  ])('$why', async ({ from, asked, opset }) => {
    const prepared = await prepareBuilt(
      (b) => b.node('Relu', [b.input('x', ['N', 4])]),
      { opset: from, irVersion: 8 },
      { opset: asked },
    )
    expect(prepared.model.opsets.get('')).toBe(opset)
  })

  it('refuses what cannot be carried over, naming the node', async () => {
    const fault = await faultOf(
      prepareBuilt((b) => b.node('Gelu', [b.input('x', ['N', 4])], {}, { name: 'late' }), { opset: 9 }),
    )
    expect(fault.code).toBe('model.opsetUpgrade')
    expect(fault.message).toMatch(/late/)
  })
})

describe('open axes', () => {
  it('finds a picture size the model runs on', async () => {
    const prepared = await prepareBuilt((b) => {
      const flat = b.node('Flatten', [b.node('Identity', [b.input('x', ['N', 3, 'H', 'W'])])])
      return b.node('MatMul', [flat, b.weights([3 * 28 * 28, 4])])
    })
    expect(prepared.sampleShapes.get('x')).toEqual([1, 3, 28, 28])
    expect(prepared.macs).toBe(3 * 28 * 28 * 4)
  })

  it('takes the size it is given', async () => {
    const body = (b: ModelBuilder): string =>
      b.node('Conv', [b.node('Identity', [b.input('x', ['N', 3, 'H', 'W'])]), b.weights([4, 3, 1, 1])])
    const prepared = await prepareBuilt(body, {}, { inputShapes: { x: [1, 3, 5, 7] } })
    expect(prepared.macs).toBe(4 * 3 * 35)
    expect(prepared.layers[0]!.outputShape).toEqual(['N', 4, 'H', 'W'])
    expect((await faultOf(prepareBuilt(body, {}, { inputShapes: { x: [1, 4, 5, 7] } }))).code).toBe('usage.inputShape')
  })

  it('says so when no size works', async () => {
    const fault = await faultOf(
      prepareBuilt((b) =>
        b.node('MatMul', [
          b.node('Flatten', [b.node('Identity', [b.input('x', ['N', 3, 'H', 'W'])])]),
          b.weights([7, 4]),
        ]),
      ),
    )
    expect(fault.code).toBe('model.noInputShape')
  })

  it('learns from runs what shapes cannot be told, the batch included', async () => {
    const prepared = await prepareBuilt((b) => {
      const x = b.input('x', ['N', 4])
      const kept = b.node('NonZero', [b.node('Abs', [b.floats([1, 0, 2])])])
      const picked = b.node('Gather', [x, b.node('Squeeze', [kept, b.ints([0])])], { axis: 1 })
      return b.node('Relu', [picked], {}, { name: 'relu' })
    })
    expect(prepared.layers.at(-1)!.outputShape).toEqual(['N', 2])
  })

  it('feeds integers and flags, and shares one length per symbol', async () => {
    const prepared = await prepareBuilt((b) => {
      const tokens = b.input('tokens', ['N', 'T'], 'int64')
      const mask = b.input('mask', ['N', 'T'], 'bool')
      const chosen = b.node('Where', [mask, tokens, b.ints([0], [])])
      return b.node('Gather', [b.node('Identity', [b.weights([10, 4])]), chosen])
    })
    expect(prepared.sampleShapes.get('tokens')).toEqual(prepared.sampleShapes.get('mask'))
  })

  it('accepts a batch that is open in name only', async () => {
    const prepared = await prepareBuilt((b) =>
      b.node('Reshape', [b.node('Identity', [b.input('x', ['N', 4])]), b.ints([1, 2, 2])]),
    )
    expect(prepared.check!.trials.every((trial) => trial.includes('[1, 4]'))).toBe(true)
  })
})

describe('declared shapes', () => {
  it('of intermediates that held for the traced example only are not folded into constants', async () => {
    const model = built((b) => {
      const relu = b.node('Relu', [b.input('x', ['N', 4])], {}, { outputs: ['r'] })
      return b.node('Reshape', [relu, b.node('Shape', [relu])])
    })
    const valueInfo = new Map([['r', { name: 'r', dataType: 'float' as const, shape: [1, 4] }]])
    const prepared = await prepareModel({ ...model, graph: { ...model.graph, valueInfo } }, { engine })
    expect(prepared.check!.trials.some((trial) => trial.includes('[2, 4]'))).toBe(true)
  })

  it('missing at the outputs are declared', async () => {
    const { model } = await prepareBuilt((b) => b.node('Relu', [b.input('x', ['N', 4])]))
    expect(model.graph.outputs[0]!.shape).toEqual(['N', 4])
  })
})

describe('the comparison', () => {
  /** Compares a model with one in which `change` was done to a weight. */
  async function compare(source: Model, prepared: Model): Promise<unknown> {
    const trials = await findTrials(source, { engine, given: {}, quick: false })
    return checkNumerics({ engine, source, prepared, trials: trials.list, note: () => undefined })
  }

  const net = (): Model =>
    built((b) => {
      const first = b.node(
        'Conv',
        [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3], 1, 'w1')],
        {},
        { name: 'first' },
      )
      const second = b.node(
        'Conv',
        [b.node('Relu', [first], {}, { name: 'relu' }), b.weights([4, 4, 3, 3], 1, 'w2')],
        {},
        { name: 'second' },
      )
      return b.node('Sigmoid', [second], {}, { name: 'last' })
    })

  it('allows float16 models the rounding of float16', async () => {
    const b = new ModelBuilder({ opset: 11 })
    b.node('Softmax', [b.input('x', ['N', 3, 8, 8], 'float16')], { axis: 2 }, { outputs: ['y'] })
    b.output('y', null, 'float16')
    const prepared = await prepareModel(b.build(), { engine })
    expect(prepared.check!.maxRelativeError).toBeLessThan(1e-2)
  })

  it('names the first node whose result differs', async () => {
    const source = net()
    const weights = source.graph.initializers.get('w2')!
    const values = new Float32Array(weights.data.slice().buffer).map((value) => value * 1.01)
    const initializers = new Map([
      ...source.graph.initializers,
      ['w2', floatTensor('w2', weights.dims, values)] as const,
    ])
    const fault = await faultOf(compare(source, { ...source, graph: { ...source.graph, initializers } }))
    expect(fault.code).toBe('model.preparationDiverges')
    expect(fault.message).toMatch(/at node second the tensor second_out differs by 1\.\de-2/)
  })

  it('excuses an output that magnifies rounding on inputs it was not made for, and says so', async () => {
    const prepared = await prepareBuilt((b) => {
      const first = batchNorm(b, b.node('Conv', [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3])]), 4)
      const logits = b.node('Gemm', [b.node('Flatten', [first]), b.weights([4 * 36, 10], 20)])
      return b.node('Sin', [logits])
    })
    expect(prepared.notes.filter((text) => text.includes('too sensitive'))).not.toEqual([])
  })

  it('accepts what is equal', async () => {
    expect(await compare(net(), net())).toMatchObject({ maxRelativeError: 0 })
  })

  it('does not fail for an integer output that flips on a tie', async () => {
    const pick = (op: string): Model => {
      const b = new ModelBuilder()
      b.node(op, [b.node('Relu', [b.input('x', [1, 2])])], { axis: 1 }, { outputs: ['y'] })
      b.output('y', null, 'int64')
      return b.build()
    }
    const notes: string[] = []
    const source = pick('ArgMax')
    const trials = await findTrials(source, { engine, given: {}, quick: false })
    await checkNumerics({
      engine,
      source,
      prepared: pick('ArgMin'),
      trials: trials.list,
      note: (text) => notes.push(text),
    })
    expect(notes[0]).toMatch(/integer output y differs/)
  })

  it.each([
    { why: 'relative to the largest value', a: [100, 0], b: [100, 0.001], error: 1e-5 },
    { why: 'equal', a: [1, NaN, Infinity], b: [1, NaN, Infinity], error: 0 },
    { why: 'NaN on one side', a: [1], b: [NaN], error: Infinity },
    { why: 'infinities of other sign', a: [Infinity], b: [-Infinity], error: Infinity },
    { why: 'anything against all zeros', a: [0, 0], b: [0, 1e-9], error: Infinity },
  ])('error: $why', ({ a, b, error }) => {
    const tensor = (values: readonly number[]): Feeds[string] => ({
      dataType: 'float',
      dims: [values.length],
      data: Float32Array.from(values),
    })
    expect(relativeError(tensor(a), tensor(b))).toBeCloseTo(error, 9)
  })
})

describe('models we cannot run', () => {
  it('custom operators are told by the engine', async () => {
    const fault = await faultOf(
      prepareBuilt((b) => b.node('Mystery', [b.node('Identity', [b.input('x', [1])])], {}, { domain: 'com.custom' })),
    )
    expect(fault.code).toMatch(/^engine\./)
    expect(fault.message).toMatch(/Mystery/)
  })

  it('an input of absurd size is refused at once', async () => {
    const fault = await faultOf(
      prepareBuilt((b) => b.node('Relu', [b.node('Identity', [b.input('x', ['N', 2 ** 31])])])),
    )
    expect(fault.code).toBe('model.tooLarge')
    expect(fault.message).toMatch(/\[N, 2147483648\]/)
  })

  it('aborts between steps', async () => {
    const controller = new AbortController()
    controller.abort()
    await expect(
      prepareModel(
        built((b) => b.node('Relu', [b.input('x', [1])])),
        { engine, signal: controller.signal },
      ),
    ).rejects.toThrow(/abort/i)
  })
})

describe('a model with a loop over constants and subgraphs', () => {
  it('keeps subgraphs as they are', async () => {
    const prepared = await prepareBuilt((b) => {
      b.node('Identity', [b.input('x', [3])], {}, { outputs: ['same'] })
      const inner = new ModelBuilder()
      inner.output(inner.node('Mul', ['same', inner.floats([2], [], 'two')], {}, { outputs: ['m'] }))
      const body = graph(inner.build().graph)
      const condition = b.node('Greater', [b.node('ReduceSum', ['same'], { keepdims: 0 }), b.floats([0], [])])
      return b.node('If', [condition], { then_branch: body, else_branch: body })
    })
    expect(opsOf(prepared.model)).toEqual(['ReduceSum', 'Greater', 'If'])
    expect(prepared.layers.at(-1)!.parameters).toBe(2) // both branches hold the constant
  })
})

describe('inspect', () => {
  it('reads, prepares, describes and writes', async () => {
    const folder = temporaryFolder()
    const file = path.join(folder, 'model.onnx')
    const preparedPath = path.join(folder, 'prepared.onnx')
    const model = built((b) =>
      batchNorm(b, b.node('Conv', [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3])], {}, { name: 'conv' }), 4),
    )
    fs.writeFileSync(file, modelBytes(model))
    const { summary, sampleShapes, maxRelativeError } = await createInspectTask({ engine })(
      { path: file, preparedPath },
      context,
    )
    expect(summary).toMatchObject({ path: file, format: 'onnx', nodeCount: 2, opset: { '': 17 }, producer: 'builder' })
    expect(summary.hash).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(summary.layers.map((layer) => layer.id)).toEqual(['conv'])
    expect(summary.inputs).toEqual([{ name: 'x', dataType: 'float', shape: ['N', 3, 8, 8] }])
    expect(summary.outputs[0]!.shape).toEqual(['N', 4, 6, 6])
    expect(sampleShapes).toEqual({ x: [1, 3, 8, 8] })
    expect(maxRelativeError).toBeLessThan(1e-5)
    expect(opsOf(decodeModel(fs.readFileSync(preparedPath)))).toEqual(['Conv'])
  })
})
