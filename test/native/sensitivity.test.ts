import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEnvironment } from '../../src/main/engines/environment.ts'
import type { Feeds } from '../../src/main/engines/port.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { measurePlan } from '../../src/main/jobs/measure-plan.ts'
import { createPause } from '../../src/main/jobs/pause.ts'
import { createPool } from '../../src/main/jobs/pool.ts'
import { measureSensitivity, type SensitivityResult } from '../../src/main/jobs/sensitivity-run.ts'
import { runQuickScan } from '../../src/main/jobs/sensitivity/quick.ts'
import { gridVariants } from '../../src/main/jobs/sensitivity/variants.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { applyPlan, openStudy, readyPlan, type Study } from '../../src/main/jobs/study.ts'
import { createSensitivityCutTask, optimizedBasePath } from '../../src/main/jobs/tasks/sensitivity-cut.ts'
import type { WorkerHost } from '../../src/main/jobs/worker-host.ts'
import { exposeTensors } from '../../src/main/search/cuts.ts'
import { gridLayers, parseConfigurations } from '../../src/main/search/grid.ts'
import { openStore } from '../../src/main/store/store.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'
import { bytesOf, npyBytes, zipBytes } from '../builders/data-files.ts'
import { ModelBuilder, normals, seeded } from '../builders/model-builder.ts'
import { engine } from '../builders/prepared.ts'
import { randomTensor } from '../builders/quantizing.ts'
import { sharedPath } from '../builders/shared.ts'

let folder = ''
let study: Study
const pids: number[] = []
const host = createNodeWorkerHost()
/** Notes the processes it starts, so that a test can kill one. */
const notingHost: WorkerHost = {
  start: async () => {
    const worker = await host.start()
    pids.push(worker.pid)
    return worker
  },
  closeAll: () => host.closeAll(),
}
const pool = createPool(notingHost, { size: 3 })
const EIGHT = parseConfigurations('8')

/** Services over a store of this name; a test that wants nothing found takes a new one. */
function services(home: string, changes: Partial<Services> = {}): Services {
  const store = openStore(path.join(folder, home))
  stores.push(store)
  return {
    store,
    pool,
    environment: readEnvironment(),
    now: () => new Date().toISOString(),
    signal: new AbortController().signal,
    onProgress: () => {},
    onLog: () => {},
    ...changes,
  }
}
const stores: { close(): void }[] = []

