import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { rangeSource } from '../../src/main/calibration/range-source.ts'
import { resolvePreprocess } from '../../src/main/data/preprocess.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { calibrateModel, type Calibration, type CalibrationRequest } from '../../src/main/jobs/calibrate.ts'
import { evaluateModel } from '../../src/main/jobs/evaluate.ts'
import { inspectModel } from '../../src/main/jobs/inspect.ts'
import { createPool, type WorkerPool } from '../../src/main/jobs/pool.ts'
import type { DataDescription, DescribeDataInput } from '../../src/main/jobs/tasks/describe-data.ts'
import type { DataSpec } from '../../src/shared/contract/data.ts'
import { sharedPath } from '../builders/shared.ts'
import { median, type Figure, type Section } from './section.ts'

interface Case {
  readonly name: string
  readonly model: string
  readonly data: DataSpec
  readonly preset: string
}

const ROUNDS = 3
const FEW = 100
const MANY = 1000
const METHODS = ['percentile', 'entropy', 'mse'] as const

/** What a calibration costs beside the bare inference, and whether its memory stays where it is. */
export const calibrationSection: Section = {
  name: 'calibration',
  about:
    `One collection and from it percentile, entropy and MSE ranges of all tensors, over ${MANY} images (photographs repeated), one worker with one ` +
    'thread. Time: the loop over the images (reading and preprocessing included) and the deriving, over the time inside session.run of the ' +
    'float model at batch 1 on the same images. Memory: peak RSS of a fresh worker process (VmHWM).',
  run: async (log) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bench-'))
    try {
      const figures: Figure[] = []
      for (const found of cases(folder, log)) figures.push(...(await measure(found, folder, log)))
      return figures
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  },
}

function cases(folder: string, log: (line: string) => void): Case[] {
  const [squeezenet, faces, mnist, vit] = [
    'squeezenet1_1',
    'ultraface_slim-320',
    'mnist-cntk',
    'cifar10_vit_pgd_2_3_16',
  ].map((name) => sharedPath(`models/${name}.onnx`))
  const [pictures, digits] = ['data/imagenet-sample-200', 'data/mnist'].map(sharedPath)
  if (!squeezenet || !faces || !mnist || !vit || !pictures || !digits) {
    log('skipped: ../shared is absent')
    return []
  }
  const photographs = { kind: 'images', path: repeated(pictures, folder) } as const
  return [
    { name: 'SqueezeNet', model: squeezenet, data: photographs, preset: 'imagenet' },
    { name: 'UltraFace', model: faces, data: photographs, preset: JSON.stringify(facePictures) },
    { name: 'MNIST CNN', model: mnist, data: { kind: 'mnist', path: digits }, preset: 'raw' },
    // as many values a sample as CIFAR-10 has, and nothing to unpack
    {
      name: 'Vision transformer',
      model: vit,
      data: { kind: 'synthetic-digits' },
      preset: JSON.stringify(smallPictures),
    },
  ]
}

const facePictures = {
  resize: [240, 320],
  resizeKernel: 'linear',
  crop: null,
  channels: 'rgb',
  scale: 1,
  mean: [127, 127, 127],
  std: [128, 128, 128],
  layout: 'NCHW',
}

const smallPictures = {
  resize: [32, 32],
  resizeKernel: 'linear',
  crop: null,
  channels: 'rgb',
  scale: 1 / 255,
  mean: [0],
  std: [1],
  layout: 'NCHW',
}

/** A folder with the photographs five times over, as one class. */
function repeated(pictures: string, folder: string): string {
  const root = path.join(folder, 'pictures')
  fs.mkdirSync(path.join(root, 'all'), { recursive: true })
  const files = fs.readdirSync(path.join(pictures, 'images'))
  for (let i = 0; i < MANY; i++) {
    fs.copyFileSync(
      path.join(pictures, 'images', files[i % files.length]!),
      path.join(root, 'all', `${String(i).padStart(4, '0')}.jpg`),
    )
  }
  return root
}

async function measure(found: Case, folder: string, log: (line: string) => void): Promise<Figure[]> {
  const request = await requestFor(found, folder)
  const ratios: number[] = []
  const growths: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const few = await calibrated({ ...request, range: { start: 0, end: FEW } })
    const floatMs = await inferenceMs(request)
    const many = await calibrated(request)
    const deriveMs = derive(many.calibration)
    const { time } = many.calibration
    const collection = many.calibration.decode()
    ratios.push((time.loopMs + deriveMs) / floatMs)
    growths.push((100 * (many.peakKb - few.peakKb)) / few.peakKb)
    log(
      `${found.name}: float ${floatMs.toFixed(0)} ms, instrumented ${time.modelMs.toFixed(0)} ms, loop ${time.loopMs.toFixed(0)} ms, wall ` +
        `${time.wallMs.toFixed(0)} ms, deriving ${deriveMs.toFixed(0)} ms; ${collection.tensors.size} tensors, at most ` +
        `${collection.elementsPerSample} elements a sample; peak ${(few.peakKb / 1024).toFixed(0)} → ${(many.peakKb / 1024).toFixed(0)} MiB`,
    )
  }
  const how = `${ROUNDS} rounds, ${MANY} images, 1 thread`
  return [
    {
      name: `${found.name}: calibration over bare float inference`,
      value: median(ratios),
      unit: '×',
      wanted: '≤ 5',
      how,
    },
    {
      name: `${found.name}: peak RSS growth from ${FEW} to ${MANY} images`,
      value: median(growths),
      unit: '%',
      wanted: '≤ 5',
      how,
    },
  ]
}

async function requestFor(found: Case, folder: string): Promise<CalibrationRequest> {
  return withPool(async (pool) => {
    const model = path.join(folder, `${path.basename(found.model)}.prepared.onnx`)
    const { summary } = await inspectModel(pool, { path: found.model, preparedPath: model })
    const ask: DescribeDataInput = { spec: found.data, split: 'test', calibrate: false, sameSplit: false }
    const { evaluation } = await pool.run<DescribeDataInput, DataDescription>('describeData', ask)
    const { preprocess } = resolvePreprocess(found.preset, summary.inputs, evaluation)
    return { model, data: found.data, split: evaluation.split, range: { start: 0, end: MANY }, seed: 0, preprocess }
  })
}

/** Runs `use` on one fresh worker process; `pid` tells which. */
async function withPool<T>(use: (pool: WorkerPool, pid: () => number) => Promise<T>): Promise<T> {
  const host = createNodeWorkerHost()
  let pid = 0
  const start = async (): ReturnType<typeof host.start> => {
    const worker = await host.start()
    pid = worker.pid
    return worker
  }
  const pool = createPool({ ...host, start }, { size: 1 })
  try {
    return await use(pool, () => pid)
  } finally {
    await pool.close()
  }
}

function calibrated(request: CalibrationRequest): Promise<{ calibration: Calibration; peakKb: number }> {
  return withPool(async (pool, pid) => ({ calibration: await calibrateModel(request, pool), peakKb: peakKbOf(pid()) }))
}

/** Largest resident set so far. Source: proc(5), /proc/pid/status, VmHWM. */
function peakKbOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}

function inferenceMs(request: CalibrationRequest): Promise<number> {
  return withPool(async (pool) => (await evaluateModel(request, pool)).time.modelMs)
}

function derive({ decode }: Calibration): number {
  const start = performance.now()
  const collection = decode()
  const source = rangeSource(collection)
  for (const tensor of collection.tensors.keys()) {
    for (const method of METHODS) source.rangeOf(tensor, { bits: 8, symmetric: false, calibrator: { method } })
  }
  return performance.now() - start
}
