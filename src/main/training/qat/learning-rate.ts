import type { OptimizerKind } from '../options.ts'

/**
 * Learning rates of fine-tuning by the fewest bits of the plan: the coarser the grid, the further a step of the same length throws a weight, so that
 * fewer bits learn slower. For SGD with momentum; tuned by us on Fashion-MNIST and CIFAR-10 with the recipes' small networks.
 */
const BY_BITS: readonly (readonly [bits: number, rate: number])[] = [
  [8, 0.01],
  [6, 0.005],
  [4, 0.003],
  [3, 0.002],
  [2, 0.001],
]

/** Adam moves each weight by about its rate, whatever the gradient: it takes a tenth. */
const ADAM_SHARE = 0.1

/** The rate to begin with where the user names none, and why. */
export function qatLearningRate(fewestBits: number, optimizer: OptimizerKind): { rate: number; why: string } {
  const [bits, sgd] = BY_BITS.find(([least]) => fewestBits >= least) ?? BY_BITS.at(-1)!
  const rate = optimizer === 'sgd' ? sgd : sgd * ADAM_SHARE
  const range = bits === 8 ? '8 bits and more' : `${bits} bits`
  return { rate, why: `${rate} for ${range} (${optimizer}); fewer bits learn at lower rates` }
}