function sweep(
  changes: Partial<Parameters<typeof measureSensitivity>[2]> = {},
  given: Services = services(`home-${stores.length}`),
): Promise<SensitivityResult> {
  return measureSensitivity(folder, study, { configurations: EIGHT, exact: true, ...changes }, given)
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-sensitivity-test-'))
  const samples = { data: { kind: 'synthetic-digits' as const }, samples: 48, calibrationSamples: 32, seed: 1 }
  study = await openStudy(folder, { model: SAMPLE, samples, needsRanges: true }, services('study'))
})
afterAll(async () => {
  await pool.close()
  for (const store of stores) store.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

/** Largest difference between suffix and whole variant over all layers, and layers compared. */
async function worstSuffix(of: Study, base: 'float' | 'quantized', feeds: readonly Feeds[]): Promise<[number, number]> {
  const given = services('suffixes')
  const own = fs.mkdtempSync(path.join(folder, 'cut-'))
  const cut = createSensitivityCutTask({ engine })
  const [group] = gridVariants(
    { layers: gridLayers(of.summary.layers), configurations: EIGHT, base },
    of.summary.layers,
  )
  const basePath = group!.basePlan ? path.join(own, 'base.onnx') : of.preparedPath
  if (group!.basePlan) await applyPlan(of, group!.basePlan, basePath, given)
  const context = { signal: given.signal, onProgress: given.onProgress, onLog: given.onLog }
  let worst = 0
  let prefix: Feeds[] | null = null
  for (const variant of group!.variants) {
    const exported = path.join(own, 'variant.onnx')
    await applyPlan(of, variant.plan, exported, given)
    const expected = await runAll(exported, feeds)
    const output = path.join(own, 'suffix.onnx')
    const { input: ready } = await readyPlan(of, variant.plan, given)
    const input = { base: basePath, optimizedBase: optimizedBasePath(own), variant: ready, output, threads: 1 }
    const { frontier } = await cut(input, context)
    prefix ??= await runPrefix(optimizedBasePath(own), feeds)
    const inputs = prefix.map((values) => Object.fromEntries(frontier.map((one) => [one.input, values[one.tensor]!])))
    const found = await runAll(output, inputs, 'disabled')
    worst = Math.max(worst, ...found.map((outputs, i) => difference(outputs, expected[i]!)))
  }
  return [worst, group!.variants.length]
}

async function runAll(
  model: string | Uint8Array,
  feeds: readonly Feeds[],
  optimization: 'all' | 'disabled' = 'all',
): Promise<Feeds[]> {
  const session = await engine.createSession(model, { threads: 1, optimization })
  const outputs: Feeds[] = []
  for (const feed of feeds) outputs.push(await session.run(feed))
  await session.release()
  return outputs
}

/** Every tensor of the optimised base, and what it is fed. */
async function runPrefix(file: string, feeds: readonly Feeds[]): Promise<Feeds[]> {
  const model = decodeModel(fs.readFileSync(file))
  const names = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '')
  const values = await runAll(modelBytes(exposeTensors(model, names)), feeds, 'disabled')
  return values.map((outputs, i) => ({ ...outputs, ...feeds[i]! }))
}

function difference(a: Feeds, b: Feeds): number {
  let worst = 0
  for (const [name, { data }] of Object.entries(b)) {
    const own = a[name]!.data as Float32Array
    for (let i = 0; i < own.length; i++) worst = Math.max(worst, Math.abs(own[i]! - (data as Float32Array)[i]!))
  }
  return worst
}

describe('a suffix gives what the whole variant gives', () => {
  const digits = [1, 2, 3].map((seed) => ({ image: randomTensor([1, 1, 28, 28], seed, 0.5) }))

  it.each(['float', 'quantized'] as const)('for every layer of the built-in sample, base %s', async (base) => {
    const [worst, layers] = await worstSuffix(study, base, digits)
    expect(layers).toBeGreaterThan(8)
    expect(worst).toBeLessThanOrEqual(1e-5)
  })

  const resnet = sharedPath('models/cifar10_resnet20_akamaster.onnx')
  it.skipIf(resnet === null)('for every layer of ResNet-20, skip connections and all', async () => {
    const own = fs.mkdtempSync(path.join(folder, 'resnet-'))
    const data = path.join(own, 'data.npz')
    fs.writeFileSync(
      data,
      zipBytes([
        { name: 'input.npy', bytes: npyBytes('<f4', [24, 3, 32, 32], bytesOf(normals(seeded(1), 24 * 3072, 1))) },
      ]),
    )
    const samples = { data: { kind: 'npz' as const, path: data }, seed: 0 }
    const of = await openStudy(own, { model: resnet!, samples, needsRanges: true }, services('resnet'))
    const feeds = [4, 5].map((seed) => ({ input: randomTensor([1, 3, 32, 32], seed) }))
    const [worst, layers] = await worstSuffix(of, 'float', feeds)
    expect(layers).toBe(30)
    expect(worst).toBeLessThanOrEqual(1e-5)
  })
})

describe('a sweep', () => {
  it('measures what the whole model measures, layer by layer', async () => {
    const result = await sweep({ layers: ['stem/conv', 'block1/b/add', 'head/gemm'], metric: 'loss' })
    for (const score of result.scores) {
      const [group] = gridVariants(
        { layers: study.summary.layers.filter(({ id }) => id === score.layerId), configurations: EIGHT, base: 'float' },
        study.summary.layers,
      )
      const whole = await measurePlan(folder, study, { plan: group!.variants[0]!.plan }, services('whole'))
      expect(score.value).toBeCloseTo(whole.evaluation.result.lossIncrease!.value, 9)
      expect(score.samples).toBe(48)
    }
  })

  it('is the same to the last bit on 1 and 3 workers, and found again without a run', async () => {
    const given = services('three')
    const three = await sweep({ metric: 'kl', exact: false }, given)
    const alone = createPool(host, { size: 1 })
    const one = await sweep({ metric: 'kl', exact: false }, services('one', { pool: alone }))
    await alone.close()
    expect(one.scores).toEqual(three.scores)
    const again = await sweep({ metric: 'kl', exact: false }, given)
    expect(again).toMatchObject({ evaluations: 0, found: three.evaluations, scores: three.scores })
    // another metric asks for nothing that was not measured
    expect(await sweep({ metric: 'loss', exact: false }, given)).toMatchObject({
      metric: 'loss',
      found: expect.any(Number),
    })
  })

  it('looks at open decisions first, and its intervals hold what all samples give', async () => {
    const samples = { data: { kind: 'synthetic-digits' as const }, samples: 200, calibrationSamples: 32, seed: 1 }
    const own = fs.mkdtempSync(path.join(folder, 'many-'))
    const of = await openStudy(own, { model: SAMPLE, samples, needsRanges: true }, services('many-study'))
    const request = { configurations: parseConfigurations('8,4') }
    for (const metric of ['kl', 'top1', 'loss'] as const) {
      const all = await measureSensitivity(own, of, { ...request, metric, exact: true }, services('many'))
      const some = await measureSensitivity(own, of, { ...request, metric }, services('many-screened'))
      const held = some.scores.filter(({ interval }, i) => {
        const { value } = all.scores[i]!
        return interval.low <= value && value <= interval.high
      })
      expect(held.length / all.scores.length).toBeGreaterThan(0.85)
      // an eighth of them at most where the float decisions tell which matter; a loss needs all it can get
      const most = Math.max(...some.scores.map((score) => score.samples))
      if (metric === 'loss') expect(most).toBeGreaterThan(25)
      else expect(most).toBeLessThanOrEqual(25)
    }
  })

  it('with a layer in float among quantized ones says what is left, and what all layers do together', async () => {
    const result = await sweep({ base: 'quantized', metric: 'kl' })
    expect(result.whole).toHaveLength(1)
    const plan = gridVariants(
      { layers: gridLayers(study.summary.layers), configurations: EIGHT, base: 'quantized' },
      study.summary.layers,
    )[0]!.basePlan!
    const whole = await measurePlan(folder, study, { plan }, services('all'))
    expect(result.whole[0]!.value).toBeCloseTo(whole.evaluation.result.kl!, 9)
    expect(result.scores.filter(({ rank }) => rank === 1)).toHaveLength(1)
  })

  it('goes on where it was interrupted', async () => {
    const expected = await sweep({ metric: 'kl' })
    const given = services('interrupted')
    const abort = new AbortController()
    const onProgress: Services['onProgress'] = ({ stage, done }) => {
      if (stage === 'sensitivity' && done >= 7) abort.abort(new Error('enough'))
    }
    await expect(sweep({ metric: 'kl' }, { ...given, signal: abort.signal, onProgress })).rejects.toThrow('enough')
    const rest = await sweep({ metric: 'kl' }, given)
    expect(rest.found).toBeGreaterThanOrEqual(7)
    expect(rest.found + rest.evaluations).toBe(expected.evaluations)
    expect(rest.scores).toEqual(expected.scores)
  })

  it('ends with the reason when it is cancelled, whatever is under way, and leaves no folder', async () => {
    for (const stage of ['cut', 'sensitivity']) {
      const abort = new AbortController()
      const reason = new Error('enough')
      const onProgress: Services['onProgress'] = (progress) => {
        if (progress.stage === stage) abort.abort(reason)
      }
      const given = services(`cancelled-${stage}`, { signal: abort.signal, onProgress })
      await expect(sweep({ metric: 'kl' }, given)).rejects.toBe(reason)
      // every worker has ended what it did there: a folder that is removed stays so
      expect(fs.readdirSync(folder).filter((name) => name.startsWith('sweep-'))).toEqual([])
    }
  })

  it('does again only what a killed worker had in hand', async () => {
    const expected = await sweep({ metric: 'kl' })
    let kills = 0
    const warnings: string[] = []
    const onProgress: Services['onProgress'] = ({ stage, done }) => {
      if (stage !== 'sensitivity' || done % 9 !== 4 || kills >= 4) return
      kills++
      for (const pid of pids.splice(0, pids.length)) kill(pid)
    }
    const onLog: Services['onLog'] = (_, message) => void warnings.push(message)
    const result = await sweep({ metric: 'kl' }, services('killed', { onProgress, onLog }))
    expect(kills).toBeGreaterThan(1)
    expect(result.scores).toEqual(expected.scores)
    expect(result.evaluations).toBe(expected.evaluations)
  })

  it('waits while it is paused', async () => {
    const pause = createPause()
    let done = 0
    const onProgress: Services['onProgress'] = (progress) => {
      if (progress.stage !== 'sensitivity') return
      done = progress.done
      if (done === 3) pause.pause()
    }
    const running = sweep({ metric: 'kl', pause }, services('paused', { onProgress }))
    while (!pause.isPaused) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 300))
    // those under way end, no further one begins
    expect(done).toBeLessThanOrEqual(3 + pool.size)
    pause.resume()
    expect((await running).evaluations).toBeGreaterThan(10)
  })

  it('spills what does not fit the memory budget, and comes to the same', async () => {
    const expected = await sweep({ metric: 'kl' })
    const tight = await sweep({ metric: 'kl', memoryBytes: 0 })
    expect(tight.scores).toEqual(expected.scores)
  })
})

