import { evaluateModel } from '../../src/main/jobs/evaluate.ts'
import { resolvePreprocess } from '../../src/main/data/preprocess.ts'
import type { DataDescription, DescribeDataInput } from '../../src/main/jobs/tasks/describe-data.ts'
import type { ModelDescription } from '../../src/main/jobs/tasks/describe-model.ts'
import type { DataSpec } from '../../src/shared/contract/data.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { sharedPath } from '../builders/shared.ts'
import { withServices } from './bench-services.ts'
import { median, type Figure, type Section } from './section.ts'

interface Case {
  readonly name: string
  readonly model: string
  readonly data: DataSpec
  readonly samples: number
  readonly preset: string
}

const ROUNDS = 3

/** What an evaluation costs beyond the runs of the model itself. */
export const evaluationSection: Section = {
  name: 'evaluation',
  about:
    'Time of the evaluation loop (reading, preprocessing, runs, metrics) over the time inside session.run for the same images in the same ' +
    'processes, batch 1, one worker per core; median of the rounds.',
  run: (log) =>
    withServices(async (services) => {
      const figures: Figure[] = []
      for (const found of cases(log)) figures.push(await overhead(found, services, log))
      return figures
    }),
}

function cases(log: (line: string) => void): Case[] {
  const squeezenet = sharedPath('models/squeezenet1_1.onnx')
  const mnist = sharedPath('data/mnist')
  const pictures = sharedPath('data/imagenet-sample-200')
  const cntk = sharedPath('models/mnist-cntk.onnx')
  if (!squeezenet || !mnist || !pictures || !cntk) {
    log('skipped: ../shared is absent')
    return []
  }
  return [
    {
      name: 'SqueezeNet, 200 JPEG photographs',
      model: squeezenet,
      data: { kind: 'images', path: pictures },
      samples: 200,
      preset: 'imagenet',
    },
    {
      name: 'SqueezeNet, 400 MNIST digits enlarged to 224×224',
      model: squeezenet,
      data: { kind: 'mnist', path: mnist },
      samples: 400,
      preset: 'imagenet',
    },
    {
      name: 'MNIST CNN, 10,000 digits',
      model: cntk,
      data: { kind: 'mnist', path: mnist },
      samples: 10_000,
      preset: 'raw',
    },
  ]
}

async function overhead(found: Case, { pool }: Services, log: (line: string) => void): Promise<Figure> {
  const model = await pool.run<{ path: string }, ModelDescription>('describeModel', { path: found.model })
  const { evaluation } = await pool.run<DescribeDataInput, DataDescription>('describeData', {
    spec: found.data,
    split: 'test',
    calibrate: false,
    sameSplit: false,
  })
  const { preprocess } = resolvePreprocess(found.preset, model.inputs, evaluation)
  const request = {
    model: found.model,
    data: found.data,
    split: 'test',
    range: { start: 0, end: found.samples },
    seed: 0,
    preprocess,
  } as const
  const shares: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { time } = await evaluateModel(request, pool)
    shares.push((100 * (time.loopMs - time.modelMs)) / time.modelMs)
    log(
      `${found.name}: loop ${time.loopMs.toFixed(0)} ms, model ${time.modelMs.toFixed(0)} ms, wall ${time.wallMs.toFixed(0)} ms`,
    )
  }
  return {
    name: `${found.name}: overhead`,
    value: median(shares),
    unit: '%',
    wanted: '≤ 10',
    how: `${ROUNDS} rounds, ${found.samples} samples`,
  }
}
