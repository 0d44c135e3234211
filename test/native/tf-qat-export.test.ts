import { describe, expect, it } from 'vitest'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { raiseOpset } from '../../src/main/jobs/tasks/raise-opset.ts'
import { sqnrDb } from '../../src/main/quant/metrics.ts'
import { planFromOptions } from '../../src/main/quant/plan.ts'
import { resolvePlan } from '../../src/main/quant/resolve-plan.ts'
import { quantizeTrained } from '../../src/main/training/qat/export.ts'
import { Quantizer } from '../../src/main/training/qat/quantizer.ts'
import { setUpQat } from '../../src/main/training/qat/setup.ts'
import { createTrainable } from '../../src/main/training/trainable/graph.ts'
import { problemsOf } from '../../src/main/training/trainable/problems.ts'
import { quantGraphs, type QuantGraph } from '../builders/quant-graphs.ts'
import { prepare, randomTensor, runModel } from '../builders/quantizing.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

/** Graphs of the quantizer's tests that can be trained; Split and the like have several outputs. */
const graphs = quantGraphs.filter(({ model }) => problemsOf(prepare(model).model.graph).length === 0)

/**
 * What training computes of a model with fake quantization, and what the file computes without optimisation. A value that lies within a rounding error of
 * a tie may fall to either side, and is then one step off: the rest is equal.
 */
async function bothWays(
  { model, dims }: QuantGraph,
  bits: string,
  learnsSteps: boolean,
): Promise<{ own: Float32Array; file: Float32Array }> {
  const { tf } = engine!
  const before = tf.memory().numTensors
  const prepared = prepare(model)
  const plan = planFromOptions({ weights: bits, activations: bits })
  const setup = setUpQat(prepared.model, resolvePlan(plan, prepared.layers, prepared.model))
  const graph = createTrainable(engine!, setup.model, (name) => !setup.constants.has(name))
  const quantizer = new Quantizer(engine!, graph, setup, { frozenAfter: 1, learnsSteps })
  try {
    const feed = randomTensor(dims, 7)
    const name = prepared.model.graph.inputs[0]!.name
    const x = tf.tensor(feed.data as Float32Array, [...dims], 'float32')
    quantizer.look({ [name]: x })
    const own = tf.tidy(() => graph.forward({ [name]: x }, quantizer.hooks(2, false))[0]!.dataSync<'float32'>())
    x.dispose()
    const written = quantizeTrained({ setup, graph, quantizer, layers: prepared.layers, raiseOpset })
    const outputs = await runModel(modelBytes(written.model), { [name]: feed }, { optimization: 'disabled' })
    const file = outputs[prepared.model.graph.outputs[0]!.name]!.data as Float32Array
    return { own: Float32Array.from(own), file }
  } finally {
    quantizer.dispose()
    graph.dispose()
    expect(tf.memory().numTensors).toBe(before)
  }
}

/** Single ties that fall to the other side spread through twenty layers; a wrong or missing pair leaves 30 dB at 8 bits, 5 dB at 3. */
const LEAST_DB = { '8': 34, '3': 20 } as const

describe.skipIf(!engine)('the exported file computes what training saw', () => {
  it('for the graphs that the quantizer is tested on', () => {
    expect(graphs.length).toBeGreaterThanOrEqual(5)
  })

  it.each(graphs.flatMap((graph) => (['8', '3'] as const).map((bits) => ({ ...graph, bits }))))(
    '$why, $bits bits',
    async ({ bits, ...graph }) => {
      const { own, file } = await bothWays(graph, bits, false)
      expect(sqnrDb(own, file)).toBeGreaterThan(LEAST_DB[bits])
    },
  )

  it.each(graphs.slice(0, 2))('with learned steps: $why', async (graph) => {
    const { own, file } = await bothWays(graph, '4', true)
    expect(sqnrDb(own, file)).toBeGreaterThan(LEAST_DB['3'])
  })
})