describe('a model that does not classify', () => {
  let of: Study
  beforeAll(async () => {
    const own = fs.mkdtempSync(path.join(folder, 'pictures-'))
    const b = new ModelBuilder()
    const x = b.node('Relu', [b.node('Conv', [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3])], {})])
    b.node('Conv', [x, b.weights([3, 4, 1, 1])], {}, { outputs: ['y'] })
    b.output('y', null)
    const [model, data] = [path.join(own, 'model.onnx'), path.join(own, 'data.npz')]
    fs.writeFileSync(model, modelBytes(b.build()))
    const pixels = bytesOf(normals(seeded(2), 24 * 192, 1))
    fs.writeFileSync(data, zipBytes([{ name: 'x.npy', bytes: npyBytes('<f4', [24, 3, 8, 8], pixels) }]))
    const samples = { data: { kind: 'npz' as const, path: data }, seed: 0 }
    of = await openStudy(own, { model, samples, needsRanges: true }, services('pictures-study'))
  })

  it.each([true, false])('is measured by the noise of its outputs (every sample: %s)', async (exact) => {
    const given = services(`pictures-${exact}`)
    const result = await measureSensitivity(folder, of, { configurations: EIGHT, exact }, given)
    expect(result.metric).toBe('nsr')
    for (const { value, samples } of result.scores) {
      expect(value).toBeGreaterThan(0)
      expect(samples).toBeGreaterThan(11)
    }
  })

  it.each(['kl', 'loss', 'top1'] as const)('says before anything is measured that it has no %s', async (metric) => {
    const given = services(`pictures-${metric}`)
    const asked = measureSensitivity(folder, of, { configurations: EIGHT, metric, exact: true }, given)
    await expect(asked).rejects.toMatchObject({ code: 'usage.metric' })
    expect(given.store.measurements.count('sensitivity', null)).toBe(0)
  })
})

