import type { QuantPlan } from '../../../../shared/contract/plan.ts'
import type { Claim, FloatAsk, Section, Step, Table } from '../port.ts'
import { atLeast, figuresOf, planOfBoth, withRepairs } from './parts.ts'

const BITS = [4, 6, 8] as const

interface Subject {
  readonly key: string
  readonly title: string
  readonly ask: FloatAsk
  /** published accuracy in percent at 4, 6 and 8 bits */
  readonly ptq: readonly [number, number, number]
  readonly qat: readonly [number, number, number]
  readonly float: number
  readonly effort: number
}

const SUBJECTS: readonly Subject[] = [
  {
    key: 'cnn-fashion',
    title: 'CNN on Fashion-MNIST',
    ask: { recipe: 'cnn', data: 'fashion-mnist', options: { epochs: 4 } },
    ptq: [71, 88, 90],
    qat: [81, 90, 91],
    float: 90,
    effort: 300,
  },
  {
    key: 'bn-fashion',
    title: 'CNN with BatchNormalization on Fashion-MNIST',
    ask: { recipe: 'cnn-bn', data: 'fashion-mnist', options: { epochs: 4 } },
    ptq: [52, 63, 59],
    qat: [62, 71, 84],
    float: 90,
    effort: 350,
  },
  {
    key: 'cnn-cifar',
    title: 'CNN on CIFAR-10',
    ask: { recipe: 'cnn', data: 'cifar10', options: { epochs: 8 } },
    ptq: [47, 67, 69],
    qat: [47, 67, 69],
    float: 69,
    effort: 300,
  },
  {
    key: 'bn-cifar',
    title: 'CNN with BatchNormalization on CIFAR-10',
    ask: { recipe: 'cnn-bn', data: 'cifar10', options: { epochs: 8 } },
    ptq: [42, 45, 57],
    qat: [43, 53, 59],
    float: 73,
    effort: 350,
  },
]

/** CNN with and without BatchNormalization at 4, 6 and 8 bits, quantized after training and trained for it. */
export const ptqVsQatBits: Table = {
  name: 'ptq-vs-qat-bits',
  title: 'PTQ and QAT at 4, 6 and 8 bits, with and without BatchNormalization',
  about: [
    'Float models are trained here; *PTQ* gives weights and activations b bits after training, at 4 bits with the repairs short of training; *QAT* trains on from the float model for b bits, one epoch at 8 and 6 bits and two at 4. BatchNormalization is folded into the convolutions before anything is quantized.',
  ],
  data: ['fashion-mnist', 'cifar10'],
  steps: () => SUBJECTS.flatMap(stepsOf),
  sections: () => SUBJECTS.map(sectionOf),
  claims: SUBJECTS.flatMap(claimsOf),
}

/** Few bits need repairs; at 6 and 8 they change less than the interval of 10,000 images. */
const ptqPlan = (bits: (typeof BITS)[number]): QuantPlan =>
  bits === 4 ? withRepairs(planOfBoth(bits)) : planOfBoth(bits)

function stepsOf({ key, title, ask, effort }: Subject): Step[] {
  const bits = BITS.flatMap((count): Step[] => [
    {
      name: `${title}: PTQ, ${count} bits`,
      effort: 60,
      work: async (desk) => figuresOf(`${key}.ptq.${count}`, await desk.ptq(ask, ptqPlan(count))),
    },
    {
      name: `${title}: QAT, ${count} bits`,
      effort: 2 * effort,
      work: async (desk) => {
        const epochs = count === 4 ? 2 : 1
        return figuresOf(`${key}.qat.${count}`, await desk.qat(ask, { plan: planOfBoth(count), options: { epochs } }))
      },
    },
  ])
  const float: Step = {
    name: `${title}: float`,
    effort: effort * (ask.options.epochs ?? 1),
    work: async (desk) => figuresOf(`${key}.float`, await desk.float(ask)),
  }
  return [float, ...bits]
}

function sectionOf({ key, title, ptq, qat, float }: Subject): Section {
  const percent = { unit: 'percent', digits: 2 } as const
  return {
    title,
    axis: 'bits',
    columns: [
      { ...percent, title: 'PTQ', of: 'measured' },
      { ...percent, title: 'QAT', of: 'measured' },
      { ...percent, title: 'PTQ', of: 'published' },
      { ...percent, title: 'QAT', of: 'published' },
    ],
    rows: [
      ...BITS.map((bits, i) => ({
        label: String(bits),
        cells: [`${key}.ptq.${bits}.top1`, `${key}.qat.${bits}.top1`, ptq[i]!, qat[i]!],
      })),
      { label: 'float', cells: [`${key}.float.top1`, null, float, null] },
    ],
    notes: [],
  }
}

function claimsOf({ key, title, ptq, qat, float }: Subject): Claim[] {
  const published = BITS.flatMap((bits, i) => [
    atLeast(`${title}, PTQ at ${bits} bits`, `${key}.ptq.${bits}.top1`, ptq[i]! / 100),
    atLeast(`${title}, QAT at ${bits} bits`, `${key}.qat.${bits}.top1`, qat[i]! / 100),
  ])
  const near = (way: 'ptq' | 'qat'): Claim => {
    const text = `${title}, 8-bit ${way.toUpperCase()} within 0.3 points of its float`
    return atLeast(text, `${key}.${way}.8.top1`, `${key}.float.top1`, { allowance: 0.003 })
  }
  return [atLeast(`${title}, float`, `${key}.float.top1`, float / 100), ...published, near('ptq'), near('qat')]
}
