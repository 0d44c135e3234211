import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import type { JobResultOf } from '../../src/shared/contract/api/job-results.ts'
import type { JobEvent } from '../../src/shared/contract/api/jobs.ts'
import type { WorkerHost } from '../../src/main/jobs/worker-host.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { FEW_DIGITS, runJob, testApplication, type TestClient } from '../builders/application.ts'

// Jobs over a true port pair, with real workers: feeds, two windows, pause, cancel, faults.

async function sampleOf(client: TestClient): Promise<string> {
  return (await client.models.sample()).summary.path
}

const kinds = (events: readonly JobEvent[]): Set<string> => new Set(events.map(({ kind }) => kind))

describe('a job', () => {
  it('streams what it does and ends with its result and its run', async () => {
    const { connect } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const events = await runJob(client, { kind: 'quickScan', model, samples: FEW_DIGITS })
    expect(kinds(events)).toEqual(new Set(['job', 'progress', 'log', 'done']))
    const last = events.at(-1)!
    if (last.kind !== 'done' || last.result.kind !== 'quickScan') throw new Error(`ended as ${last.kind}`)
    expect(last.result.rows.length).toBeGreaterThan(5)
    expect(last.job).toMatchObject({ state: 'done', run: last.result.run, fault: null })
    expect(await client.runs.show({ run: last.result.run })).toMatchObject({ kind: 'sensitivity', status: 'done' })
    expect(await client.jobs.result({ job: last.job.id })).toEqual(last.result)
    await client.jobs.clear()
    expect(await client.jobs.list()).toEqual([])
  })

  it.each([
    { why: 'as the settings say', jobWorkers: undefined, most: 2 },
    { why: 'as the host says, whatever the settings do', jobWorkers: 1, most: 1 },
  ])('has workers $why', async ({ jobWorkers, most }) => {
    const workers = createNodeWorkerHost()
    let started = 0
    const counting: WorkerHost = {
      ...workers,
      start: (options) => {
        // those of jobs give way; the others answer the window
        if (options?.background) started++
        return workers.start(options)
      },
    }
    const client = testApplication({ workers: counting, jobWorkers }).connect()
    await client.app.settings.set({ workers: 2 })
    const samples = { ...FEW_DIGITS, samples: 400 }
    await runJob(client, { kind: 'sensitivity', model: await sampleOf(client), samples, configs: '8,4', exact: true })
    expect(started).toBe(most)
  })

  it('tells what is known of layers and plans on the way, once in the end to a late follower', async () => {
    const { connect } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const samples = { ...FEW_DIGITS, samples: 400 }
    const events = await runJob(client, { kind: 'search', model, samples, maxDrop: 0, maxTrials: 3, threads: 1 })
    const last = events.at(-1)!
    if (last.kind !== 'done' || last.result.kind !== 'search') throw new Error(`ended as ${last.kind}`)
    const partials = events.flatMap((event) => (event.kind === 'partial' ? [event.partial] : []))
    const bases = partials.flatMap((partial) => (partial.kind === 'sensitivity' ? [partial.base] : []))
    expect(new Set(bases)).toEqual(new Set(['float', 'quantized']))
    const candidates = partials.flatMap((partial) => (partial.kind === 'candidate' ? [partial] : []))
    expect(new Set(candidates.map(({ candidate }) => candidate.key)).size).toBe(last.result.trials)
    expect(candidates.filter(({ best }) => best).at(-1)!.candidate.key).toBe(last.result.best.key)
    const late: JobEvent[] = []
    for await (const event of await client.jobs.watch({ job: last.job.id })) late.push(event)
    const rows = late.flatMap((event) =>
      event.kind === 'partial' && event.partial.kind === 'sensitivity' ? event.partial.rows : [],
    )
    const cells = rows.map(({ layer, config, metric }) => `${metric} ${config} ${layer}`)
    expect(cells.length).toBeGreaterThan(10)
    expect(late.filter(({ kind }) => kind === 'partial')).toHaveLength(2 + last.result.trials)
  })

  it('writes what it exports beside the other exports, under a free name', async () => {
    const { connect, home } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const plan = await client.plans.fromOptions({ mode: 'dynamic' })
    const outputs: string[] = []
    for (let i = 0; i < 2; i++) {
      const last = (await runJob(client, { kind: 'quantize', model, plan, samples: null })).at(-1)!
      if (last.kind !== 'done' || last.result.kind !== 'quantize') throw new Error(`ended as ${last.kind}`)
      outputs.push(path.relative(home, last.result.output))
      expect(last.result.layers.some(({ execution }) => execution === 'int8')).toBe(true)
      expect(await client.plans.fromRun({ run: last.result.run })).toMatchObject({ defaults: { mode: 'dynamic' } })
    }
    expect(outputs).toEqual(['exports/digits-cnn.quantized.onnx', 'exports/digits-cnn.quantized-2.onnx'])
    const converted = (await runJob(client, { kind: 'convert', model })).at(-1)!
    if (converted.kind !== 'done' || converted.result.kind !== 'convert') throw new Error(`ended as ${converted.kind}`)
    expect(converted.result).toMatchObject({ target: 'tfjs', output: path.join(home, 'exports', 'digits-cnn.tfjs') })
    const back = await client.models.open({ path: converted.result.output })
    expect(back.task).toBe('classification')
    const layers = (
      await runJob(client, { kind: 'convert', model, to: 'layers-model', weights: 'float16', keepFloat: [] })
    ).at(-1)!
    if (layers.kind !== 'done' || layers.result.kind !== 'convert') throw new Error(`ended as ${layers.kind}`)
    expect(new Set(layers.result.layers.map(({ storage }) => storage))).toEqual(new Set(['float16']))
    const onnx = (await runJob(client, { kind: 'convert', model: layers.result.output, to: 'onnx' })).at(-1)!
    if (onnx.kind !== 'done' || onnx.result.kind !== 'convert') throw new Error(`ended as ${onnx.kind}`)
    expect(path.relative(home, onnx.result.output)).toBe('exports/digits-cnn.tfjs-2.float.onnx')
    const outside = await client.jobs
      .start({ kind: 'quantize', model, plan, samples: null, output: '/tmp/elsewhere.onnx' })
      .catch((error: unknown) => faultOf(error)?.code)
    expect(outside).toBe('file.outsideWorkspace')
  })

  it('tells the points of a sweep over bits as they come; plans and files of the points are at hand', async () => {
    const { connect } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const asked = { kind: 'sweep', model, samples: FEW_DIGITS, bits: [8, 2], curves: ['weights', 'both'] } as const
    const sweep = async (): Promise<{ job: string; events: JobEvent[]; result: JobResultOf<'sweep'> }> => {
      const events = await runJob(client, { ...asked, bits: [...asked.bits], curves: [...asked.curves] })
      const last = events.at(-1)!
      if (last.kind !== 'done' || last.result.kind !== 'sweep') throw new Error(`ended as ${last.kind}`)
      return { job: last.job.id, events, result: last.result }
    }
    const { job, events, result } = await sweep()
    const partials = events.flatMap((event) =>
      event.kind === 'partial' && event.partial.kind === 'sweep' ? [event.partial] : [],
    )
    // 8 bits of the weights and of both are one plan, measured once
    expect(partials.map(({ points }) => points.length)).toEqual([1, 2, 1])
    const byKey = (points: JobResultOf<'sweep'>['points']): unknown =>
      points.toSorted((a, b) => `${a.what}${a.bits}`.localeCompare(`${b.what}${b.bits}`))
    expect(byKey(partials.flatMap(({ points }) => points))).toEqual(byKey(result.points))
    expect(partials[0]).toMatchObject({ samples: result.samples, reference: result.reference })
    expect(result).toMatchObject({ measured: 3, found: 0 })

    const late: JobEvent[] = []
    for await (const event of await client.jobs.watch({ job })) late.push(event)
    expect(late.filter(({ kind }) => kind === 'partial')).toHaveLength(1)

    const plans = await client.plans.ofSweep({ run: result.run })
    expect(plans.map(({ what, bits }) => `${what} ${bits}`)).toEqual(['weights 2', 'weights 8', 'both 2', 'both 8'])
    expect(plans[2]!.plan.defaults).toMatchObject({ weights: { bits: 2 }, activations: { bits: 2 } })
    expect(plans[0]!.plan.model).toBe((await client.runs.show({ run: result.run })).modelHash)
    for (const format of ['json', 'csv', 'svg'] as const) {
      const { fileName, text } = await client.runs.sweepFile({ run: result.run, format })
      expect(fileName).toBe(`digits-cnn.${format}`)
      expect(text).toBe(fs.readFileSync(result.files[format], 'utf8'))
    }

    const again = (await sweep()).result
    expect(again).toMatchObject({ measured: 0, found: 3, points: result.points })
    const scan = (await runJob(client, { kind: 'quickScan', model, samples: FEW_DIGITS })).at(-1)!
    const other = { run: scan.kind === 'done' ? scan.job.run! : '' }
    const codeOf = (error: unknown): string | undefined => faultOf(error)?.code
    expect(await client.plans.ofSweep(other).catch(codeOf)).toBe('data.noPlan')
    expect(await client.runs.sweepFile({ ...other, format: 'svg' }).catch(codeOf)).toBe('data.noArtifact')
  })

  it('is the same for two windows, also for one that comes late', async () => {
    const { connect } = testApplication()
    const [one, two] = [connect(), connect()]
    const model = await sampleOf(one)
    const { id } = await one.jobs.start({ kind: 'calibrate', model, samples: FEW_DIGITS })
    const read = async (client: TestClient): Promise<JobEvent[]> => {
      const events: JobEvent[] = []
      for await (const event of await client.jobs.watch({ job: id })) events.push(event)
      return events
    }
    const [first, second] = await Promise.all([read(one), read(two)])
    const late = await read(two)
    const results = [first, second, late].map((events) => events.at(-1))
    expect(results[0]).toMatchObject({ kind: 'done', result: { kind: 'calibrate', samples: 32 } })
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
    const lines = (events: readonly JobEvent[]): JobEvent[] => events.filter(({ kind }) => kind === 'log')
    expect(lines(late)).toEqual(lines(first))
    const { hash } = (await one.models.sample()).summary
    const tensors = await two.models.calibrated({ hash })
    const view = await two.models.activations({
      hash,
      tensor: tensors[1]!.tensor,
      calibrators: [{ method: 'percentile', percentile: 90 }],
    })
    expect(view).toMatchObject({ samples: 32, min: tensors[1]!.min, max: tensors[1]!.max })
    expect(view.ranges.map(({ calibrator }) => calibrator.method)).toEqual([
      'minMax',
      'movingAverage',
      'percentile',
      'entropy',
      'mse',
      'percentile',
    ])
    expect(view.ranges[0]!.clipped).toBe(0)
    expect(view.ranges.at(-1)!.clipped).toBeCloseTo(0.1, 1)
  })

  it('tells why it failed, and the next one runs', async () => {
    const { connect, home } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const data = { kind: 'mnist', path: home } as const
    const failed = await runJob(client, { kind: 'evaluate', model, samples: { data } })
    const last = failed.at(-1)!
    if (last.kind !== 'failed') throw new Error(`ended as ${last.kind}`)
    expect(last.fault.code).toMatch(/^(data|file)\./)
    expect(last.job).toMatchObject({ state: 'failed', fault: last.fault })
    const result: unknown = await client.jobs.result({ job: last.job.id }).catch((error: unknown) => error)
    expect(faultOf(result)?.code).toBe(last.fault.code)
    expect((await runJob(client, { kind: 'evaluate', model, samples: FEW_DIGITS })).at(-1)!.kind).toBe('done')
  })

  it('waits for its turn and leaves the queue when it is cancelled', async () => {
    const { connect } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const first = await client.jobs.start({ kind: 'bench', model })
    const second = await client.jobs.start({ kind: 'bench', model })
    expect((await client.jobs.list()).map(({ id }) => id)).toEqual([first.id, second.id])
    expect(await client.jobs.cancel({ job: second.id })).toMatchObject({ id: second.id })
    const ends: JobEvent[] = []
    for await (const event of await client.jobs.watch({ job: second.id })) ends.push(event)
    expect(ends.at(-1)).toMatchObject({ kind: 'cancelled', job: { state: 'cancelled' } })
    await client.jobs.cancel({ job: first.id })
    const feed: JobEvent[] = []
    for await (const event of await client.jobs.watch({ job: first.id })) feed.push(event)
    expect(feed.at(-1)!.kind).toBe('cancelled')
    expect((await client.runs.list({})).runs.every(({ status }) => status === 'interrupted')).toBe(true)
  })

  it('can be paused, resumed and cancelled while it is paused', async () => {
    const { connect } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const samples = { ...FEW_DIGITS, samples: 2000 }
    const { id } = await client.jobs.start({ kind: 'sensitivity', model, samples, configs: '8,4,2', exact: true })
    const states: string[] = []
    let pressed = false
    for await (const event of await client.jobs.watch({ job: id })) {
      if (event.kind === 'job' || event.kind === 'cancelled') states.push(event.job.state)
      if (pressed || event.kind !== 'progress' || event.progress.stage !== 'sensitivity') continue
      pressed = true
      expect(await client.jobs.pause({ job: id })).toMatchObject({ state: 'paused' })
      expect(await client.jobs.resume({ job: id })).toMatchObject({ state: 'running' })
      await client.jobs.pause({ job: id })
      await client.jobs.cancel({ job: id })
    }
    expect(states).toContain('paused')
    expect(states.at(-1)).toBe('cancelled')
    const bench = await client.jobs.start({ kind: 'bench', model })
    const refused: unknown = await client.jobs.pause({ job: bench.id }).catch((error: unknown) => error)
    expect(faultOf(refused)?.code).toBe('usage.notPausable')
    await client.jobs.cancel({ job: bench.id })
  })

  it('survives a worker that is killed', async () => {
    const { connect, app } = testApplication()
    const client = connect()
    const model = await sampleOf(client)
    const { id } = await client.jobs.start({ kind: 'bench', model })
    let killed = false
    let last: JobEvent | null = null
    for await (const event of await client.jobs.watch({ job: id })) {
      last = event
      if (killed || event.kind !== 'progress') continue
      killed = true
      await app.host.workers.closeAll()
    }
    expect(last?.kind).toMatch(/done|failed/)
    expect((await runJob(client, { kind: 'evaluate', model, samples: FEW_DIGITS })).at(-1)!.kind).toBe('done')
  })
})