describe('a quick scan', () => {
  it('ranks every layer by its local error in one pass a configuration', async () => {
    const given = services('quick')
    const scan = await runQuickScan(folder, study, parseConfigurations('8,4'), given)
    expect(scan).toMatchObject({ passes: 2, samples: 48 })
    const eight = scan.layers.filter(({ config }) => config === '8')
    const four = scan.layers.filter(({ config }) => config === '4')
    expect(eight.map(({ id }) => id).sort()).toEqual(
      gridLayers(study.summary.layers)
        .map(({ id }) => id)
        .sort(),
    )
    for (const layer of eight) {
      expect(layer.sqnrDb).toBeGreaterThan(15)
      expect(layer.roundingNsr ?? 0).toBeLessThan(0.01)
      const { role } = study.summary.layers.find(({ id }) => id === layer.id)!
      if (role === 'weighted') expect(layer.weightSqnrDb).toBeGreaterThan(30)
      else expect(layer.weightSqnrDb).toBeNull()
    }
    for (const layer of four.filter(({ weightSqnrDb }) => weightSqnrDb !== null)) {
      // four bits less: 24 dB
      const same = eight.find(({ id }) => id === layer.id)!
      expect(same.weightSqnrDb! - layer.weightSqnrDb!).toBeGreaterThan(18)
      expect(same.weightSqnrDb! - layer.weightSqnrDb!).toBeLessThan(30)
    }
    const again = await runQuickScan(folder, study, parseConfigurations('8,4'), given)
    expect(again.layers).toEqual(scan.layers)
  })
})

