import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import { PRODUCT } from '../../src/shared/contract/product.ts'
import { FEW_DIGITS, runJob, testApplication, type TestClient } from '../builders/application.ts'

// Calls over a true port pair, answered by the application that both hosts serve.

/** What a call was refused with. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return faultOf(error)?.code ?? `no fault: ${String(error)}`
}

describe('the application', () => {
  it('says what it is', async () => {
    const { connect, home, app } = testApplication()
    expect(await connect().app.info()).toMatchObject({
      ...PRODUCT,
      host: 'browser',
      home,
      session: app.session,
      nativeDialogs: false,
      uploadUrl: '/upload',
      versions: { node: '24', quantbench: PRODUCT.version },
    })
  })

  it('keeps settings and tells every window', async () => {
    const { connect } = testApplication()
    const [one, two] = [connect(), connect()]
    const feed = await two.app.events()
    expect(await feed.next()).toMatchObject({ value: { kind: 'ready' } })
    expect(await one.app.settings.get()).toMatchObject({ theme: 'system', threads: null })
    await one.app.settings.set({ theme: 'dark', threads: 2 })
    expect(await feed.next()).toMatchObject({ value: { kind: 'settings', settings: { theme: 'dark', threads: 2 } } })
    expect(await two.app.settings.set({ threads: null })).toMatchObject({ theme: 'dark', threads: null })
    await feed.return?.()
  })

  it('gives what a menu asked for to the window that opens next, once', async () => {
    const { app, connect } = testApplication()
    app.ask({ kind: 'open', path: '/somewhere/model.onnx' })
    const feed = await connect().app.events()
    await feed.next()
    expect(await feed.next()).toMatchObject({ value: { kind: 'open', path: '/somewhere/model.onnx' } })
    expect(app.takeWaiting()).toEqual([])
    await feed.return?.()
  })
})

describe('faults cross typed', () => {
  it.each<{ why: string; call: (client: TestClient, home: string) => Promise<unknown>; code: string }>([
    {
      why: 'a file that is not there',
      call: (c, home) => c.models.open({ path: path.join(home, 'no.onnx') }),
      code: 'file.notFound',
    },
    {
      why: 'a path outside the workspace',
      call: (c) => c.models.open({ path: '/etc/hostname' }),
      code: 'file.outsideWorkspace',
    },
    {
      why: 'a path that climbs out',
      call: (c, home) => c.files.list({ folder: `${home}/../..` }),
      code: 'file.outsideWorkspace',
    },
    {
      why: 'data outside the workspace',
      call: (c) => c.data.describe({ spec: { kind: 'mnist', path: '/etc' } }),
      code: 'file.outsideWorkspace',
    },
    { why: 'an empty path', call: (c) => c.models.open({ path: '' }), code: 'usage.request' },
    { why: 'a folder without a model', call: (c, home) => c.models.open({ path: home }), code: 'model.noModel' },
    {
      why: 'a model nobody opened',
      call: (c) => c.models.get({ hash: `sha256:${'0'.repeat(64)}` }),
      code: 'model.notOpen',
    },
    { why: 'a hash that is none', call: (c) => c.models.graph({ hash: 'x' }), code: 'usage.request' },
    { why: 'a job nobody started', call: (c) => c.jobs.cancel({ job: 'job-99' }), code: 'usage.jobNotFound' },
    { why: 'a run that is not there', call: (c) => c.runs.show({ run: 'zzz' }), code: 'data.runNotFound' },
    { why: 'a plan that is not JSON', call: (c) => c.plans.parse({ text: '{' }), code: 'plan.notJson' },
    { why: 'a plan of another form', call: (c) => c.plans.parse({ text: '{"version":7}' }), code: 'plan.invalid' },
    { why: 'a dialog this host does not have', call: (c) => c.files.pick({ kind: 'model' }), code: 'usage.noDialogs' },
    { why: 'too few runs to compare', call: (c) => c.runs.compare({ runs: ['a'] }), code: 'usage.request' },
  ])('$why: $code', async ({ call, code }) => {
    const { connect, home } = testApplication()
    expect(await refusalOf(call(connect(), home))).toBe(code)
  })

  it('a broken model names the file and what is wrong, and the next call is answered', async () => {
    const { connect, home } = testApplication()
    const client = connect()
    const file = path.join(home, 'broken.onnx')
    fs.writeFileSync(file, Buffer.alloc(100, 7))
    const error: unknown = await client.models.open({ path: file }).catch((thrown: unknown) => thrown)
    expect(faultOf(error)?.code).toMatch(/^format\./)
    expect(faultOf(error)?.message).toContain('broken.onnx')
    expect((await client.models.sample()).task).toBe('classification')
  })

  it.each([
    { why: 'a model alone', write: ['m.onnx'], ask: 'm.onnx', fileName: 'm.onnx' },
    { why: 'a model with its data', write: ['m.onnx', 'm.onnx.data'], ask: 'm.onnx', fileName: 'm.onnx.zip' },
    { why: 'a TensorFlow.js folder', write: ['tfjs/model.json', 'tfjs/a.bin'], ask: 'tfjs', fileName: 'tfjs.zip' },
  ])('$why is downloaded as $fileName', async ({ write, ask, fileName }) => {
    const { connect, home } = testApplication()
    for (const name of write) {
      fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
      fs.writeFileSync(path.join(home, name), name)
    }
    expect(await connect().files.download({ path: path.join(home, ask) })).toMatchObject({ fileName })
  })

  it('a folder that is no export is not packed', async () => {
    const { connect, home } = testApplication()
    fs.mkdirSync(path.join(home, 'photos', 'cats'), { recursive: true })
    fs.writeFileSync(path.join(home, 'photos', 'a.txt'), '')
    expect(await refusalOf(connect().files.download({ path: path.join(home, 'photos') }))).toBe('file.notOneModel')
  })

  it('the path of a file lists its folder, and names the file', async () => {
    const { connect, home } = testApplication()
    const file = path.join(home, 'model.onnx')
    fs.writeFileSync(file, '')
    expect(await connect().files.list({ folder: file })).toMatchObject({ path: home, chosen: file })
    expect(await connect().files.list({ folder: home })).toMatchObject({ path: home, chosen: null })
  })

  it('a link out of the workspace is outside', async () => {
    const { connect, home } = testApplication()
    fs.symlinkSync('/etc', path.join(home, 'way-out'))
    expect(await refusalOf(connect().files.list({ folder: path.join(home, 'way-out') }))).toBe('file.outsideWorkspace')
  })
})

describe('what the host asks a window', () => {
  it('is heard by the window it is for, or by all', async () => {
    const { app, connect } = testApplication()
    const heard: string[] = []
    for (const window of [1, 2]) {
      const leave = new AbortController()
      onTestFinished(() => leave.abort())
      const events = await connect(window).app.events(undefined, { signal: leave.signal })
      void (async () => {
        for await (const event of events)
          heard.push(`${window} ${event.kind === 'command' ? event.command : event.kind}`)
      })().catch(() => {})
    }
    await vi.waitFor(() => expect(heard).toEqual(['1 ready', '2 ready']))
    app.ask({ kind: 'command', command: 'undo', window: 2 })
    app.ask({ kind: 'command', command: 'all' })
    await vi.waitFor(() => expect(heard.slice(2).sort()).toEqual(['1 all', '2 all', '2 undo']))
  })
})

describe('models and plans', () => {
  it('opens the sample, looks inside, keeps plans, estimates', async () => {
    const { connect, app } = testApplication()
    const client = connect()
    const model = await client.models.sample()
    const { hash, layers } = model.summary
    expect(model).toMatchObject({ name: 'digits-cnn.onnx', task: 'classification', classes: 10, problems: [] })
    expect((await client.models.graph({ hash })).layers).toHaveLength(layers.length)
    const [weight, bias] = await client.models.weights({ hash, layer: layers[0]!.id, bins: 16 })
    expect(weight).toMatchObject({ role: 'weight', dims: [16, 1, 3, 3], channels: { axis: 0 } })
    expect(weight!.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(16 * 9)
    expect(weight!.channels!.min).toHaveLength(16)
    expect(bias).toMatchObject({ role: 'bias', dims: [16], channels: null })
    const { npy, fileName } = await client.models.tensor({ hash, tensor: weight!.tensor })
    expect(fileName).toMatch(/\.npy$/)
    expect(Buffer.from(npy, 'base64').subarray(0, 6).toString('latin1')).toBe('\x93NUMPY')
    expect((Buffer.from(npy, 'base64').length - 16 * 9 * 4) % 64).toBe(0)

    const plan = await client.plans.fromOptions({ keepFloat: [layers[0]!.id] })
    await client.plans.save({ hash, name: 'first', plan })
    expect(await refusalOf(client.plans.save({ hash, name: 'first', plan }))).toBe('plan.exists')
    expect(await client.plans.list({ hash })).toMatchObject([{ name: 'first', plan }])
    const resolved = await client.plans.resolve({ hash, plan })
    expect(resolved.problems).toEqual([])
    expect(resolved.layers[0]).toMatchObject({ id: layers[0]!.id, kind: 'float', named: true })
    expect(resolved.layers[1]).toMatchObject({ kind: 'quantized', weights: { bits: 8 } })
    const wrong = {
      ...plan,
      layers: { nowhere: 'float' as const, [layers[1]!.id]: { weights: { bits: 1, symmetric: true } } },
    }
    expect((await client.plans.resolve({ hash, plan: wrong })).problems.map(({ code }) => code)).toEqual([
      'plan.unknownLayer',
      'usage.symmetricOneBit',
    ])
    const all = await client.plans.fromOptions({})
    const differences = await client.plans.diff({ hash, a: plan, b: all })
    expect(new Set(differences.map(({ subject }) => subject))).toEqual(new Set([layers[0]!.id]))
    expect(differences).toContainEqual({ subject: layers[0]!.id, setting: 'precision', a: 'float', b: '8 bits (int8)' })
    await client.plans.remove({ hash, name: 'first' })
    expect(await refusalOf(client.plans.load({ hash, name: 'first' }))).toBe('plan.notFound')

    const estimate = await client.plans.estimate({ hash, plan: all })
    expect(estimate.drop).toMatchObject({ value: null, reason: expect.stringContaining('sensitivity') as string })
    expect(estimate.bytes.value).toBeLessThan(model.summary.sizeBytes)
    const png = `data:image/png;base64,${Buffer.from('picture').toString('base64')}`
    await client.models.keepThumbnail({ hash, png })
    expect(await client.models.recent()).toMatchObject([
      { hash, name: 'digits-cnn.onnx', thumbnail: png, exists: true, layers: layers.length },
    ])
    await client.models.forget({ hash })
    expect(await client.models.recent()).toEqual([])
    expect(app.models).toBeDefined()
  })

  it('a model is prepared once: a later host finds it', async () => {
    const { connect, home } = testApplication()
    const { summary } = await connect().models.sample()
    const folder = path.join(home, 'prepared', summary.hash.replace('sha256:', ''))
    const before = fs.statSync(path.join(folder, 'model.onnx')).mtimeMs
    const copy = path.join(home, 'copy.onnx')
    fs.copyFileSync(summary.path, copy)
    const again = await connect().models.open({ path: copy })
    expect(again.summary).toEqual({ ...summary, path: copy })
    expect(fs.statSync(path.join(folder, 'model.onnx')).mtimeMs).toBe(before)
  })

  it('opening is left by who cancels, and goes on for who else waits', async () => {
    const { app, connect } = testApplication()
    const run = vi.spyOn(app.desk, 'run')
    const leave = new AbortController()
    const left = connect()
      .models.sample(undefined, { signal: leave.signal })
      .catch((error: unknown) => error)
    const stays = connect().models.sample()
    await vi.waitFor(() => expect(run).toHaveBeenCalled())
    leave.abort()
    expect(await left).toMatchObject({ name: 'AbortError' })
    expect((await stays).name).toBe('digits-cnn.onnx')

    const again = new AbortController()
    app.models.forget((await stays).summary.hash)
    fs.rmSync(path.join(app.store.home, 'prepared'), { recursive: true })
    run.mockClear()
    run.mockImplementationOnce(async (_task, _input, options) => {
      await once(options!.signal!, 'abort')
      throw options!.signal!.reason as Error
    })
    const alone = connect()
      .models.sample(undefined, { signal: again.signal })
      .catch((error: unknown) => error)
    await vi.waitFor(() => expect(run).toHaveBeenCalled())
    again.abort()
    expect(await alone).toMatchObject({ name: 'AbortError' })
    await vi.waitFor(() => expect(run.mock.calls[0]![2]!.signal!.aborted).toBe(true))
    expect((await connect().models.sample()).name).toBe('digits-cnn.onnx')
  })

  it('what a job prepared is not prepared again for the window, nor the other way round', async () => {
    const { app, connect } = testApplication()
    const prepared = vi.spyOn(app.store.blobs, 'keep')
    const client = connect()
    const { summary, maxRelativeError } = await client.models.sample()
    const samples = FEW_DIGITS
    await runJob(client, { kind: 'calibrate', model: summary.path, samples })
    fs.rmSync(path.join(app.store.home, 'prepared'), { recursive: true })
    app.models.forget(summary.hash)
    expect((await client.models.sample()).maxRelativeError).toBe(maxRelativeError)
    expect(prepared.mock.calls.filter(([kind]) => kind === 'prepared')).toHaveLength(1)
  })

  it('a measured plan anchors the estimates of others', async () => {
    const { connect } = testApplication()
    const client = connect()
    const { summary } = await client.models.sample()
    const { hash, path: model, layers } = summary
    const all = await client.plans.fromOptions({})
    await runJob(client, { kind: 'sensitivity', model, samples: FEW_DIGITS })
    await runJob(client, { kind: 'measurePlan', model, plan: all, samples: FEW_DIGITS, threads: 1 })
    const measured = await client.plans.estimate({ hash, plan: all, threads: 1 })
    expect(measured.drop).toMatchObject({ measured: true })
    expect(measured.bytes).toMatchObject({ measured: true })
    expect(measured.speedup).toMatchObject({ measured: true })
    const other = { ...all, layers: { [layers[0]!.id]: 'float' as const } }
    const estimate = await client.plans.estimate({ hash, plan: other, threads: 1 })
    expect(estimate.drop).toMatchObject({ measured: false })
    expect(estimate.damage.value).toBeLessThan(measured.damage.value!)
    expect(estimate.bytes.value).toBeGreaterThan(measured.bytes.value!)
    expect(estimate.ms).toMatchObject({ measured: false, value: expect.any(Number) as number })
  })
})

describe('data', () => {
  it('describes, previews and checks samples', async () => {
    const { connect } = testApplication()
    const client = connect()
    const { hash } = (await client.models.sample()).summary
    const view = await client.data.describe({ spec: FEW_DIGITS.data, split: 'test' })
    expect(view).toMatchObject({ splits: ['train', 'test'], info: { count: 2000, labelled: true } })
    expect(view.balance!.counts).toHaveLength(10)
    expect(await client.data.recent()).toMatchObject([{ spec: FEW_DIGITS.data, split: 'test', count: 2000 }])
    const preview = await client.data.preview({ hash, samples: { ...FEW_DIGITS, preprocess: 'unit' }, count: 3 })
    expect(preview).toMatchObject({ preset: 'unit', input: 'image' })
    expect(preview.samples).toHaveLength(3)
    for (const sample of preview.samples) {
      expect(sample.before).toMatch(/^data:image\/png;base64,/)
      expect(sample.after).toMatch(/^data:image\/png;base64,/)
      expect(sample.max).toBeLessThanOrEqual(1)
    }
    expect(preview.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(3 * 28 * 28)
    const wrong = await client.data.check({ hash, samples: { ...FEW_DIGITS, preprocess: 'raw' } })
    expect(wrong.findings).toMatchObject([{ code: 'otherPreprocess', preset: 'unit' }])
    expect(wrong.ranges).toMatchObject({ evaluation: { start: 0, end: 64 }, calibration: { start: 0, end: 32 } })
  })
})
