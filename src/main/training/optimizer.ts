import type { AdamSettings, Cell, Tensor, TensorEngine, Variable } from '../engines/tensor-api.ts'
import type { TrainOptions } from './options.ts'

/** A weight as an optimiser sees it. */
export interface Learned {
  readonly name: string
  readonly variable: Variable
  readonly decays: boolean
}

/** Moves variables against their gradients. Holds slots in the engine's memory until disposed. */
export interface Optimizer {
  /** @param gradients by the variables' own names in the engine */
  apply(gradients: Readonly<Record<string, Tensor>>, learningRate: number): void
  /** what it remembers, by `weight/slot`; with the variables all that a checkpoint needs */
  tensors(): ReadonlyMap<string, Float32Array>
  /** takes up what `tensors` gave. @throws Error where something is missing or of another length */
  load(tensors: ReadonlyMap<string, Float32Array>): void
  /** steps made so far */
  steps: number
  dispose(): void
}

/** Source: Kingma and Ba 2015, algorithm 1. */
const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-7

/** A weight, and what is remembered of it, where the engine's kernels write in place. */
interface Slots {
  readonly learned: Learned
  readonly weight: Cell
  /** by `weight/slot` */
  readonly slots: ReadonlyMap<string, Cell>
  /** data of the variable that the cell holds: where it is another one, somebody has assigned to the variable */
  held: object
}

/**
 * SGD with Nesterov-free momentum (Sutskever et al. 2013, as PyTorch and tfjs write it) and decay added to the gradient, or Adam with
 * decoupled decay (Loshchilov and Hutter 2019, AdamW). Biases, scales and offsets do not decay.
 */
export function createOptimizer(
  engine: TensorEngine,
  weights: readonly Learned[],
  options: Pick<TrainOptions, 'optimizer' | 'weightDecay' | 'momentum'>,
): Optimizer {
  const { tf } = engine
  const kind = options.optimizer
  const names = kind === 'sgd' ? ['momentum'] : ['first', 'second']
  const all = weights.filter(({ variable }) => variable.trainable).map((learned) => slotsOf(engine, learned, names))
  const slots = new Map(all.flatMap((own) => [...own.slots].map(([name, cell]) => [name, { cell, own }] as const)))
  const optimizer: Optimizer = {
    steps: 0,
    apply(gradients, learningRate) {
      optimizer.steps++
      tf.tidy(() => {
        const move = (kind === 'sgd' ? sgd : adam)(engine, learningRate, options, optimizer.steps)
        for (const own of all) {
          const { variable } = own.learned
          const gradient = gradients[variable.name]
          if (!gradient) continue
          if (variable.dataId !== own.held) own.weight.set(variable)
          move(own, gradient)
          variable.assign(own.weight.get())
          own.held = variable.dataId
        }
      })
    },
    tensors: () => new Map([...slots].map(([name, { cell }]) => [name, valuesOf(engine, cell)])),
    load: (tensors) => {
      for (const [name, { cell, own }] of slots) {
        const values = tensors.get(name)
        const { variable } = own.learned
        if (values?.length !== variable.size) throw new Error(`the checkpoint does not fit: ${name}`)
        tf.tidy(() => cell.set(tf.tensor(values, variable.shape)))
      }
    },
    dispose: () => {
      for (const { weight, slots: own } of all) for (const cell of [weight, ...own.values()]) cell.dispose()
    },
  }
  return optimizer
}

function slotsOf({ tf, native }: TensorEngine, learned: Learned, names: readonly string[]): Slots {
  const { variable, name } = learned
  const zeros = tf.zeros(variable.shape)
  const slots = new Map(names.map((slot) => [`${name}/${slot}`, native.cell(zeros)]))
  zeros.dispose()
  return { learned, weight: native.cell(variable), slots, held: variable.dataId }
}

function valuesOf({ tf }: TensorEngine, cell: Cell): Float32Array {
  return tf.tidy(() => Float32Array.from(cell.get().dataSync()))
}

type Move = (own: Slots, gradient: Tensor) => void
type Prepare = (
  engine: TensorEngine,
  rate: number,
  options: Parameters<typeof createOptimizer>[2],
  step: number,
) => Move

/** velocity = momentum · velocity + gradient + decay · weight; the decay goes into the velocity ahead, divided by the momentum. */
const sgd: Prepare = ({ tf, native }, learningRate, { weightDecay, momentum }) => {
  const [rate, keep] = [tf.scalar(learningRate), tf.scalar(momentum)]
  const pull = tf.scalar(momentum === 0 ? learningRate * weightDecay : -weightDecay / momentum)
  return ({ learned, weight, slots }, gradient) => {
    const [velocity] = [...slots.values()] as [Cell]
    // without momentum nothing of the velocity stays: the weight itself is pulled
    if (learned.decays && weightDecay !== 0)
      native.subtractScaled(momentum === 0 ? weight : velocity, pull, learned.variable)
    native.applyMomentum(weight, velocity, rate, gradient, keep)
  }
}

const adam: Prepare = ({ tf, native }, learningRate, { weightDecay }, step) => {
  const settings: AdamSettings = {
    rate: tf.scalar(learningRate),
    beta1: tf.scalar(BETA1),
    beta2: tf.scalar(BETA2),
    beta1Power: tf.scalar(BETA1 ** step),
    beta2Power: tf.scalar(BETA2 ** step),
    epsilon: tf.scalar(EPSILON),
  }
  const pull = tf.scalar(learningRate * weightDecay)
  return ({ learned, weight, slots }, gradient) => {
    const [first, second] = [...slots.values()] as [Cell, Cell]
    if (learned.decays && weightDecay !== 0) native.subtractScaled(weight, pull, learned.variable)
    native.applyAdam(weight, first, second, gradient, settings)
  }
}
