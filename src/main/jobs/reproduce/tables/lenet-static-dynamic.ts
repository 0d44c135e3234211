import { planFromOptions } from '../../../quant/plan.ts'
import type { Claim, FloatAsk, Table } from '../port.ts'
import { figuresStep, pair, withRepairs } from './parts.ts'

const ASK: FloatAsk = {
  recipe: 'lenet-average',
  data: 'mnist',
  options: { epochs: 3, batch: 64, seed: 1 },
}
const STATIC = withRepairs(planFromOptions({}))
const DYNAMIC = planFromOptions({ mode: 'dynamic' })
/** The first Conv has 25 products for an output: its integer kernel costs more than it saves, and takes its pool along. */
const HYBRID = withRepairs(planFromOptions({ keepFloat: ['conv1', 'pool1'] }))
const WAYS = ['float', 'dynamic', 'static'] as const
const ALL = [...WAYS, 'hybrid'] as const

/** Published: size in MB, accuracy in percent, average loss. */
const PUBLISHED: Readonly<Record<(typeof WAYS)[number], readonly [size: number, top1: number, loss: number]>> = {
  float: [0.25, 97.19, 0.0992],
  dynamic: [0.219, 97.19, 0.0997],
  static: [0.0755, 95.7, 0.1505],
}
const BATCH = 64

const better = (
  text: string,
  cell: string,
  bound: Claim['bound'],
  than: Claim['than'],
  unit: Claim['unit'],
  digits: number,
  allowance = 0,
): Claim => ({ text, cell, bound, than, allowance, unit, digits, why: '' })

/** LeNet with average pooling: float, dynamic and static, by size, accuracy, loss and time. */
export const lenetStaticDynamic: Table = {
  name: 'lenet-static-dynamic',
  title: 'LeNet with average pooling: float, dynamic, static',
  about: [
    '3 epochs, batch 64, seed 1, on MNIST; sizes are of the files as stored (1 MB = 1,000,000 bytes). *dynamic* quantizes the convolutions too, where the published one quantizes the dense layers only. *static* has symmetric weights with a scale for each channel, calibrated on 512 training images, with the repairs short of training. *hybrid* is the same with the first convolution and its pool in float: ONNX Runtime computes a convolution of one channel slower in integers than in float, which `bench` says of the static file.',
    `Times are inside ONNX Runtime on one thread for all test images in batches of ${BATCH}, the fastest of three in turn; none is published beside them.`,
  ],
  data: ['mnist'],
  steps: () => [
    figuresStep('float', 'float', 120, (desk) => desk.float(ASK)),
    figuresStep('dynamic', 'dynamic', 10, (desk) => desk.ptq(ASK, DYNAMIC)),
    figuresStep('static', 'static', 20, (desk) => desk.ptq(ASK, STATIC)),
    figuresStep('hybrid', 'hybrid', 20, (desk) => desk.ptq(ASK, HYBRID)),
    {
      name: 'times',
      effort: 20,
      work: async (desk) => {
        const models = [
          await desk.float(ASK),
          await desk.ptq(ASK, DYNAMIC),
          await desk.ptq(ASK, STATIC),
          await desk.ptq(ASK, HYBRID),
        ]
        const times = await desk.times(
          ASK,
          models.map(({ path }) => path),
          BATCH,
        )
        return Object.fromEntries(ALL.map((way, i) => [`${way}.ms`, times[i]!]))
      },
    },
  ],
  sections: ({ evaluationSamples }) => [
    {
      title: 'MNIST',
      axis: null,
      columns: [
        ...pair('size', 'megabytes', 4),
        ...pair('accuracy', 'percent', 2),
        ...pair('average loss', 'plain', 4),
        {
          title: `time of ${(evaluationSamples ?? 10_000).toLocaleString('en-US')} images`,
          unit: 'milliseconds',
          digits: 0,
          of: 'measured',
        },
      ],
      rows: ALL.map((way) => {
        const [size, top1, loss] = way === 'hybrid' ? [null, null, null] : PUBLISHED[way]
        return {
          label: way,
          cells: [size, `${way}.bytes`, top1, `${way}.top1`, loss, `${way}.loss`, `${way}.ms`],
        }
      }),
      notes: [],
    },
  ],
  claims: [
    better('Static LeNet, size', 'static.bytes', 'atMost', 75_500, 'megabytes', 4),
    better('Static LeNet against its float', 'static.top1', 'atLeast', 'float.top1', 'percent', 2, 0.001),
    ...WAYS.flatMap((way) => {
      const [size, top1, loss] = PUBLISHED[way]
      return [
        better(`${way}, accuracy against the published`, `${way}.top1`, 'atLeast', top1 / 100, 'percent', 2),
        better(`${way}, average loss against the published`, `${way}.loss`, 'atMost', loss, 'plain', 4),
        better(`${way}, size against the published`, `${way}.bytes`, 'atMost', size * 1e6, 'megabytes', 4),
      ]
    }),
    better('Hybrid LeNet against its float', 'hybrid.top1', 'atLeast', 'float.top1', 'percent', 2, 0.001),
    better('Hybrid LeNet, size', 'hybrid.bytes', 'atMost', 75_500, 'megabytes', 4),
    better('Dynamic LeNet against its float', 'dynamic.top1', 'atLeast', 'float.top1', 'percent', 2, 0.003),
  ],
}
