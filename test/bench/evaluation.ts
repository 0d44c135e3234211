import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { evaluateModel } from '../../src/main/jobs/evaluate.ts'
import { resolvePreprocess } from '../../src/main/data/preprocess.ts'
import type { DataDescription, DescribeDataInput } from '../../src/main/jobs/tasks/describe-data.ts'
import type { ModelDescription } from '../../src/main/jobs/tasks/describe-model.ts'
import type { DataSpec, DataSplit } from '../../src/shared/contract/data.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { sharedPath } from '../builders/shared.ts'
import { withServices } from './bench-services.ts'
import { median, type Figure, type Section } from './section.ts'

interface Case {
  readonly name: string
  readonly model: string
  readonly data: DataSpec
  /** test unless said */
  readonly split?: DataSplit
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
    withServices(async (services, folder) => {
      const figures: Figure[] = []
      for (const found of cases(folder, log)) figures.push(await overhead(found, services, log))
      return figures
    }),
}

function cases(folder: string, log: (line: string) => void): Case[] {
  const [squeezenet, resnet, cntk] = ['squeezenet1_1', 'cifar10_resnet20_akamaster', 'mnist-cntk'].map((name) =>
    sharedPath(`models/${name}.onnx`),
  )
  const [pictures, mnist, unpack] = ['data/imagenet-sample-200', 'data/mnist', 'data/unpack'].map(sharedPath)
  if (!squeezenet || !resnet || !cntk || !pictures || !mnist || !unpack) {
    log('skipped: ../shared is absent')
    return []
  }
  const cifar = path.join(folder, 'cifar10')
  execFileSync(unpack, [cifar], { stdio: 'ignore' })
  return [
    {
      name: 'SqueezeNet, 200 JPEG photographs',
      model: squeezenet,
      data: { kind: 'images', path: pictures },
      samples: 200,
      preset: 'imagenet',
    },
    {
      name: 'ResNet-20, 2,000 CIFAR-10 pictures',
      model: resnet,
      data: { kind: 'cifar10', path: cifar },
      samples: 2000,
      preset: 'imagenet',
    },
    {
      // enough for every worker's code to be compiled: with 10,000 digits that is half of what is measured
      name: 'MNIST CNN, 60,000 digits',
      model: cntk,
      data: { kind: 'mnist', path: mnist },
      split: 'train',
      samples: 60_000,
      preset: 'raw',
    },
  ]
}

async function overhead(found: Case, { pool }: Services, log: (line: string) => void): Promise<Figure> {
  const model = await pool.run<{ path: string }, ModelDescription>('describeModel', { path: found.model })
  const { evaluation } = await pool.run<DescribeDataInput, DataDescription>('describeData', {
    spec: found.data,
    split: found.split ?? 'test',
    calibrate: false,
    sameSplit: false,
  })
  const { preprocess } = resolvePreprocess(found.preset, model.inputs, evaluation)
  const request = {
    model: found.model,
    data: found.data,
    split: found.split ?? 'test',
    range: { start: 0, end: found.samples },
    seed: 0,
    preprocess,
  }
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