describe('the command', () => {
  const DATA = ['--data', 'synthetic-digits', '--calibration-samples', '32', '--samples', '32']

  async function json(...args: string[]): Promise<Record<string, unknown>> {
    const home = path.join(folder, 'cli-home')
    const { exitCode, stdout, stderr } = await runCli(['sensitivity', SAMPLE, ...args, '--json', '--home', home])
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
    return JSON.parse(stdout) as Record<string, unknown>
  }

  it('gives the fields scripts rely on, and goes on with a run', async () => {
    const first = await json(...DATA, '--configs', '8,int4')
    expect(first).toMatchObject({
      run: expect.any(String),
      evaluations: expect.any(Number),
      wallMs: expect.any(Number),
    })
    const layers = first['layers'] as Record<string, unknown>[]
    expect(layers[0]).toEqual({
      id: expect.any(String),
      rank: 1,
      config: '8',
      metric: 'kl',
      value: expect.any(Number),
      interval: [expect.any(Number), expect.any(Number)],
      samples: expect.any(Number),
    })
    const again = await json('--resume', String(first['run']))
    expect(again).toMatchObject({ evaluations: 0, layers })
  })

  it('says what cannot be', async () => {
    const home = path.join(folder, 'cli-home')
    const none = await runCli(['sensitivity', SAMPLE, '--home', home])
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--data') })
    const odd = await runCli(['sensitivity', SAMPLE, ...DATA, '--configs', '8,9bit', '--home', home])
    expect(odd).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('9bit') })
  })

  it('goes on with a run only as it was asked for, and on its model', async () => {
    const home = path.join(folder, 'cli-home')
    const { run } = await json(...DATA, '--quick')
    const more = await runCli(['sensitivity', SAMPLE, '--resume', String(run), '--samples', '64', '--home', home])
    expect(more).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--samples cannot be given') })
    const other = path.join(folder, 'other.onnx')
    fs.writeFileSync(other, modelBytes({ ...decodeModel(fs.readFileSync(SAMPLE)), docString: 'another' }))
    const wrong = await runCli(['sensitivity', other, '--resume', String(run), '--home', home])
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('was on another model') })
  })
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // one that has ended before
  }
}
