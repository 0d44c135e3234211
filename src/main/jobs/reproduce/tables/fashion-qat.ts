import { defaultPlan } from '../../../../shared/contract/plan.ts'
import type { Claim, FloatAsk, Step, Table } from '../port.ts'
import { atLeast, derived, figuresOf, pair } from './parts.ts'

interface Subject {
  readonly key: string
  readonly title: string
  readonly ask: FloatAsk
  /** published accuracy in percent: float, then 8-bit QAT */
  readonly published: readonly [float: number, qat: number]
  /** seconds for an epoch, about */
  readonly effort: number
}

const SUBJECTS: readonly Subject[] = [
  {
    key: 'small-cnn',
    title: 'small CNN',
    ask: { recipe: 'small-cnn', data: 'fashion-mnist', options: {} },
    published: [88.37, 87.3],
    effort: 40,
  },
  {
    key: 'mobilenet',
    title: 'MobileNet v1',
    ask: { recipe: 'mobilenet-v1', data: 'fashion-mnist', options: { epochs: 4 } },
    published: [85.72, 83.11],
    effort: 500,
  },
  {
    key: 'vgg16',
    title: 'VGG16',
    ask: { recipe: 'vgg16', data: 'fashion-mnist', options: { epochs: 3 } },
    published: [82.2, 71.82],
    effort: 2400,
  },
]

/** Published: files after quantization come to about this share of the float ones. */
const PUBLISHED_SIZE = 26

/** Small CNN, MobileNet and VGG16 on Fashion-MNIST, float and trained for 8 bits. */
export const fashionQat: Table = {
  name: 'fashion-qat',
  title: 'Fashion-MNIST: small CNN, MobileNet and VGG16, float and 8-bit QAT',
  about: [
    'Each float model is trained here, quantized after training (PTQ, our defaults), and trained one more epoch for 8 bits (QAT). Sizes are of the ONNX files as stored, in percent of the float file; the published sizes are of another format, so only ratios compare.',
  ],
  data: ['fashion-mnist'],
  steps: () => SUBJECTS.flatMap(stepsOf),
  sections: () => [
    {
      title: 'Fashion-MNIST',
      axis: null,
      columns: [
        ...pair('float', 'percent', 2),
        ...pair('8-bit QAT', 'percent', 2),
        { title: '8-bit PTQ', unit: 'percent', digits: 2, of: 'measured' },
        ...pair('size of float', 'percent', 1),
        { title: "QAT's own top-1 to the file's", unit: 'points', digits: 2, of: 'measured' },
      ],
      rows: SUBJECTS.map(({ key, title, published: [float, qat] }) => ({
        label: title,
        cells: [
          float,
          `${key}.float.top1`,
          qat,
          `${key}.qat.top1`,
          `${key}.ptq.top1`,
          PUBLISHED_SIZE,
          `${key}.size`,
          `${key}.gap`,
        ],
      })),
      notes: [],
    },
  ],
  claims: SUBJECTS.flatMap(claimsOf),
}

function stepsOf({ key, title, ask, effort }: Subject): Step[] {
  return [
    {
      name: `${title}: float`,
      effort: effort * (ask.options.epochs ?? 5),
      work: async (desk) => figuresOf(`${key}.float`, await desk.float(ask)),
    },
    {
      name: `${title}: PTQ`,
      effort: 30,
      work: async (desk) => figuresOf(`${key}.ptq`, await desk.ptq(ask, defaultPlan)),
    },
    {
      name: `${title}: QAT`,
      effort: 2 * effort,
      work: async (desk, cells) => {
        const figures = await desk.qat(ask, { plan: defaultPlan, options: { epochs: 1 } })
        const float = cells.get(`${key}.float.bytes`)!
        return {
          ...figuresOf(`${key}.qat`, figures),
          [`${key}.gap`]: figures.gap,
          [`${key}.size`]: derived(figures.bytes.value / float.value, figures.bytes),
        }
      },
    },
  ]
}

function claimsOf({ key, title, published: [float, qat] }: Subject): Claim[] {
  const [ownFloat, near] = [`${key}.float.top1`, { allowance: 0.003 }]
  return [
    atLeast(`${title}, float against the published`, ownFloat, float / 100),
    atLeast(`${title}, QAT against the published`, `${key}.qat.top1`, qat / 100),
    atLeast(`${title}, QAT within 0.3 points of float`, `${key}.qat.top1`, ownFloat, near),
    atLeast(`${title}, PTQ within 0.3 points of float`, `${key}.ptq.top1`, ownFloat, near),
    {
      text: `${title}, QAT's own top-1 and that of the exported file`,
      cell: `${key}.gap`,
      bound: 'atMost',
      than: 0.001,
      allowance: 0,
      unit: 'points',
      digits: 2,
      why: '',
    },
  ]
}
