import type { TensorEngine } from '../../src/main/engines/tensor-api.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { plainLeNet5, plainResNet18, type PlainTrainer } from './plain-tfjs.ts'
import { median, type Figure, type Section } from './section.ts'
import { floatLane, picturesOf, qatLane, type Lane, type Subject } from './training-lane.ts'

interface Network extends Subject {
  readonly name: string
  readonly plain: (engine: TensorEngine) => PlainTrainer
  readonly warmup: number
  /** of rounds that count: at least so many, then until there are most or the time is over */
  readonly rounds: { readonly least: number; readonly most: number; readonly maxMs: number }
}

const LENET: Network = {
  name: 'LeNet-5',
  recipe: 'lenet5',
  picture: [28, 28, 1],
  batch: 64,
  plain: plainLeNet5,
  warmup: 20,
  rounds: { least: 60, most: 300, maxMs: 45_000 },
}
const RESNET: Network = {
  name: 'ResNet-18 at 64×64',
  recipe: 'resnet18',
  picture: [64, 64, 3],
  batch: 32,
  plain: plainResNet18,
  warmup: 1,
  rounds: { least: 7, most: 21, maxMs: 90_000 },
}

/** Speed of training steps beside tfjs's own layers, in float and for integers, and whether memory stays flat. */
export const trainingSection: Section = {
  name: 'training',
  about:
    'Recipes as they are trained here, with their own settings (weight decay included), the same trained for 8-bit integers (QAT), and the ' +
    'same networks written with tf.layers and trained by trainOnBatch, on the same libtensorflow: one step of each in turn, in one process; ' +
    'medians. Random pictures. A step includes everything between two batches.',
  async run(log) {
    const engine = await tensorEngine()
    if (!engine) throw new Error('libtensorflow is not installed here')
    const figures: Figure[] = []
    for (const network of [LENET, RESNET]) figures.push(...(await speedFigures(engine, network, log)))
    figures.push(...(await memoryFigures(engine, 'float', floatLane(engine, LENET), log)))
    figures.push(...(await memoryFigures(engine, 'QAT', qatLane(engine, LENET), log)))
    return figures
  },
}

async function speedFigures(engine: TensorEngine, network: Network, log: (line: string) => void): Promise<Figure[]> {
  const { name, batch, warmup, rounds } = network
  const { ours, nhwc } = picturesOf(network)
  const [float, qat, plain] = [floatLane(engine, network), qatLane(engine, network), network.plain(engine)]
  const times: { float: number[]; qat: number[]; plain: number[] } = { float: [], qat: [], plain: [] }
  const end = performance.now() + rounds.maxMs
  const isDone = (counted: number): boolean =>
    counted >= rounds.most || (counted >= rounds.least && performance.now() > end)
  for (let round = 0; !isDone(times.float.length); round++) {
    const took = {
      float: await float.step(),
      qat: await qat.step(),
      plain: await timed(() => plain.step(nhwc, ours.labels)),
    }
    if (round < warmup) continue
    for (const kind of ['float', 'qat', 'plain'] as const) times[kind].push(took[kind])
  }
  await Promise.all([float.close(), qat.close()])
  plain.dispose()
  const [own, integer, theirs] = [median(times.float), median(times.qat), median(times.plain)]
  log(`${name}: ${own.toFixed(2)} ms a step, QAT ${integer.toFixed(2)} ms, tf.layers ${theirs.toFixed(2)} ms`)
  const how = `batch ${batch}, ${times.float.length} steps of each in turn`
  const speed = (title: string, ms: number): Figure => ({
    name: `${name}: ${title}`,
    value: (batch * 1000) / ms,
    unit: 'img/s',
    wanted: '',
    how: `${ms.toFixed(2)} ms a step; ${how}`,
  })
  const ratios = 'ratio of the medians'
  return [
    speed('training', own),
    speed('QAT, 8 bits', integer),
    speed('tf.layers', theirs),
    { name: `${name}: training over tf.layers`, value: theirs / own, unit: '×', wanted: '≥ 1.0', how: ratios },
    { name: `${name}: QAT step over float step`, value: integer / own, unit: '×', wanted: '≤ 2', how: ratios },
  ]
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const MEMORY_STEPS = 1000
const MEMORY_WARMUP = 200
/** Resident memory swings with the allocator: the least of ten looks at the beginning is compared with that of ten at the end. */
const MEMORY_LOOKS = 10
const MEMORY_STRIDE = 25

async function memoryFigures(
  engine: TensorEngine,
  kind: string,
  lane: Lane,
  log: (line: string) => void,
): Promise<Figure[]> {
  const walk = async (steps: number): Promise<void> => {
    for (let step = 0; step < steps; step++) await lane.step()
  }
  const look = async (): Promise<{ tensors: number; rss: number }> => {
    const seen: number[] = []
    for (let i = 0; i < MEMORY_LOOKS; i++) {
      await walk(MEMORY_STRIDE)
      globalThis.gc?.()
      seen.push(process.memoryUsage().rss / 2 ** 20)
    }
    return { tensors: engine.tf.memory().numTensors, rss: Math.min(...seen) }
  }
  await walk(MEMORY_WARMUP)
  const before = await look()
  await walk(MEMORY_STEPS - MEMORY_LOOKS * MEMORY_STRIDE)
  const after = await look()
  await lane.close()
  const gained = after.rss - before.rss
  log(`memory, ${kind}: ${before.tensors} and ${after.tensors} tensors, ${gained.toFixed(1)} MiB more`)
  const how = `${LENET.name}, batch ${LENET.batch}, after ${MEMORY_WARMUP} steps and ${MEMORY_STEPS} later, least of ${MEMORY_LOOKS} looks`
  const name = (what: string): string => `${what} 1,000 steps (${kind})`
  return [
    { name: name('Tensors left by'), value: after.tensors - before.tensors, unit: 'tensors', wanted: '= 0', how },
    {
      name: name('Resident memory gained in'),
      value: gained,
      unit: 'MiB',
      wanted: '≤ 16',
      how: `${how}; ${before.rss.toFixed(0)} MiB before`,
    },
  ]
}
