import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import type { JobEvent, JobRequestInput } from '../../src/shared/contract/api/jobs.ts'
import type { JobResultOf } from '../../src/shared/contract/api/job-results.ts'
import { runJob, testApplication } from '../builders/application.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

// Training as a window asks for it: over a true port pair, in a worker process, on native TensorFlow.

const engine = await tensorEngine()
/** for trainings of some seconds, on a machine that may be very busy */
const LONG = 600_000

const SMALL = {
  kind: 'train',
  start: { kind: 'recipe', name: 'small-cnn' },
  data: { kind: 'synthetic-digits' },
  samples: 1200,
  validation: 200,
  options: { epochs: 2, batch: 64, optimizer: 'adam', learningRate: 0.003 },
} as const satisfies JobRequestInput

function trained(events: readonly JobEvent[]): JobResultOf<'train'> {
  const last = events.at(-1)!
  if (last.kind === 'done' && last.result.kind === 'train') return last.result
  throw new Error(`ended as ${JSON.stringify(last)}`)
}

const livePartials = (events: readonly JobEvent[]) =>
  events.flatMap((event) => (event.kind === 'partial' && event.partial.kind === 'training' ? [event.partial] : []))

describe.skipIf(!engine)('training from a window', () => {
  it(
    'tells steps and epochs while it learns, and leaves a run with its curve and a model that opens',
    async () => {
      const { connect, home } = testApplication()
      const client = connect()
      const events = await runJob(client, SMALL)
      const result = trained(events)
      expect(result.output).toBe(path.join(home, 'exports', 'small-cnn.trained.onnx'))
      expect(result.options).toMatchObject({ epochs: 2, batch: 64, optimizer: 'adam', seed: 0 })
      expect(result.samples).toEqual({ train: 1200, validation: 200 })
      expect(result.test.top1).toBeGreaterThan(0.3)

      const live = livePartials(events)
      expect(live.flatMap(({ epochs }) => epochs)).toEqual(result.history)
      const steps = live.flatMap((partial) => partial.steps)
      expect(steps.length).toBeGreaterThan(4)
      expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).toSorted((a, b) => a - b))
      expect(steps.at(-1)!.at).toBe(2)
      const progress = events.flatMap((event) => (event.kind === 'progress' ? [event.progress] : []))
      expect(progress.filter(({ stage }) => stage === 'train').every(({ etaMs }) => etaMs! >= 0)).toBe(true)

      const late: JobEvent[] = []
      for await (const event of await client.jobs.watch({ job: (await client.jobs.list())[0]!.id })) late.push(event)
      expect(livePartials(late)).toMatchObject([{ stage: 'float', epochs: result.history, steps }])

      const run = await client.runs.show({ run: result.run })
      expect(run).toMatchObject({ kind: 'train', status: 'done', results: { history: result.history, steps } })
      expect((await client.models.open({ path: result.output })).task).toBe('classification')
    },
    LONG,
  )

  it(
    'is cut off by a cancel, offered again, and gone on with from its last whole epoch',
    async () => {
      const { connect } = testApplication()
      const client = connect()
      const request = { ...SMALL, options: { ...SMALL.options, epochs: 3 } }
      const { id } = await client.jobs.start(request)
      let end: JobEvent | null = null
      for await (const event of await client.jobs.watch({ job: id })) {
        end = event
        if (event.kind === 'log' && /^Epoch 1 /.test(event.message)) await client.jobs.cancel({ job: id })
      }
      expect(end!.kind).toBe('cancelled')
      const [offered, ...others] = await client.training.resumable()
      expect(others).toEqual([])
      expect(offered).toMatchObject({
        kind: 'train',
        status: 'interrupted',
        start: SMALL.start,
        data: SMALL.data,
        epochs: 3,
      })
      expect(offered!.epochsDone).toBeGreaterThanOrEqual(1)
      expect(offered!.history).toHaveLength(offered!.epochsDone)

      const { start, data, run } = offered!
      const result = trained(await runJob(client, { kind: 'train', start, data, resumes: run }))
      expect(result.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
      expect(result.history[0]).toEqual(offered!.history[0])
      expect(await client.training.resumable()).toEqual([])
    },
    LONG,
  )

  it(
    'trains for integers, in float first, and every way to quantize stands side by side',
    async () => {
      const { connect } = testApplication()
      const client = connect()
      const plan = await client.plans.fromOptions({ calibration: 'movingAverage' })
      const { data } = SMALL
      const start = { kind: 'recipe', name: 'mlp' } as const
      const few = { samples: 512, validation: 128, floatOptions: { epochs: 2 }, options: { epochs: 1 } }
      const subject = { start, data, plan, ...few }
      const events = await runJob(client, { kind: 'qat', ...subject })
      const last = events.at(-1)!
      if (last.kind !== 'done' || last.result.kind !== 'qat') throw new Error(`ended as ${JSON.stringify(last)}`)
      const { result } = last
      expect(new Set(livePartials(events).map(({ stage }) => stage))).toEqual(new Set(['float', 'qat']))
      expect(path.basename(result.output)).toBe('mlp.qat.onnx')
      expect(result.history).toHaveLength(1)
      expect(result.gap).toBeLessThanOrEqual(0.001)
      expect(result.float.top1 - result.test.top1!).toBeCloseTo(result.test.drop!.value, 6)
      expect(result.layers.filter(({ type }) => type !== 'float').length).toBeGreaterThan(1)

      const compared = (await runJob(client, { kind: 'compareQat', ...subject })).at(-1)!
      if (compared.kind !== 'done' || compared.result.kind !== 'compareQat')
        throw new Error(`ended as ${JSON.stringify(compared)}`)
      expect(compared.result.rows.map(({ name }) => name).sort()).toEqual([
        'float',
        'ptq',
        'ptq-hybrid',
        'ptq-repaired',
        'qat',
        'qat-hybrid',
      ])
      expect(compared.result.rows.every(({ top1 }) => top1 > 0.1)).toBe(true)
    },
    LONG,
  )

  it('is told what its bits suggest', async () => {
    const client = testApplication().connect()
    const rateOf = async (bits: string): Promise<number> => {
      const plan = await client.plans.fromOptions({ weights: bits, activations: bits })
      return (await client.training.qatGuide({ plan })).options.learningRate
    }
    expect(await rateOf('4')).toBeLessThan(await rateOf('8'))
  })

  it(
    'fine-tunes a model, with a fresh head for another number of classes',
    async () => {
      const { connect } = testApplication()
      const client = connect()
      const { summary } = await client.models.sample()
      const start = { kind: 'model', path: summary.path } as const
      // so low that a fresh head stays about as good as chance
      const options = { epochs: 1, learningRate: 0.00001, optimizer: 'sgd' } as const
      const tuned = trained(await runJob(client, { ...SMALL, start, samples: 256, options }))
      expect(tuned.test.top1).toBeGreaterThan(0.9)
      const fresh = trained(await runJob(client, { ...SMALL, start, samples: 256, options, classes: 12 }))
      expect(fresh.test.top1).toBeLessThan(0.5)
      expect(path.basename(fresh.output)).toBe('digits-cnn.trained-2.onnx')
    },
    LONG,
  )
})

