import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { DEFAULT_OPTIONS, type OptimizerKind, type TrainOptions } from '../options.ts'

/**
 * Learning rates of fine-tuning by the fewest bits of the plan: the coarser the grid, the further a step of the same length throws a
 * weight, so that fewer bits learn slower. For SGD with momentum.
 */
const RATES: readonly (readonly [bits: number, rate: number])[] = [
  [8, 0.01],
  [6, 0.005],
  [4, 0.003],
  [3, 0.002],
  [2, 0.001],
]

/** Adam moves each weight by about its rate, whatever the gradient: it takes a tenth. */
const ADAM_SHARE = 0.1

/** Bits that training learns for. Source: TensorFlow FakeQuantWithMinMaxVars, num_bits, for the least. */
export const QAT_BITS = { least: 2, most: 8 } as const

/** Share of the epochs after which ranges stand still. Source: Jacob et al. 2018, section 3.1, which lets them move at first only. */
export const FROZEN_SHARE = 0.5

/** What QAT differs in from training in float, where nobody named it: weights are there already and need the last bit of fit only. */
const QAT_OPTIONS: TrainOptions = {
  ...DEFAULT_OPTIONS,
  epochs: 5,
  optimizer: 'sgd',
  schedule: 'cosine',
  weightDecay: 1e-4,
}

/**
 * Learned steps shrink and grow with the weights, so that a coarse grid bears the rate of a fine one. Half of what the source takes (section
 * 3: 0.01): networks whose BatchNormalization is folded come apart earlier.
 * Source: Esser et al. 2020.
 */
const STEPS_RATE = 0.005

/**
 * Below so many bits a grid from extreme to extreme has too few integers where the values are: steps are learned unless told otherwise.
 * (LeNet-5 on Fashion-MNIST, two epochs of 20,000: 86.4 against 87.8 % at 3 bits, 67.0 against 83.5 % at 2.)
 */
const STEPS_LEARNED_BELOW = 4

/** Options of a training for integers, with the reason of its learning rate in words. */
export function qatOptions(
  plan: QuantPlan,
  asked: Partial<TrainOptions>,
  learnsSteps: boolean,
): { options: TrainOptions; why: string } {
  const options = { ...QAT_OPTIONS, ...asked }
  if (asked.learningRate !== undefined) return { options, why: `${asked.learningRate} as asked for` }
  const { rate, why } = learningRate(fewestBits(plan), options.optimizer, learnsSteps)
  return { options: { ...options, learningRate: rate }, why }
}

/** Whether step sizes are learned where nobody says: at few bits, if all weights are symmetric. */
export function learnsStepsOf(plan: QuantPlan, asked: boolean | null): boolean {
  if (asked !== null) return asked
  const layers = Object.values(plan.layers).flatMap((layer) => (layer === 'float' ? [] : [layer.weights?.symmetric]))
  return fewestBits(plan) < STEPS_LEARNED_BELOW && plan.defaults.weights.symmetric && !layers.includes(false)
}

/** The fewest bits that a plan gives weights or activations. */
export function fewestBits({ defaults, layers }: QuantPlan): number {
  const bits = [defaults.weights.bits, defaults.activations.bits]
  for (const layer of Object.values(layers)) {
    if (layer === 'float') continue
    bits.push(layer.weights?.bits ?? Infinity, layer.activations?.bits ?? Infinity)
  }
  return Math.min(...bits)
}

function learningRate(bits: number, optimizer: OptimizerKind, learnsSteps: boolean): { rate: number; why: string } {
  const share = optimizer === 'sgd' ? 1 : ADAM_SHARE
  if (learnsSteps) {
    const rate = STEPS_RATE * share
    return { rate, why: `${rate} for learned steps with ${optimizer}` }
  }
  const [least, sgd] = RATES.find(([from]) => bits >= from) ?? RATES.at(-1)!
  const rate = sgd * share
  const width = least === 8 ? '8 bits and more' : `${bits} bits`
  return { rate, why: `${rate} for ${width} with ${optimizer}: fewer bits learn at lower rates` }
}
