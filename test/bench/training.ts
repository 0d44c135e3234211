import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createRandom } from '../../src/main/data/random.ts'
import type { TensorEngine } from '../../src/main/engines/tensor-api.ts'
import { train } from '../../src/main/training/loop.ts'
import type { TrainBatch } from '../../src/main/training/measure.ts'
import { DEFAULT_OPTIONS, type TrainOptions } from '../../src/main/training/options.ts'
import { buildRecipe } from '../../src/main/training/recipes/build.ts'
import { parseRecipe } from '../../src/main/training/recipes/recipe.ts'
import { createTrainable } from '../../src/main/training/trainable/graph.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { plainLeNet5, plainResNet18, type PlainTrainer } from './plain-tfjs.ts'
import { median, type Figure, type Section } from './section.ts'

interface Network {
  readonly name: string
  readonly recipe: string
  /** [height, width, channels] */
  readonly picture: readonly [number, number, number]
  readonly batch: number
  readonly plain: (engine: TensorEngine) => PlainTrainer
  readonly warmup: number
  readonly rounds: number
}

const NETWORKS: readonly Network[] = [
  { name: 'LeNet-5', recipe: 'lenet5', picture: [28, 28, 1], batch: 64, plain: plainLeNet5, warmup: 50, rounds: 500 },
  {
    name: 'ResNet-18 at 64×64',
    recipe: 'resnet18',
    picture: [64, 64, 3],
    batch: 32,
    plain: plainResNet18,
    warmup: 3,
    rounds: 24,
  },
]

/** Speed of training steps beside tfjs's own layers, and whether memory stays flat. */
export const trainingSection: Section = {
  name: 'training',
  about:
    'Recipes as they are trained here, with their own settings (weight decay included), and the same networks written with tf.layers and ' +
    'trained by trainOnBatch, on the same libtensorflow: one step of each in turn, in one process; medians. Random pictures.',
  async run(log) {
    const engine = await tensorEngine()
    if (!engine) throw new Error('libtensorflow is not installed here')
    const figures: Figure[] = []
    for (const network of NETWORKS) figures.push(...(await speedFigures(engine, network, log)))
    figures.push(...(await memoryFigures(engine, NETWORKS[0]!, log)))
    return figures
  },
}

/** Pictures of a network, in both layouts. */
function picturesOf({ picture: [h, w, c], batch }: Network): { ours: TrainBatch; nhwc: Float32Array } {
  const random = createRandom(7)
  const values = Float32Array.from({ length: batch * h * w * c }, () => random.unit() * 2 - 1)
  const nhwc = new Float32Array(values.length)
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < c; k++)
      for (let i = 0; i < h * w; i++) nhwc[(n * h * w + i) * c + k] = values[(n * c + k) * h * w + i]!
  const labels = Int32Array.from({ length: batch }, () => random.below(10))
  return { ours: { values, dims: [batch, c, h, w], labels }, nhwc }
}

/**
 * Trains a network on one batch over and over, as `train` does it for everybody.
 * @param between called before each step with what the step before took, in ms
 */
async function trainSteps(
  engine: TensorEngine,
  network: Network,
  steps: number,
  between: (step: number, tookMs: number) => Promise<void>,
): Promise<void> {
  const { ours } = picturesOf(network)
  const file = path.resolve(import.meta.dirname, `../../resources/recipes/${network.recipe}.json`)
  const recipe = parseRecipe(readFileSync(file, 'utf8'), file)
  const model = buildRecipe(recipe, { picture: network.picture, classes: 10, random: createRandom(1) })
  const options = { ...DEFAULT_OPTIONS, ...recipe.train, batch: network.batch, epochs: 1 } as TrainOptions
  async function* batches(): AsyncGenerator<TrainBatch> {
    let took = 0
    for (let step = 0; step <= steps; step++) {
      await between(step, took)
      if (step === steps) return
      const start = performance.now()
      yield ours
      took = performance.now() - start
    }
  }
  const graph = createTrainable(engine, model)
  try {
    await train(engine, graph, options, {
      data: { train: batches, trainCount: steps * network.batch, validation: batches, validationCount: 0 },
      signal: new AbortController().signal,
      now: () => performance.now(),
      onStep: () => undefined,
      onEpoch: () => Promise.resolve(),
    })
  } finally {
    graph.dispose()
  }
}

async function speedFigures(engine: TensorEngine, network: Network, log: (line: string) => void): Promise<Figure[]> {
  const { name, batch, warmup, rounds } = network
  const { ours, nhwc } = picturesOf(network)
  const plain = network.plain(engine)
  const times: { ours: number[]; plain: number[] } = { ours: [], plain: [] }
  await trainSteps(engine, network, warmup + rounds, async (step, took) => {
    if (step > warmup) times.ours.push(took)
    if (step === warmup + rounds) return
    const start = performance.now()
    await plain.step(nhwc, ours.labels)
    if (step >= warmup) times.plain.push(performance.now() - start)
  })
  plain.dispose()
  const [own, theirs] = [median(times.ours), median(times.plain)]
  log(`${name}: ${own.toFixed(2)} ms a step, tf.layers ${theirs.toFixed(2)} ms`)
  const perSecond = (ms: number): number => (batch * 1000) / ms
  const how = `batch ${batch}, ${rounds} steps of each in turn`
  return [
    {
      name: `${name}: training`,
      value: perSecond(own),
      unit: 'img/s',
      wanted: '',
      how: `${own.toFixed(2)} ms a step; ${how}`,
    },
    {
      name: `${name}: the same in tf.layers`,
      value: perSecond(theirs),
      unit: 'img/s',
      wanted: '',
      how: `${theirs.toFixed(2)} ms a step; ${how}`,
    },
    {
      name: `${name}: training over tf.layers`,
      value: theirs / own,
      unit: '×',
      wanted: '≥ 1.0',
      how: 'ratio of the medians',
    },
  ]
}

const MEMORY_STEPS = 1000
const MEMORY_WARMUP = 200

async function memoryFigures(engine: TensorEngine, network: Network, log: (line: string) => void): Promise<Figure[]> {
  const marks: { tensors: number; rss: number }[] = []
  await trainSteps(engine, network, MEMORY_WARMUP + MEMORY_STEPS, (step) => {
    if (step === MEMORY_WARMUP || step === MEMORY_WARMUP + MEMORY_STEPS) {
      globalThis.gc?.()
      marks.push({ tensors: engine.tf.memory().numTensors, rss: process.memoryUsage().rss })
    }
    return Promise.resolve()
  })
  const [before, after] = marks as [(typeof marks)[0], (typeof marks)[0]]
  const growth = (after.rss - before.rss) / 2 ** 20
  log(`memory: ${before.tensors} and ${after.tensors} tensors, ${growth.toFixed(1)} MiB more`)
  const how = `${network.name}, batch ${network.batch}, after ${MEMORY_WARMUP} steps and ${MEMORY_STEPS} later`
  return [
    { name: 'Tensors left by 1,000 steps', value: after.tensors - before.tensors, unit: 'tensors', wanted: '= 0', how },
    { name: 'Resident memory gained in 1,000 steps', value: growth, unit: 'MiB', wanted: '≤ 16', how },
  ]
}
