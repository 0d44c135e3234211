import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { modelBytes, decodeModel } from '../../src/main/formats/onnx/index.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { Feeds } from '../../src/main/engines/port.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { evaluateModel } from '../../src/main/jobs/evaluate.ts'
import type { SampleOptions } from '../../src/main/jobs/samples.ts'
import { measureSensitivity, type SensitivityResult } from '../../src/main/jobs/sensitivity-run.ts'
import { gridVariants, type Variant } from '../../src/main/jobs/sensitivity/variants.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { applyPlan, openStudy, readyPlan, type Study } from '../../src/main/jobs/study.ts'
import {
  createSensitivityCutTask,
  optimizedBasePath,
  type CutOutput,
} from '../../src/main/jobs/tasks/sensitivity-cut.ts'
import { exposeTensors } from '../../src/main/search/cuts.ts'
import { gridLayers, parseConfigurations } from '../../src/main/search/grid.ts'
import { bytesOf, npyBytes, zipBytes } from '../builders/data-files.ts'
import { normals, seeded } from '../builders/model-builder.ts'
import { mobileNetV2, resNet18 } from '../builders/networks.ts'
import { sharedPath } from '../builders/shared.ts'
import { withServices } from './bench-services.ts'
import { macsOfEvents } from './macs.ts'
import type { Figure, Section } from './section.ts'

/** Pictures of 224 × 224 for the networks without training; fewer for a quick look. */
const IMAGES = Number(process.env['QUANTBENCH_BENCH_IMAGES'] ?? 256)
/** Pictures to calibrate on beside those: a batch for each worker, as in any longer calibration. */
const CALIBRATION = 64
/** All test images of CIFAR-10; fewer for a quick look. */
const CIFAR_IMAGES = Number(process.env['QUANTBENCH_BENCH_CIFAR'] ?? 10_000)
const WINDOWS = 8

const engine = createOrtEngine()
const EIGHT = parseConfigurations('8')

/** What the ranking of layers costs, against measuring every layer's whole model on every sample. */
export const sensitivitySection: Section = {
  name: 'sensitivity',
  about:
    'Ranking layers by the damage of quantizing one alone to int8. Multiply-accumulates are those of the kernels that ONNX Runtime itself ' +
    "reports as run (a profile of each suffix and of the prefix, times the runs made), over layers × samples × the float model's. Brute force " +
    'evaluates the whole model of each layer on all samples; plain subsampling does so on as many samples as the same cost allows, ' +
    `${WINDOWS} draws. The untrained networks have random weights and inputs: for cost only.`,
  run: (log) =>
    withServices(async (services, folder) => [
      ...(await untrained('ResNet-18', resNet18(), services, folder, log)),
      ...(await untrained('MobileNetV2', mobileNetV2(), services, folder, log)),
      ...(await trained(services, folder, log)),
    ]),
}

type Log = (line: string) => void

async function untrained(name: string, model: Model, services: Services, folder: string, log: Log): Promise<Figure[]> {
  const own = fs.mkdtempSync(path.join(folder, 'untrained-'))
  const file = path.join(own, 'model.onnx')
  fs.writeFileSync(file, modelBytes(model))
  const data = path.join(own, 'data.npz')
  const count = IMAGES + CALIBRATION
  const pixels = normals(seeded(7), count * 3 * 224 * 224, 1)
  fs.writeFileSync(
    data,
    zipBytes([{ name: 'input.npy', bytes: npyBytes('<f4', [count, 3, 224, 224], bytesOf(pixels)) }]),
  )
  const samples: SampleOptions = { data: { kind: 'npz', path: data }, seed: 0, calibrationSamples: CALIBRATION }
  const study = await openStudy(own, { model: file, samples, needsRanges: true }, services)
  const macs = await macsOfStudy(study, own, services)
  const exact = await measureSensitivity(own, study, { configurations: EIGHT, exact: true }, services)
  const brute = await bruteForce(study, macs.variants, own, services)
  log(`${name}: ${describe(exact)}; brute force ${(brute / 1000).toFixed(1)} s`)
  const how = `${macs.variants.length} layers, ${IMAGES} pictures, KL, ${services.pool.size} workers`
  return [
    ratioFigure(`${name}: MACs of the exact ranking over brute force`, costOf(exact, macs), '≤ 0.55', how),
    { name: `${name}: exact ranking`, value: exact.wallMs / 1000, unit: 's', wanted: '', how },
    {
      name: `${name}: brute force`,
      value: brute / 1000,
      unit: 's',
      wanted: '',
      how: 'all layers, without the float model',
    },
    orchestration(name, exact, services),
  ]
}

