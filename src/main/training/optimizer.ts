import type { Tensor, Tfjs, Variable } from '../engines/tensor-api.ts'
import type { OptimizerKind, TrainOptions } from './options.ts'

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
  slots(): ReadonlyMap<string, Variable>
  /** steps made so far */
  steps: number
  dispose(): void
}

/** Source: Kingma and Ba 2015, algorithm 1. */
const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-7

/**
 * SGD with Nesterov-free momentum (Sutskever et al. 2013, as PyTorch and tfjs write it) and decay added to the gradient, or Adam with decoupled decay (Loshchilov and Hutter 2019, AdamW).
 * Biases, scales and offsets do not decay.
 */
export function createOptimizer(
  tf: Tfjs,
  kind: OptimizerKind,
  weights: readonly Learned[],
  { weightDecay, momentum }: Pick<TrainOptions, 'weightDecay' | 'momentum'>,
): Optimizer {
  const learned = weights.filter(({ variable }) => variable.trainable)
  const slotNames = kind === 'sgd' ? ['momentum'] : ['first', 'second']
  const slots = new Map<string, Variable>()
  for (const { name, variable } of learned) {
    for (const slot of slotNames) {
      const zeros = tf.zeros(variable.shape)
      slots.set(`${name}/${slot}`, tf.variable(zeros, false))
      zeros.dispose()
    }
  }
  const update = kind === 'sgd' ? sgd : adam
  const optimizer: Optimizer = {
    steps: 0,
    apply(gradients, learningRate) {
      optimizer.steps++
      for (const weight of learned) {
        const gradient = gradients[weight.variable.name]
        if (!gradient) continue
        const own = slotNames.map((slot) => slots.get(`${weight.name}/${slot}`)!)
        const decay = weight.decays ? weightDecay : 0
        const settings = { learningRate, decay, momentum, step: optimizer.steps }
        tf.tidy(() => update(tf, weight.variable, gradient, own, settings))
      }
    },
    slots: () => slots,
    dispose: () => slots.forEach((slot) => slot.dispose()),
  }
  return optimizer
}

interface StepSettings {
  readonly learningRate: number
  readonly decay: number
  readonly momentum: number
  readonly step: number
}

function sgd(
  tf: Tfjs,
  variable: Variable,
  gradient: Tensor,
  [velocity]: readonly Variable[],
  { learningRate, decay, momentum }: StepSettings,
): void {
  const pull = decay === 0 ? gradient : tf.add(gradient, tf.mul(variable, decay))
  velocity!.assign(tf.add(tf.mul(velocity!, momentum), pull))
  variable.assign(tf.sub(variable, tf.mul(velocity!, learningRate)))
}

function adam(
  tf: Tfjs,
  variable: Variable,
  gradient: Tensor,
  [first, second]: readonly Variable[],
  settings: StepSettings,
): void {
  const { learningRate, decay, step } = settings
  first!.assign(tf.add(tf.mul(first!, BETA1), tf.mul(gradient, 1 - BETA1)))
  second!.assign(tf.add(tf.mul(second!, BETA2), tf.mul(tf.square(gradient), 1 - BETA2)))
  const rate = (learningRate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step)
  const move = tf.div(tf.mul(first!, rate), tf.add(tf.sqrt(second!), EPSILON))
  const kept = decay === 0 ? variable : tf.mul(variable, 1 - learningRate * decay)
  variable.assign(tf.sub(kept, move))
}
