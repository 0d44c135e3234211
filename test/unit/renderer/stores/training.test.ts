import { describe, expect, it, vi } from 'vitest'
import { useEngineStore } from '../../../../src/renderer/stores/engine.ts'
import { useTrainingStore } from '../../../../src/renderer/stores/training.ts'
import type { JobEvent, JobInfo, JobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import type { EpochView, ResumableView, TrainingEngineView } from '../../../../src/shared/contract/api/training.ts'
import type { RunDetail } from '../../../../src/shared/contract/runs.ts'
import { os, TestFeed, testWindow } from '../host.ts'
import { job as jobOf, run as runOf } from './insight-window.ts'

const DIGITS = { kind: 'synthetic-digits' } as const
const OPTIONS = {
  epochs: 10,
  batch: 64,
  optimizer: 'sgd',
  learningRate: 0.05,
  schedule: 'cosine',
  warmup: 0,
  momentum: 0.9,
  weightDecay: 5e-4,
  labelSmoothing: 0,
  seed: 0,
  patience: null,
  augment: { flip: false, shift: 0 },
} as const
const EPOCH: EpochView = {
  epoch: 1,
  learningRate: 0.05,
  loss: 1,
  accuracy: 0.5,
  validationLoss: 0.9,
  validationAccuracy: 0.6,
  samplesPerSecond: 100,
}
const CUT_OFF: ResumableView = {
  run: 'r0',
  kind: 'train',
  startedAt: '2026-01-01T00:00:00.000Z',
  status: 'interrupted',
  start: { kind: 'recipe', name: 'mlp' },
  data: DIGITS,
  output: '/out.onnx',
  epochsDone: 2,
  epochs: 5,
  ways: null,
  history: [],
}
const MISSING: TrainingEngineView = {
  installed: null,
  sources: ['an archive (2.9.1)'],
  platform: 'linux-x64',
  problem: null,
}
const ENGINE = { ...MISSING, installed: { version: '2.9.1', folder: '/tf', source: 'cache', loadMs: 9 } } as const

const isLast = ({ kind }: JobEvent): boolean => kind === 'done' || kind === 'failed' || kind === 'cancelled'

/** A window whose host has one recipe, one training that was cut off, and one job that a test tells of. */
function trainingWindow(engine: TrainingEngineView = MISSING, runs: readonly RunDetail[] = []) {
  const feed = new TestFeed<JobEvent>()
  const started: JobRequest[] = []
  const job = (kind: JobInfo['kind'], more: Partial<JobInfo> = {}): JobInfo => jobOf(kind, { model: null, ...more })
  testWindow({
    training: {
      engine: os.training.engine.handler(() => engine),
      recipes: os.training.recipes.handler(() => ({
        recipes: [{ name: 'lenet5', title: 'LeNet-5', source: '', input: null, options: { ...OPTIONS, epochs: 3 } }],
        defaults: OPTIONS,
      })),
      recipeFile: os.training.recipeFile.handler(({ input }) => {
        if (input.path !== '/mine.json') throw new Error('no recipe')
        return { name: input.path, title: 'Mine', source: '', input: null, options: { ...OPTIONS, epochs: 7 } }
      }),
      qatGuide: os.training.qatGuide.handler(({ input }) => ({
        options: { ...OPTIONS, epochs: 5, learningRate: input.plan.defaults.weights.bits / 1000 },
        why: `for ${input.plan.defaults.weights.bits} bits`,
        learnsSteps: input.lsq ?? false,
      })),
      resumable: os.training.resumable.handler(() => [CUT_OFF]),
    },
    data: {
      presets: os.data.presets.handler(() => []),
      recent: os.data.recent.handler(() => []),
      describe: os.data.describe.handler(({ input }) => ({
        info: {
          spec: input.spec,
          split: input.split ?? 'test',
          hash: `sha256:${'1'.repeat(64)}`,
          count: input.split === 'train' ? 10_000 : 2000,
          labelled: true,
          classes: ['0', '1'],
          pictureShape: [28, 28, 1],
        },
        splits: ['train', 'test'],
        balance: null,
      })),
    },
    runs: {
      list: os.runs.list.handler(() => ({ total: runs.length, offset: 0, runs })),
      show: os.runs.show.handler(({ input }) => runs.find(({ id }) => id === input.run)!),
    },
    jobs: {
      list: os.jobs.list.handler(() => []),
      start: os.jobs.start.handler(({ input }) => {
        started.push(input)
        return job(input.kind)
      }),
      watch: os.jobs.watch.handler(({ signal }) =>
        feed.follow([{ kind: 'job', job: job(started[0]!.kind) }], isLast, signal),
      ),
    },
  })
  return { feed, started, job, training: useTrainingStore(), engine: useEngineStore() }
}

describe('training', () => {
  it('looks at the training split, takes the recipe’s settings, and keeps what is set by hand', async () => {
    const { training } = trainingWindow()
    expect(training.obstacle).toMatch(/Choose data/)
    training.set({ data: DIGITS })
    await training.load()
    await vi.waitFor(() => expect(training.dataView?.info).toMatchObject({ split: 'train', count: 10_000 }))
    expect(training.obstacle).toBeNull()
    expect(training.options?.epochs).toBe(3)
    training.setOptions({ batch: 16 })
    expect(training.options).toMatchObject({ epochs: 3, batch: 16 })
    expect(JSON.parse(localStorage.getItem('quantbench.training')!)).toMatchObject({ options: { batch: 16 } })
    training.resetOptions()
    expect(training.options?.batch).toBe(64)
  })

  it('trains by a recipe file, once it can be read', async () => {
    const { training, started } = trainingWindow()
    training.set({ data: DIGITS })
    await training.load()
    await training.takeRecipe('/broken.json')
    expect(training.recipeProblem).not.toBeNull()
    await vi.waitFor(() => expect(training.obstacle).toMatch(/recipe file/))
    await training.takeRecipe('/mine.json')
    expect(training.recipeProblem).toBeNull()
    await vi.waitFor(() => expect(training.obstacle).toBeNull())
    expect(training.options?.epochs).toBe(7)
    await training.start()
    expect(started).toMatchObject([{ start: { kind: 'recipeFile', path: '/mine.json' } }])
    expect(JSON.parse(localStorage.getItem('quantbench.training')!)).toMatchObject({ recipeFile: '/mine.json' })
  })

  it('draws what it hears, and says what came of it', async () => {
    const { training, feed, job, started } = trainingWindow()
    training.set({ data: DIGITS })
    await training.load()
    expect(await training.start()).toBe(true)
    expect(started).toMatchObject([{ kind: 'train', start: { kind: 'recipe', name: 'lenet5' }, data: DIGITS }])
    await vi.waitFor(() => expect(feed.followers).toBe(1))
    const part = { kind: 'training', stage: 'float' } as const
    feed.tell({ kind: 'partial', partial: { ...part, epochs: [], steps: [{ at: 0.5, loss: 2 }] } })
    feed.tell({ kind: 'partial', partial: { ...part, epochs: [EPOCH], steps: [{ at: 1, loss: 1.5 }] } })
    await vi.waitFor(() =>
      expect(training.curves.float).toEqual({
        epochs: [EPOCH],
        steps: [
          { at: 0.5, loss: 2 },
          { at: 1, loss: 1.5 },
        ],
      }),
    )
    expect(training.isActive).toBe(true)
    feed.tell({
      kind: 'done',
      job: job('train', { state: 'done', run: 'r1' }),
      result: {
        kind: 'train',
        run: 'r1',
        output: '/out.onnx',
        bytes: 10,
        parameters: 3,
        engine: '2.9.1',
        options: OPTIONS,
        history: [EPOCH],
        bestEpoch: 1,
        stoppedEarly: false,
        samples: { train: 9000, validation: 1000 },
        test: { split: 'test', samples: 2000, top1: 0.9, loss: 0.3 },
      },
    })
    await vi.waitFor(() => expect(training.outcome).toMatchObject({ run: 'r1', output: '/out.onnx', top1: 0.9 }))
    expect(training.isActive).toBe(false)
  })

  it('offers what was cut off, goes on with it as it was asked, and stops offering it when told so', async () => {
    const { training, started } = trainingWindow()
    await training.load()
    expect(training.resumable).toEqual([CUT_OFF])
    expect(await training.goOn(CUT_OFF)).toBe(true)
    expect(started).toMatchObject([{ kind: 'train', start: CUT_OFF.start, data: DIGITS, resumes: 'r0' }])
    training.dismiss('r0')
    expect(training.resumable).toEqual([])
  })

  it('for integers takes what the bits suggest, and asks for it with the plan', async () => {
    const { training, started } = trainingWindow()
    training.set({ data: DIGITS, mode: 'qat' })
    await training.load()
    await vi.waitFor(() => expect(training.guide?.why).toBe('for 8 bits'))
    training.set({ qat: { ...training.choice.qat, bits: 4 } })
    await vi.waitFor(() => expect(training.options).toMatchObject({ epochs: 5, learningRate: 0.004 }))
    training.setOptions({ epochs: 2 })
    expect(training.choice.options).toEqual({})
    expect(await training.start()).toBe(true)
    expect(started).toMatchObject([
      { kind: 'qat', options: { epochs: 2 }, plan: { defaults: { weights: { bits: 4 } } } },
    ])
  })

  it('shows a former training', async () => {
    const test = { split: 'test', evaluation: { result: { samples: 5 } } }
    const results = { history: [{ ...EPOCH }], steps: [], options: { epochs: 1 }, test }
    const { training } = trainingWindow(MISSING, [runOf('old', { kind: 'train', results, metrics: { top1: 0.5 } })])
    await training.open('old')
    expect(training.outcome).toMatchObject({ run: 'old', top1: 0.5, samples: 5 })
    expect(training.curves.float.epochs).toEqual([EPOCH])
  })
})

describe('the training engine', () => {
  it('is installed by a job, whose result is what is there then', async () => {
    const { engine, feed, job, started } = trainingWindow()
    await engine.lookOnce()
    expect([engine.isInstalled, engine.isHopeless]).toEqual([false, false])
    await engine.install()
    expect(started).toEqual([{ kind: 'installEngine' }])
    await vi.waitFor(() => expect(feed.followers).toBe(1))
    const done = job('installEngine', { state: 'done' })
    feed.tell({ kind: 'done', job: done, result: { kind: 'installEngine', engine: ENGINE } })
    await vi.waitFor(() => expect(engine.isInstalled).toBe(true))
  })

  it('says why it could not be fetched', async () => {
    const { engine, feed, job } = trainingWindow()
    await engine.install()
    await vi.waitFor(() => expect(feed.followers).toBe(1))
    const fault = { code: 'engine.notInstalled', message: 'No source gave it.', data: {} } as const
    feed.tell({ kind: 'failed', job: job('installEngine', { state: 'failed', fault }), fault })
    await vi.waitFor(() => expect(engine.problem?.sentence).toBe('No source gave it.'))
  })

  it.each([
    { why: 'nothing to fetch for the platform', state: { ...MISSING, sources: [] }, hopeless: true },
    { why: 'one that does not load', state: { ...MISSING, sources: [], problem: 'too old' }, hopeless: false },
  ])('with $why is hopeless: $hopeless', async ({ state, hopeless }) => {
    const { engine } = trainingWindow(state)
    await engine.look()
    expect(engine.isHopeless).toBe(hopeless)
  })
})