async function trained(services: Services, folder: string, log: Log): Promise<Figure[]> {
  const [resnet, squeezenet, unpack, pictures] = [
    'models/cifar10_resnet20_akamaster.onnx',
    'models/squeezenet1_1.onnx',
    'data/unpack',
    'data/imagenet-sample-200',
  ].map(sharedPath)
  if (!resnet || !squeezenet || !unpack || !pictures) {
    log('skipped: ../shared is absent')
    return []
  }
  const cifar = path.join(folder, 'cifar10')
  execFileSync(unpack, [cifar], { stdio: 'ignore' })
  const cifarSamples: SampleOptions = {
    data: { kind: 'cifar10', path: cifar },
    seed: 0,
    samples: CIFAR_IMAGES,
    preprocess: 'imagenet',
  }
  const pictureSamples: SampleOptions = { data: { kind: 'images', path: pictures }, seed: 0, calibrationSamples: 32 }
  return [
    ...(await ranked('ResNet-20', resnet, cifarSamples, services, folder, log)),
    ...(await ranked('SqueezeNet', squeezenet, pictureSamples, services, folder, log)),
  ]
}

/** The screened ranking of a trained model, in KL, against brute force and plain subsampling. */
async function ranked(
  name: string,
  model: string,
  samples: SampleOptions,
  services: Services,
  folder: string,
  log: Log,
): Promise<Figure[]> {
  const own = fs.mkdtempSync(path.join(folder, 'trained-'))
  const study = await openStudy(own, { model, samples, needsRanges: true }, services)
  const macs = await macsOfStudy(study, own, services)
  const options = { configurations: EIGHT, metric: 'kl' as const }
  const screened = await measureSensitivity(own, study, options, services)
  const exact = await measureSensitivity(own, study, { ...options, exact: true }, services)
  const brute = await bruteForce(study, macs.variants, own, services)
  // one pass of the float model over all samples chose those that the screened ranking took
  const cost = costOf(screened, macs) + 1 / macs.variants.length
  const { evaluation } = study.chosen!.ranges
  const total = evaluation.end - evaluation.start
  const window = Math.max(2, Math.round(cost * total))
  const draws: number[] = []
  for (let i = 0; i < WINDOWS; i++) {
    // consecutive positions of a shuffled order are a random sample
    const start = evaluation.start + Math.floor((i * (total - window)) / (WINDOWS - 1))
    const range = { start, end: start + window }
    const drawn = await measureSensitivity(own, study, { ...options, exact: true, range }, services)
    draws.push(spearman(drawn, exact))
  }
  const plain = draws.reduce((sum, value) => sum + value, 0) / draws.length
  const subsampling = await bruteForce(study, macs.variants, own, services, window)
  log(`${name}: screened ${describe(screened)}; exact ${describe(exact)}; brute force ${(brute / 1000).toFixed(1)} s`)
  const how = `${macs.variants.length} layers, ${total} samples, KL, ${services.pool.size} workers`
  return [
    ratioFigure(`${name}: MACs of the screened ranking over brute force`, cost, '≤ 0.10', how),
    ratioFigure(`${name}: MACs of the exact ranking over brute force`, costOf(exact, macs), '', how),
    ratioFigure(`${name}: Spearman of the screened ranking to brute force`, spearman(screened, exact), '≥ 0.95', how),
    ratioFigure(
      `${name}: Spearman of plain subsampling at that cost`,
      plain,
      '< the one above',
      `${WINDOWS} draws of ${window} samples`,
    ),
    { name: `${name}: screened ranking`, value: screened.wallMs / 1000, unit: 's', wanted: '', how },
    {
      name: `${name}: exact ranking`,
      value: exact.wallMs / 1000,
      unit: 's',
      wanted: '',
      how: `${exact.found} evaluations found`,
    },
    {
      name: `${name}: brute force`,
      value: brute / 1000,
      unit: 's',
      wanted: '',
      how: 'all layers, without the float model',
    },
    { name: `${name}: plain subsampling`, value: subsampling / 1000, unit: 's', wanted: '', how: `${window} samples` },
    orchestration(name, exact, services),
  ]
}

interface StudyMacs {
  readonly variants: readonly Variant[]
  /** of one run: the float model, and each layer's suffix */
  readonly float: number
  readonly suffixes: ReadonlyMap<string, number>
}

