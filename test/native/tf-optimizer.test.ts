import { describe, expect, it } from 'vitest'
import { createOptimizer, type Learned } from '../../src/main/training/optimizer.ts'
import type { OptimizerKind } from '../../src/main/training/options.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

/** Both in float32, in another order. */
const DIGITS = 5

interface Case {
  readonly why: string
  readonly optimizer: OptimizerKind
  readonly momentum: number
  readonly weightDecay: number
}

const START = [1, -2, 0.5]
const GRADIENTS = [
  [0.1, 0.2, -0.3],
  [-0.4, 0.1, 0.2],
  [0.3, 0.3, 0.3],
]
const RATE = 0.1

/** The textbook's formulas in double precision. Sources: as named in optimizer.ts. */
function expected({ optimizer, momentum, weightDecay }: Case): number[] {
  const [weight, first, second] = [[...START], [0, 0, 0], [0, 0, 0]]
  GRADIENTS.forEach((gradient, i) => {
    gradient.forEach((g, j) => {
      if (optimizer === 'sgd') {
        first[j] = momentum * first[j]! + g + weightDecay * weight[j]!
        weight[j]! -= RATE * first[j]
        return
      }
      first[j] = 0.9 * first[j]! + 0.1 * g
      second[j] = 0.999 * second[j]! + 0.001 * g * g
      const step = (RATE * Math.sqrt(1 - 0.999 ** (i + 1))) / (1 - 0.9 ** (i + 1))
      weight[j] = weight[j]! * (1 - RATE * weightDecay) - (step * first[j]) / (Math.sqrt(second[j]) + 1e-7)
    })
  })
  return weight
}

describe.skipIf(!engine)('optimisers', () => {
  it.each<Case>([
    { why: 'SGD with momentum', optimizer: 'sgd', momentum: 0.9, weightDecay: 0 },
    { why: 'SGD with momentum and decay', optimizer: 'sgd', momentum: 0.9, weightDecay: 0.05 },
    { why: 'SGD without momentum, with decay', optimizer: 'sgd', momentum: 0, weightDecay: 0.05 },
    { why: 'Adam', optimizer: 'adam', momentum: 0, weightDecay: 0 },
    { why: 'Adam with decay', optimizer: 'adam', momentum: 0, weightDecay: 0.05 },
  ])('$why moves as its formula says, also when taken up from a checkpoint, and leaves nothing', (settings) => {
    const { tf } = engine!
    const before = tf.memory().numTensors
    const variable = tf.tidy(() => tf.variable(tf.tensor1d(START)))
    const learned: Learned[] = [{ name: 'w', variable, decays: true }]
    const first = createOptimizer(engine!, learned, settings)
    const second = createOptimizer(engine!, learned, settings)
    GRADIENTS.forEach((gradient, i) => {
      const optimizer = i < 2 ? first : second
      if (i === 2) {
        second.load(first.tensors())
        second.steps = first.steps
      }
      tf.tidy(() => optimizer.apply({ [variable.name]: tf.tensor1d(gradient) }, RATE))
    })
    const wanted = expected(settings)
    variable.dataSync().forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, DIGITS))
    for (const optimizer of [first, second]) optimizer.dispose()
    variable.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  it('sees what others assign to a variable, and lets biases alone when weights decay', () => {
    const { tf } = engine!
    const variable = tf.tidy(() => tf.variable(tf.tensor1d(START)))
    const options = { optimizer: 'sgd', momentum: 0.9, weightDecay: 0.5 } as const
    const optimizer = createOptimizer(engine!, [{ name: 'b', variable, decays: false }], options)
    tf.tidy(() => variable.assign(tf.tensor1d([10, 20, 30])))
    tf.tidy(() => optimizer.apply({ [variable.name]: tf.tensor1d([1, 1, 1]) }, RATE))
    variable.dataSync().forEach((value, i) => expect(value).toBeCloseTo([9.9, 19.9, 29.9][i]!, DIGITS))
    optimizer.dispose()
    variable.dispose()
  })

  it('refuses the memory of another training', () => {
    const { tf } = engine!
    const variable = tf.tidy(() => tf.variable(tf.tensor1d(START)))
    const options = { optimizer: 'adam', momentum: 0, weightDecay: 0 } as const
    const optimizer = createOptimizer(engine!, [{ name: 'w', variable, decays: true }], options)
    expect(() => optimizer.load(new Map([['w/first', new Float32Array(2)]]))).toThrow('does not fit: w/first')
    optimizer.dispose()
    variable.dispose()
  })
})
