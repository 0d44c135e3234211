import { defaultPlan, type QuantPlan } from '../../../../shared/contract/plan.ts'
import type { TrainOptions } from '../../../training/options.ts'
import type { Claim, FloatAsk, Row, Step, Table } from '../port.ts'
import { atLeast, figuresOf, planOfBoth } from './parts.ts'

const ASK: FloatAsk = { recipe: 'lenet5', data: 'fashion-mnist', options: { epochs: 5 } }
/** Every training for integers here sees so many images, once: settings are compared, not records made. */
const SAMPLES = 20_000

interface Trial {
  readonly key: string
  readonly label: string
  readonly plan: QuantPlan
  readonly options: Partial<TrainOptions>
}

const withBias = (plan: QuantPlan, bits: 8 | 32): QuantPlan => ({
  ...plan,
  defaults: { ...plan.defaults, bias: { bits } },
})

const BIAS: readonly Trial[] = ([8, 4] as const).flatMap((bits) =>
  ([32, 8] as const).map((bias) => ({
    key: `bias.${bits}.${bias}`,
    label: `${bits} bits, bias in ${bias}`,
    plan: withBias(bits === 8 ? defaultPlan : planOfBoth(bits), bias),
    options: {},
  })),
)

const OPTIMIZERS: readonly Trial[] = [8, 4].flatMap((bits) =>
  (['sgd', 'adam'] as const).map((optimizer) => ({
    key: `optimizer.${bits}.${optimizer}`,
    label: `${bits} bits, ${optimizer === 'sgd' ? 'SGD with momentum' : 'Adam'}`,
    plan: planOfBoth(bits),
    // Adam's steps are as long as its rate whatever the gradient: the usual tenth of a float training's
    options: { optimizer, ...(optimizer === 'adam' ? { learningRate: 1e-4 } : {}) },
  })),
)

const RATES = [0.03, 0.01, 0.003, 0.001, 0.0003] as const
const RATE_BITS = [8, 4, 3] as const
const RATE_TRIALS: readonly Trial[] = RATES.flatMap((learningRate) =>
  RATE_BITS.map((bits) => ({
    key: `rate.${bits}.${learningRate}`,
    label: `${bits} bits, rate ${learningRate}`,
    plan: planOfBoth(bits),
    options: { learningRate },
  })),
)

const top1Rows = (trials: readonly Trial[]): Row[] =>
  trials.map(({ key, label }) => ({ label, cells: [`${key}.top1`, `${key}.loss`] }))

const TOP1_COLUMNS = [
  { title: 'accuracy', unit: 'percent', digits: 2, of: 'measured' },
  { title: 'average loss', unit: 'plain', digits: 4, of: 'measured' },
] as const

/** What the settings of QAT do: bits of the bias, optimiser, learning rate. */
export const qatAblations: Table = {
  name: 'qat-ablations',
  title: 'Settings of QAT: bias, optimiser, learning rate',
  about: [
    `LeNet-5 on Fashion-MNIST, trained in float, then for integers on ${SAMPLES.toLocaleString('en-US')} images once, with one setting changed at a time; what is not said is as \`qat\` chooses, with ranges that follow. The observations that are tested: a bias in 8 bits costs accuracy where one in 32 bits does not; SGD with momentum does at least as well as Adam; fewer bits want a lower learning rate.`,
  ],
  data: ['fashion-mnist'],
  steps: () => [
    { name: 'float', effort: 300, work: async (desk) => figuresOf('float', await desk.float(ASK)) },
    ...[...BIAS, ...OPTIMIZERS, ...RATE_TRIALS].map(stepOf),
    { name: 'best rates', effort: 1, work: (_, cells) => Promise.resolve(bestRates(cells)) },
  ],
  sections: () => [
    {
      title: 'Float',
      axis: null,
      columns: TOP1_COLUMNS,
      rows: [{ label: 'float', cells: ['float.top1', 'float.loss'] }],
      notes: [],
    },
    { title: 'Bias in 8 against 32 bits', axis: null, columns: TOP1_COLUMNS, rows: top1Rows(BIAS), notes: [] },
    {
      title: 'SGD with momentum against Adam',
      axis: null,
      columns: TOP1_COLUMNS,
      rows: top1Rows(OPTIMIZERS),
      notes: [],
    },
    {
      title: 'Learning rate by bits',
      axis: null,
      columns: RATE_BITS.map((bits) => ({ title: `${bits} bits`, unit: 'percent', digits: 2, of: 'measured' })),
      rows: RATES.map((rate) => ({
        label: `rate ${rate}`,
        cells: RATE_BITS.map((bits) => `rate.${bits}.${rate}.top1`),
      })),
      notes: [],
    },
  ],
  claims: [
    claim('8 bits, bias in 32 bits against bias in 8', 'bias.8.32.top1', 'bias.8.8.top1'),
    claim('4 bits, bias in 32 bits against bias in 8', 'bias.4.32.top1', 'bias.4.8.top1'),
    claim('8 bits, SGD with momentum against Adam', 'optimizer.8.sgd.top1', 'optimizer.8.adam.top1'),
    claim('4 bits, SGD with momentum against Adam', 'optimizer.4.sgd.top1', 'optimizer.4.adam.top1'),
    {
      text: 'Best learning rate at 3 bits, not above the best at 8 bits',
      cell: 'best.3',
      bound: 'atMost',
      than: 'best.8',
      allowance: 0,
      unit: 'plain',
      digits: 4,
      why: 'The accuracies of neighbouring rates differ by less than their 95 % intervals, so the best one is partly chance.',
    },
    { ...claim('8 bits, QAT within 0.3 points of float', 'bias.8.32.top1', 'float.top1'), allowance: 0.003 },
  ],
}

function claim(text: string, cell: string, than: string): Claim {
  const why = 'Differences of a few tenths are within the 95 % intervals of 10,000 images, which the CSV file gives.'
  return atLeast(text, cell, than, { why })
}

function stepOf({ key, label, plan, options }: Trial): Step {
  return {
    name: label,
    effort: 60,
    work: async (desk) =>
      figuresOf(key, await desk.qat(ASK, { plan, options: { epochs: 1, ...options }, samples: SAMPLES })),
  }
}

/** The rate of the highest accuracy at each width, as a cell. */
function bestRates(cells: Parameters<Step['work']>[1]): Awaited<ReturnType<Step['work']>> {
  return Object.fromEntries(
    RATE_BITS.map((bits) => {
      const found = RATES.map((rate) => ({ rate, top1: cells.get(`rate.${bits}.${rate}.top1`)! }))
      const best = found.reduce((a, b) => (b.top1.value > a.top1.value ? b : a))
      return [`best.${bits}`, { value: best.rate, low: null, high: null, run: best.top1.run }]
    }),
  )
}
