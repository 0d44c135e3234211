import { defaultPlan } from '../../../../shared/contract/plan.ts'
import type { Claim, Desk, FloatAsk, Measured, ModelFigures, Step, Table } from '../port.ts'
import { AFFINE_PER_TENSOR, REPAIRED, derived, figuresOf, pair } from './parts.ts'

const ASK: FloatAsk = { recipe: 'resnet18', data: 'imagenette', options: {}, size: [64, 64] }
/** What the hybrid plan may lose, as a share of all images. */
const MAX_DROP = 0.0043

interface Way {
  readonly key: string
  readonly label: string
  readonly effort: number
  readonly make: (desk: Desk) => Promise<ModelFigures>
}

const WAYS: readonly Way[] = [
  { key: 'tensor', label: 'naive, affine per tensor', effort: 60, make: (desk) => desk.ptq(ASK, AFFINE_PER_TENSOR) },
  { key: 'naive', label: 'naive, per channel', effort: 60, make: (desk) => desk.ptq(ASK, defaultPlan) },
  { key: 'hybrid', label: 'hybrid, by search', effort: 900, make: (desk) => desk.searched(ASK, MAX_DROP) },
  { key: 'selective', label: 'selective, with repairs', effort: 300, make: (desk) => desk.ptq(ASK, REPAIRED) },
  {
    key: 'qat',
    label: 'QAT, 8 bits',
    effort: 1200,
    make: (desk) => desk.qat(ASK, { plan: defaultPlan, options: { epochs: 1 } }),
  },
]

/** Published of ResNet-18 after training: size in percent of float, how often faster, points gained. */
const PUBLISHED = { size: 25.24, speedup: 2.2, gain: -0.43 }

/** ResNet-18 quantized after training in several ways, and trained for integers. */
export const resnet18Imagenette: Table = {
  name: 'resnet18-imagenette',
  title: 'ResNet-18 on Imagenette: size, speed and accuracy in 8 bits',
  about: [
    'ResNet-18 for 10 classes at 64×64 pixels, trained here. *naive* gives all layers the same integers; *hybrid* leaves in float what a search finds worth it; *selective* chooses calibrator and rounding tensor by tensor (the repairs short of training); *QAT* trains one more epoch for integers. The published figures are of quantization after training as a whole, and stand beside the naive way.',
    'Sizes are of the files as stored; speed is the ratio of medians of whole inferences, float and int8 in turn, one picture at a time on all cores.',
  ],
  data: ['imagenette'],
  steps: () => [
    { name: 'float', effort: 4000, work: async (desk) => figuresOf('float', await desk.float(ASK)) },
    ...WAYS.map(stepOf),
    { name: 'speed', effort: 60, work: measureSpeeds },
  ],
  sections: () => [
    {
      title: 'ResNet-18',
      axis: null,
      columns: [
        { title: 'accuracy', unit: 'percent', digits: 2, of: 'measured' },
        ...pair('against float', 'points', 2),
        ...pair('size of float', 'percent', 2),
        ...pair('speedup', 'ratio', 2),
      ],
      rows: [
        { label: 'float', cells: ['float.top1', null, null, null, null, null, null] },
        ...WAYS.map(({ key, label }) => {
          const isNaive = key === 'naive'
          return {
            label,
            cells: [
              `${key}.top1`,
              isNaive ? PUBLISHED.gain : null,
              `${key}.gain`,
              isNaive ? PUBLISHED.size : null,
              `${key}.size`,
              isNaive ? PUBLISHED.speedup : null,
              `${key}.speedup`,
            ],
          }
        }),
      ],
      notes: [],
    },
  ],
  claims: [
    claim('Naive, per channel, size of float against the published', 'naive.size', 'atMost', 0.2524, 'percent'),
    claim('Naive, per channel, speedup against the published', 'naive.speedup', 'atLeast', 2.2, 'ratio'),
    claim('Naive, per channel, points against float, as published', 'naive.gain', 'atLeast', -0.0043, 'points'),
    claim('Naive, per channel, within 0.3 points of float', 'naive.gain', 'atLeast', -0.003, 'points'),
    claim('Selective, within 0.3 points of float', 'selective.gain', 'atLeast', -0.003, 'points'),
    claim('QAT, within 0.3 points of float', 'qat.gain', 'atLeast', -0.003, 'points'),
  ],
}

function claim(text: string, cell: string, bound: Claim['bound'], than: number, unit: Claim['unit']): Claim {
  return { text, cell, bound, than, allowance: 0, unit, digits: 2, why: '' }
}

function stepOf({ key, label, effort, make }: Way): Step {
  return {
    name: label,
    effort,
    work: async (desk, cells) => {
      const figures = await make(desk)
      const [top1, bytes] = [cells.get('float.top1')!, cells.get('float.bytes')!]
      return {
        ...figuresOf(key, figures),
        [`${key}.gain`]: derived(figures.top1.value - top1.value, figures.top1),
        [`${key}.size`]: derived(figures.bytes.value / bytes.value, figures.bytes),
      }
    },
  }
}

async function measureSpeeds(desk: Desk): Promise<Record<string, Measured>> {
  const { path: float } = await desk.float(ASK)
  const speeds: Record<string, Measured> = {}
  for (const { key, make } of WAYS) speeds[`${key}.speedup`] = await desk.speedup(float, (await make(desk)).path)
  return speeds
}