/** Multiply-accumulates of one run of each suffix and of the base, from profiles of the very files that the sweep runs. */
async function macsOfStudy(study: Study, folder: string, services: Services): Promise<StudyMacs> {
  const own = fs.mkdtempSync(path.join(folder, 'macs-'))
  const layers = gridLayers(study.summary.layers)
  const [group] = gridVariants({ layers, configurations: EIGHT, base: 'float' }, study.summary.layers)
  const cut = createSensitivityCutTask({ engine })
  const cuts = new Map<string, { file: string; frontier: CutOutput['frontier'] }>()
  for (const [i, variant] of group!.variants.entries()) {
    const ready = await readyPlan(study, variant.plan, services)
    const file = path.join(own, `${i}.onnx`)
    const input = {
      base: study.preparedPath,
      optimizedBase: optimizedBasePath(own),
      variant: ready.input,
      output: file,
      threads: 1,
    }
    const { frontier } = await cut(input, services)
    cuts.set(variant.layerId!, { file, frontier })
  }
  const feeds = feedsOf(study)
  const wanted = [...cuts.values()].flatMap(({ frontier }) => frontier.map(({ tensor }) => tensor))
  const prefix = path.join(own, 'prefix.onnx')
  fs.writeFileSync(prefix, modelBytes(exposeTensors(decodeModel(fs.readFileSync(optimizedBasePath(own))), wanted)))
  const base = await profiled(prefix, feeds)
  const values: Feeds = { ...base.outputs, ...feeds }
  const suffixes = new Map<string, number>()
  for (const [layerId, { file, frontier }] of cuts) {
    const inputs = Object.fromEntries(frontier.map(({ input, tensor }) => [input, values[tensor]!]))
    suffixes.set(layerId, (await profiled(file, inputs)).macs)
  }
  fs.rmSync(own, { recursive: true, force: true })
  return { variants: group!.variants, float: base.macs, suffixes }
}

function feedsOf({ summary, sampleShapes }: Study): Feeds {
  return Object.fromEntries(
    summary.inputs.map(({ name }) => {
      const dims = sampleShapes[name]!
      const count = dims.reduce((product, dim) => product * dim, 1)
      return [name, { dataType: 'float' as const, dims, data: normals(seeded(1), count, 1) }]
    }),
  )
}

/** Runs a model once with a profile taken. */
async function profiled(file: string, feeds: Feeds): Promise<{ macs: number; outputs: Feeds }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-macs-'))
  const session = await engine.createSession(file, {
    threads: 1,
    optimization: 'disabled',
    profilePrefix: path.join(folder, 'profile'),
  })
  try {
    const outputs = await session.run(feeds)
    const events: unknown = JSON.parse(fs.readFileSync(await session.endProfiling(), 'utf8'))
    // the runtime's own optimised operators, which `readModelFile` refuses; of the constants only the shapes matter
    const model = decodeModel(fs.readFileSync(file), { external: ({ length }) => new Uint8Array(length ?? 0) })
    return { macs: macsOfEvents(events, model), outputs }
  } finally {
    await session.release()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** What a sweep ran over layers × samples × float model: each layer's suffix on its samples, the prefix on those of any layer. */
function costOf({ scores, samples }: SensitivityResult, { float, suffixes }: StudyMacs): number {
  const prefix = Math.max(...scores.map((score) => score.samples)) * float
  const run = scores.reduce((sum, score) => sum + score.samples * suffixes.get(score.layerId)!, prefix)
  return run / (scores.length * samples * float)
}

/** Time of evaluating every layer's whole model, in ms; the files are written beforehand. */
async function bruteForce(
  study: Study,
  variants: readonly Variant[],
  folder: string,
  services: Services,
  samples = Infinity,
): Promise<number> {
  const chosen = study.chosen!
  const { start, end } = chosen.ranges.evaluation
  const file = path.join(folder, 'brute.onnx')
  let time = 0
  for (const { plan } of variants) {
    await applyPlan(study, plan, file, services)
    const range = { start, end: Math.min(end, start + samples) }
    const evaluation = await evaluateModel(
      {
        model: file,
        data: chosen.spec,
        split: chosen.evaluation.split,
        dataHash: chosen.evaluation.hash,
        range,
        seed: chosen.seed,
        preprocess: chosen.preprocess,
      },
      services.pool,
    )
    time += evaluation.time.wallMs
  }
  return time
}

/** Rank correlation of two sweeps of the same layers. */
function spearman(a: SensitivityResult, b: SensitivityResult): number {
  const ranks = new Map(b.scores.map(({ layerId, rank }) => [layerId, rank]))
  const count = a.scores.length
  const squares = a.scores.reduce((sum, { layerId, rank }) => sum + (rank - ranks.get(layerId)!) ** 2, 0)
  return 1 - (6 * squares) / (count * (count ** 2 - 1))
}

const ratioFigure = (name: string, value: number, wanted: string, how: string): Figure => ({
  name,
  value,
  unit: '',
  wanted,
  how,
})

/** The share of the workers' time that is neither in `session.run` nor in creating sessions. */
function orchestration(name: string, { wallMs, time }: SensitivityResult, { pool }: Services): Figure {
  const share = 100 * (1 - (time.sessionMs + time.runMs) / (wallMs * pool.size))
  return {
    name: `${name}: outside session.run and session creation`,
    value: share,
    unit: '%',
    wanted: '≤ 10',
    how: `of wall time × ${pool.size} workers, the waiting of idle workers included`,
  }
}

function describe({ evaluations, found, wallMs, time }: SensitivityResult): string {
  return `${evaluations} evaluations (${found} found) in ${(wallMs / 1000).toFixed(1)} s (run ${(time.runMs / 1000).toFixed(1)} s, sessions ${(time.sessionMs / 1000).toFixed(1)} s over all workers)`
}
