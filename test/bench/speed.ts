import path from 'node:path'
import { benchModel } from '../../src/main/jobs/bench.ts'
import { writeModelFile } from '../../src/main/jobs/model-file.ts'
import { runQuantization, type QuantizeAnswer } from '../../src/main/jobs/quantize-run.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { planFromOptions } from '../../src/main/quant/plan.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { mobileNetV2, resNet18 } from '../builders/networks.ts'
import { withServices } from './bench-services.ts'
import type { Figure, Section } from './section.ts'

interface Network {
  readonly name: string
  readonly build: () => Model
  /** speed over float that is asked for, on a CPU with AVX-512 VNNI */
  readonly wanted: { readonly batch16: number; readonly single: number }
  readonly wantedSize: number
}

const NETWORKS: readonly Network[] = [
  { name: 'ResNet-18', build: () => resNet18(), wanted: { batch16: 2.8, single: 2.8 }, wantedSize: 25.3 },
  { name: 'MobileNetV2', build: () => mobileNetV2(), wanted: { batch16: 2, single: 1.4 }, wantedSize: 26.5 },
]

/** Pictures for the ranges; the weights are random, so that only their number matters for time. */
const CALIBRATION_SAMPLES = 16

/** Speed and size of int8 files against their float models. */
export const speedSection: Section = {
  name: 'speed',
  about:
    'Networks built in code with random weights at 224×224, quantized with the defaults; int8 and float timed in turn in one process ' +
    '(ratio of medians, 95 % interval by bootstrap). Sizes of the files as stored.',
  run: (log) =>
    withServices(async (services, folder) => {
      const figures: Figure[] = []
      for (const network of NETWORKS) {
        log(`${network.name}: quantize`)
        const float = path.join(folder, `${network.name}.onnx`)
        await writeModelFile(network.build(), float)
        const quantized = await quantize(float, services)
        figures.push(...sizeFigures(network, quantized))
        figures.push(await ratio(network, float, quantized.output, 16, undefined, services, log))
        figures.push(await ratio(network, float, quantized.output, 1, 1, services, log))
      }
      return figures
    }),
}

async function quantize(model: string, services: Services): Promise<QuantizeAnswer> {
  const samples = {
    data: { kind: 'synthetic-digits' },
    seed: 0,
    calibrationSamples: CALIBRATION_SAMPLES,
    preprocess: 'imagenet',
  } as const
  const request = {
    model,
    output: `${model}.int8.onnx`,
    force: true,
    plan: planFromOptions({}),
    keepFloat: [],
    samples,
  }
  return (await runQuantization(request, services)).value
}

function sizeFigures({ name, wantedSize }: Network, { bytes, referenceBytes, layers }: QuantizeAnswer): Figure[] {
  const weighted = layers.filter(({ op }) => op === 'Conv' || op === 'Gemm')
  const integer = weighted.filter(({ execution }) => execution === 'int8')
  return [
    {
      name: `${name}: int8 file of the float file`,
      value: (100 * bytes) / referenceBytes,
      unit: '%',
      wanted: `≤ ${wantedSize}`,
      how: `${bytes} of ${referenceBytes} bytes`,
    },
    {
      name: `${name}: Conv and Gemm that run in integers`,
      value: integer.length,
      unit: 'layers',
      wanted: `= ${weighted.length}`,
      how: 'optimised graph and profile of ONNX Runtime',
    },
  ]
}

async function ratio(
  { name, wanted }: Network,
  float: string,
  int8: string,
  batch: number,
  threads: number | undefined,
  { pool }: Services,
  log: (line: string) => void,
): Promise<Figure> {
  const result = await benchModel(
    { model: int8, reference: float, batch, threads, limits: { minMs: 6000, maxMs: 40_000 } },
    pool,
  )
  const { speedup, interval, medianMs, referenceMedianMs, rounds } = result
  const times = `float ${referenceMedianMs!.toFixed(2)} ms, int8 ${medianMs.toFixed(2)} ms`
  log(`${name} batch ${batch}, ${result.threads} threads: ${times}`)
  for (const warning of result.warnings) log(warning)
  return {
    name: `${name}: int8 over float, batch ${batch}, ${result.threads} ${result.threads === 1 ? 'thread' : 'threads'}`,
    value: speedup!,
    unit: '×',
    wanted: `≥ ${batch === 16 ? wanted.batch16 : wanted.single}`,
    how: `${times}; ${interval!.low.toFixed(2)} … ${interval!.high.toFixed(2)}, ${rounds} rounds`,
  }
}
