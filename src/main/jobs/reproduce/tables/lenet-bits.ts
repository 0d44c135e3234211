import type { BitsPoint, Claim, DataName, FloatAsk, Measured, Section, Step, Table } from '../port.ts'
import { AFFINE_PER_TENSOR, REPAIRED, atLeast, figuresOf } from './parts.ts'

interface Subject {
  readonly key: string
  readonly title: string
  readonly ask: FloatAsk
  /** published accuracy of the float model in percent, where there is one */
  readonly float: number | null
  /** published accuracy at 1 to 8 bits in percent */
  readonly published: readonly (number | null)[]
  readonly notes: readonly string[]
}

const BITS = [1, 2, 3, 4, 5, 6, 7, 8] as const

/** Where the recipe's own settings are not enough. */
const OPTIONS: Readonly<Record<string, FloatAsk['options']>> = {
  'lenet5-cifar10': { epochs: 15, augment: { flip: true, shift: 0 } },
}

const subject = (recipe: string, data: DataName): Pick<Subject, 'key' | 'ask'> => ({
  key: `${recipe}-${data}`,
  ask: { recipe, data, options: OPTIONS[`${recipe}-${data}`] ?? {} },
})

const SUBJECTS: readonly Subject[] = [
  {
    ...subject('lenet5', 'mnist'),
    title: 'LeNet-5 on MNIST',
    float: 99,
    published: [9.74, 10.5, 75.74, 96.78, 98.7, 98.96, 99.06, 99.04],
    notes: ['At 1 and 2 bits the published figures are chance (10 classes).'],
  },
  {
    ...subject('mlp', 'mnist'),
    title: 'Multilayer perceptron on MNIST',
    float: 96,
    published: BITS.map(() => null),
    notes: ['Published for the float perceptron only, against 99 % for LeNet-5.'],
  },
  {
    ...subject('lenet5', 'cifar10'),
    title: 'LeNet-5 on CIFAR-10',
    float: 70,
    published: BITS.map(() => null),
    notes: ['Published: float about 70 %, and near it from 7 bits.'],
  },
]

/** LeNet-5 on MNIST and CIFAR-10, and a perceptron beside it, at 1 to 8 bits of weights and activations. */
export const lenetBits: Table = {
  name: 'lenet-bits',
  title: 'LeNet-5 and a perceptron at 1 to 8 bits',
  about: [
    'Float models are trained once, then quantized after training at b bits for all weights and all activations. *affine* is the published way: affine integers, one scale for a tensor, ranges by minimum and maximum. *repaired* is ours: symmetric weights with a scale for each channel, and the repairs short of training (channels evened out between layers, a calibrator for each tensor, rounding for the least output error, bias corrected).',
    'Every figure is top-1 on the test split, of the exported file in ONNX Runtime.',
  ],
  data: ['mnist', 'cifar10'],
  steps: () => SUBJECTS.flatMap(stepsOf),
  sections: () => SUBJECTS.map(sectionOf),
  claims: [
    ...publishedClaims(SUBJECTS[0]!),
    atLeast('LeNet-5 on MNIST at 3 bits with repairs', 'lenet5-mnist.repaired.3', 0.9),
    atLeast('Perceptron on MNIST, float', 'mlp-mnist.float.top1', 0.96),
    atLeast('LeNet-5 on CIFAR-10, float', 'lenet5-cifar10.float.top1', 0.7, {
      why: 'The recipe is LeNet-5 unchanged (about 62,000 parameters), trained for 15 epochs on pictures mirrored at random; how the published one was trained is not said.',
    }),
    ...SUBJECTS.map(({ key, title }) =>
      atLeast(`${title}, 8 bits repaired against its float`, `${key}.repaired.8`, `${key}.float.top1`, {
        allowance: 0.003,
      }),
    ),
    atLeast(
      'LeNet-5 on CIFAR-10 at 7 bits repaired against its float (near it)',
      'lenet5-cifar10.repaired.7',
      'lenet5-cifar10.float.top1',
      { allowance: 0.01 },
    ),
  ],
}

function stepsOf({ key, title, ask }: Subject): Step[] {
  return [
    {
      name: `${title}: float`,
      effort: 300,
      work: async (desk) => figuresOf(`${key}.float`, await desk.float(ask)),
    },
    {
      name: `${title}: affine per tensor`,
      effort: 25,
      work: async (desk) => pointsOf(`${key}.affine`, await desk.curve(ask, BITS, AFFINE_PER_TENSOR)),
    },
    {
      name: `${title}: repaired`,
      effort: 60,
      work: async (desk) => pointsOf(`${key}.repaired`, await desk.curve(ask, BITS, REPAIRED)),
    },
  ]
}

const pointsOf = (key: string, points: readonly BitsPoint[]): Record<string, Measured> =>
  Object.fromEntries(points.map(({ bits, top1 }) => [`${key}.${bits}`, top1]))

function sectionOf({ key, title, float, published, notes }: Subject): Section {
  const column = { unit: 'percent', digits: 2 } as const
  return {
    title,
    axis: 'bits',
    columns: [
      { ...column, title: 'affine', of: 'published' },
      { ...column, title: 'affine', of: 'measured' },
      { ...column, title: 'repaired', of: 'measured' },
    ],
    rows: [
      ...BITS.map((bits, i) => ({
        label: String(bits),
        cells: [published[i] ?? null, `${key}.affine.${bits}`, `${key}.repaired.${bits}`],
      })),
      { label: 'float', cells: [float, `${key}.float.top1`, null] },
    ],
    notes,
  }
}

/** Each published accuracy beyond chance, by the better of the two ways. */
function publishedClaims({ key, published, title }: Subject): Claim[] {
  return BITS.flatMap((bits, i): Claim[] => {
    const value = published[i]
    if (value === null || value === undefined) return []
    const why = value < 11 ? 'The published figure is chance; so is this one.' : ''
    const text = `${title} at ${bits} bit${bits === 1 ? '' : 's'} with repairs, against the published`
    return [atLeast(text, `${key}.repaired.${bits}`, value / 100, { why })]
  })
}