describe('before a training', () => {
  it('the recipes are offered with all that they train with', async () => {
    const { recipes, defaults } = await testApplication().connect().training.recipes()
    expect(recipes.map(({ name }) => name)).toContain('lenet5')
    expect(recipes.find(({ name }) => name === 'lenet5')!.options).toEqual({
      ...defaults,
      epochs: 10,
      batch: 64,
      optimizer: 'adam',
      learningRate: 0.002,
      weightDecay: 0.0001,
    })
  })

  it(
    'the engine says what it is; installing one that is there is done at once',
    async () => {
      const client = testApplication().connect()
      const state = await client.training.engine()
      expect(state.platform).toBe(`${process.platform}-${process.arch}`)
      expect(state.problem).toBeNull()
      if (!engine) return console.warn('skipped: nothing to install where the engine cannot be had')
      expect(state.installed).toMatchObject({ version: engine.version })
      const last = (await runJob(client, { kind: 'installEngine' })).at(-1)!
      expect(last).toMatchObject({ kind: 'done', result: { engine: { installed: { version: engine.version } } } })
    },
    LONG,
  )

  it.each([
    {
      why: 'a recipe that does not exist',
      change: { start: { kind: 'recipe', name: '../sample/digits' } } as const,
      code: 'usage.recipe',
    },
    {
      why: 'data outside the workspace',
      change: { data: { kind: 'mnist', path: '/etc' } } as const,
      code: 'file.outsideWorkspace',
    },
    {
      why: 'a model outside the workspace',
      change: { start: { kind: 'model', path: '/etc/passwd' } } as const,
      code: 'file.outsideWorkspace',
    },
    { why: 'a run that is none', change: { resumes: 'none' } as const, code: 'data.runNotFound' },
  ])('$why is refused', async ({ change, code }) => {
    const client = testApplication().connect()
    const told = await runJob(client, { ...SMALL, ...change }).then(
      (events) => {
        const last = events.at(-1)!
        return last.kind === 'failed' ? last.fault.code : last.kind
      },
      (error: unknown) => faultOf(error)?.code,
    )
    expect(told).toBe(code)
  })
})
