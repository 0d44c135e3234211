import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createRandom } from '../../src/main/data/random.ts'
import type { TensorEngine } from '../../src/main/engines/tensor-api.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { planFromOptions } from '../../src/main/quant/plan.ts'
import { resolvePlan } from '../../src/main/quant/resolve-plan.ts'
import { train, type TrainPorts, type TrainQuantizer } from '../../src/main/training/loop.ts'
import type { TrainBatch } from '../../src/main/training/measure.ts'
import { DEFAULT_OPTIONS, type TrainOptions } from '../../src/main/training/options.ts'
import { Quantizer } from '../../src/main/training/qat/quantizer.ts'
import { setUpQat } from '../../src/main/training/qat/setup.ts'
import { buildRecipe } from '../../src/main/training/recipes/build.ts'
import { parseRecipe } from '../../src/main/training/recipes/recipe.ts'
import { createTrainable, type TrainableGraph } from '../../src/main/training/trainable/graph.ts'
import { prepare } from '../builders/quantizing.ts'

/** A recipe on pictures of a size. */
export interface Subject {
  readonly recipe: string
  /** [height, width, channels] */
  readonly picture: readonly [number, number, number]
  readonly batch: number
}

/** A training that is walked step by step. */
export interface Lane {
  /** One step; how long it took from the batch's arrival until the next is asked for, in ms. */
  step(): Promise<number>
  close(): Promise<void>
}

/** Random pictures of a subject, in both layouts. */
export function picturesOf({ picture: [h, w, c], batch }: Subject): { ours: TrainBatch; nhwc: Float32Array } {
  const random = createRandom(7)
  const values = Float32Array.from({ length: batch * h * w * c }, () => random.unit() * 2 - 1)
  const nhwc = new Float32Array(values.length)
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < c; k++)
      for (let i = 0; i < h * w; i++) nhwc[(n * h * w + i) * c + k] = values[(n * c + k) * h * w + i]!
  const labels = Int32Array.from({ length: batch }, () => random.below(10))
  return { ours: { values, dims: [batch, c, h, w], labels }, nhwc }
}

/** Far more steps than are walked: the learning rate must not fall to 0. */
const EPOCH_STEPS = 100_000

/** The recipe trained as `train` does it for everybody, on one batch over and over. */
export function floatLane(engine: TensorEngine, subject: Subject): Lane {
  const { model, options } = recipeOf(subject)
  const graph = createTrainable(engine, model)
  return laneOf(engine, graph, subject, { ...DEFAULT_OPTIONS, ...options })
}

/** The same trained for 8-bit integers as `qat` does it, BatchNormalization folded, ranges moving. */
export function qatLane(engine: TensorEngine, subject: Subject): Lane {
  const { model, options } = recipeOf(subject)
  const prepared = prepare(model)
  const setup = setUpQat(prepared.model, resolvePlan(planFromOptions({}), prepared.layers, prepared.model))
  const graph = createTrainable(engine, setup.model, (name) => !setup.constants.has(name))
  const quantizer = new Quantizer(engine, graph, setup, { frozenAfter: 1, learnsSteps: false })
  const { ours } = picturesOf(subject)
  engine.tf.tidy(() =>
    quantizer.look({ [model.graph.inputs[0]!.name]: engine.tf.tensor(ours.values, [...ours.dims], 'float32') }),
  )
  return laneOf(engine, graph, subject, { ...DEFAULT_OPTIONS, ...options, learningRate: 1e-4 }, quantizer)
}

function recipeOf({ recipe: name, picture, batch }: Subject): { model: Model; options: Partial<TrainOptions> } {
  const file = path.resolve(import.meta.dirname, `../../resources/recipes/${name}.json`)
  const recipe = parseRecipe(readFileSync(file, 'utf8'), file)
  const model = buildRecipe(recipe, { picture, classes: 10, random: createRandom(1) })
  return { model, options: { ...recipe.train, batch, epochs: 1 } }
}

function laneOf(
  engine: TensorEngine,
  graph: TrainableGraph,
  subject: Subject,
  options: TrainOptions,
  quantizer: (TrainQuantizer & { dispose(): void }) | null = null,
): Lane {
  const { ours } = picturesOf(subject)
  let turn = Promise.withResolvers<boolean>()
  let done: (ms: number) => void = () => undefined
  async function* batches(): AsyncGenerator<TrainBatch> {
    while (await turn.promise) {
      turn = Promise.withResolvers()
      const start = performance.now()
      yield ours
      done(performance.now() - start)
    }
  }
  const ports: TrainPorts = {
    data: { train: batches, trainCount: EPOCH_STEPS * subject.batch, validation: batches, validationCount: 0 },
    signal: new AbortController().signal,
    now: () => performance.now(),
    onStep: () => undefined,
    onEpoch: () => Promise.resolve(),
    ...(quantizer && { quantizer }),
  }
  const ended = train(engine, graph, options, ports)
  let failure: unknown = null
  let fail: (error: unknown) => void = () => undefined
  ended.catch((error: unknown) => {
    failure = error
    fail(error)
  })
  return {
    step: () => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      ;[done, fail] = [resolve, reject]
      if (failure !== null) fail(failure)
      turn.resolve(true)
      return promise
    },
    close: async () => {
      turn.resolve(false)
      await ended
      quantizer?.dispose()
      graph.dispose()
    },
  }
}
