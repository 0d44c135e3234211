import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { ownProcess } from '../../../src/main/store/owner.ts'
import { openStore, type Store } from '../../../src/main/store/store.ts'
import { MIGRATIONS } from '../../../src/main/store/migrations.ts'
import type { Environment } from '../../../src/shared/contract/runs.ts'
import { endedProcess } from '../../builders/owners.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

const environment: Environment = {
  cpu: 'test cpu',
  cores: 4,
  isa: ['avx2'],
  memoryBytes: 1,
  platform: 'linux-x64',
  versions: { node: '24' },
}

function storeIn(home: string, busyTimeoutMs?: number): Store {
  const store = openStore(home, busyTimeoutMs)
  onTestFinished(() => store.close())
  return store
}

function beginRun(store: Store, id: string, startedAt = '2026-01-01T00:00:00.000Z'): void {
  store.runs.begin({
    id,
    kind: 'quantize',
    startedAt,
    modelHash: null,
    modelPath: 'm.onnx',
    dataHash: null,
    environment,
    parameters: { bits: 8 },
  })
}

it('keeps a run whole: parameters, metrics, layers in order, artifacts, environment', () => {
  const home = temporaryFolder()
  const store = storeIn(home)
  beginRun(store, 'q1')
  store.runs.identify('q1', { modelHash: 'sha256:aa', dataHash: 'sha256:bb' })
  const layer = {
    id: 'conv1',
    op: 'Conv',
    type: 'int8',
    execution: 'int8' as const,
    ms: 0.25,
    metrics: { sqnrDb: 31 },
    reason: null,
  }
  const artifact = { role: 'output', sha256: 'a'.repeat(64), bytes: 12, path: 'out.onnx' }
  store.runs.end('q1', {
    status: 'done',
    endedAt: '2026-01-01T00:00:01.000Z',
    metrics: { top1: 0.9, broken: Number.NaN },
    layers: [layer, { ...layer, id: 'conv0' }],
    artifacts: [artifact],
    warnings: ['slow'],
    results: { confusion: [[1, 0]] },
  })
  store.close()
  const run = storeIn(home).runs.get('q1')
  expect(run).toMatchObject({
    kind: 'quantize',
    status: 'done',
    modelHash: 'sha256:aa',
    dataHash: 'sha256:bb',
    metrics: { top1: 0.9 },
    parameters: { bits: 8 },
    environment,
    artifacts: [artifact],
    warnings: ['slow'],
    results: { confusion: [[1, 0]] },
  })
  expect(run.layers.map(({ id }) => id)).toEqual(['conv1', 'conv0'])
  expect(run.metrics).not.toHaveProperty('broken')
})

it('lists newest first, filters by kind, model and tag, and hides deleted runs until they are restored', () => {
  const store = storeIn(temporaryFolder())
  beginRun(store, 'a', '2026-01-01T00:00:00.000Z')
  beginRun(store, 'b', '2026-01-02T00:00:00.000Z')
  store.runs.setTags('a', ['keep', 'keep'])
  store.runs.setNote('a', 'first')
  expect(store.runs.list().map(({ id }) => id)).toEqual(['b', 'a'])
  expect(store.runs.list({ tag: 'keep' })).toMatchObject([{ id: 'a', tags: ['keep'], note: 'first' }])
  expect(store.runs.list({ kind: 'bench' })).toEqual([])
  store.runs.setDeleted('b', '2026-01-03T00:00:00.000Z')
  expect(store.runs.list().map(({ id }) => id)).toEqual(['a'])
  expect(() => store.runs.get('b')).toThrow(/no run b/)
  store.runs.setDeleted('b', null)
  expect(store.runs.list({ limit: 1 }).map(({ id }) => id)).toEqual(['b'])
})

it('finds a run by an unambiguous beginning of its id and says so when it is not', () => {
  const store = storeIn(temporaryFolder())
  beginRun(store, 'ab1')
  beginRun(store, 'ab2')
  expect(store.runs.get('ab1').id).toBe('ab1')
  expect(() => store.runs.get('ab')).toThrow(expect.objectContaining({ code: 'data.runAmbiguous' }))
  expect(() => store.runs.get('')).toThrow(expect.objectContaining({ code: 'data.runNotFound' }))
  expect(() => store.runs.get('%')).toThrow(expect.objectContaining({ code: 'data.runNotFound' }))
})

it('finds a measurement by content, whatever the order of its keys', () => {
  const store = storeIn(temporaryFolder())
  store.measurements.keep(
    { kind: 'evaluate', model: 'm', range: [0, 10], seed: 1 },
    { top1: 0.5 },
    '2026-01-01T00:00:00Z',
  )
  expect(store.measurements.find({ seed: 1, range: [0, 10], model: 'm', kind: 'evaluate' })).toEqual({ top1: 0.5 })
  expect(store.measurements.find({ seed: 2, range: [0, 10], model: 'm', kind: 'evaluate' })).toBeNull()
  expect(store.measurements.count('evaluate', 'm')).toBe(1)
  expect(store.measurements.count('evaluate', null)).toBe(1)
  expect(store.measurements.count('bench', null)).toBe(0)
})

it('keeps equal bytes once and finds blobs by content until their file is gone', () => {
  const store = storeIn(temporaryFolder())
  const first = store.artifacts.putBytes(Uint8Array.of(1, 2, 3))
  expect(store.artifacts.putBytes(Uint8Array.of(1, 2, 3))).toEqual(first)
  expect([...store.artifacts.read(first.sha256)]).toEqual([1, 2, 3])
  store.blobs.keep('calibration', { model: 'm' }, first, '2026-01-01T00:00:00Z')
  expect(store.blobs.find('calibration', { model: 'm' })).toEqual(first)
  fs.rmSync(store.artifacts.pathOf(first.sha256))
  expect(store.blobs.find('calibration', { model: 'm' })).toBeNull()
  expect(() => store.artifacts.read(first.sha256)).toThrow(expect.objectContaining({ code: 'store.artifactMissing' }))
  expect(() => store.artifacts.pathOf('../../etc/passwd')).toThrow(/not a SHA-256/)
})

it('keeps a file under the hash of its content', async () => {
  const home = temporaryFolder()
  const store = storeIn(home)
  const source = path.join(home, 'model.bin')
  fs.writeFileSync(source, 'content')
  const blob = await store.artifacts.putFile(source)
  const expected = createHash('sha256').update('content').digest('hex')
  expect(blob).toEqual({ sha256: expected, bytes: 7 })
  expect(Buffer.from(store.artifacts.read(blob.sha256)).toString()).toBe('content')
})

it('refuses a store of a newer version, one that is no database, and a folder that cannot be one', () => {
  const newer = temporaryFolder()
  const db = new Database(path.join(newer, 'quantbench.db'))
  db.pragma(`user_version = ${MIGRATIONS.length + 1}`)
  db.close()
  expect(() => openStore(newer)).toThrow(expect.objectContaining({ code: 'store.tooNew' }))

  const garbage = temporaryFolder()
  fs.writeFileSync(
    path.join(garbage, 'quantbench.db'),
    'this is not a database at all, not even close to one'.repeat(100),
  )
  expect(() => openStore(garbage)).toThrow(expect.objectContaining({ code: 'store.corrupt' }))

  const file = path.join(temporaryFolder(), 'file')
  fs.writeFileSync(file, '')
  expect(() => openStore(file)).toThrow(expect.objectContaining({ code: 'store.unwritable' }))
})

it('says that the store is locked while another process writes', async () => {
  const home = temporaryFolder()
  const store = storeIn(home, 50)
  const script = `
    const db = new (require('better-sqlite3'))(process.argv[1])
    db.exec('BEGIN IMMEDIATE')
    process.stdout.write('held')
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['-e', script, path.join(home, 'quantbench.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  expect(() => beginRun(store, 'x')).toThrow(expect.objectContaining({ code: 'store.locked' }))
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  beginRun(store, 'x')
  expect(store.runs.get('x').status).toBe('running')
})

it('loses nothing that was kept when the process is killed', async () => {
  const home = temporaryFolder()
  openStore(home).close()
  const script = `
    import { openStore } from ${JSON.stringify(path.resolve('src/main/store/store.ts'))}
    const store = openStore(process.argv[1])
    for (let i = 0; ; i++) {
      store.measurements.keep({ kind: 'k', model: null, i }, { i }, '')
      process.stdout.write(i + '\\n')
    }`
  const writer = spawn(process.execPath, ['--input-type=module', '-e', script, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  writer.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  while (text.split('\n').length < 20) await once(writer.stdout, 'data')
  writer.kill('SIGKILL')
  await once(writer, 'close')
  const last = Number(text.trim().split('\n').at(-1))
  const store = storeIn(home)
  for (let i = 0; i <= last; i++) expect(store.measurements.find({ kind: 'k', model: null, i })).toEqual({ i })
})

it('a run whose process was killed is shown as interrupted, others under way as running', () => {
  const home = temporaryFolder()
  const store = storeIn(home)
  const owners = {
    killed: endedProcess(),
    own: null, // stays what `begin` wrote
    elsewhere: '1_00000000_',
    longAgo: '1_00000000_',
  }
  for (const id of Object.keys(owners))
    beginRun(store, id, id === 'longAgo' ? '2026-01-01T00:00:00.000Z' : new Date().toISOString())
  const db = new Database(path.join(home, 'quantbench.db'))
  for (const [id, owner] of Object.entries(owners))
    if (owner !== null) db.prepare('UPDATE runs SET owner = ? WHERE id = ?').run(owner, id)
  db.close()
  expect(store.runs.get('killed')).toMatchObject({
    status: 'interrupted',
    endedAt: null,
    warnings: [expect.stringContaining('kept')],
  })
  const statuses = Object.fromEntries(store.runs.list().map(({ id, status }) => [id, status]))
  expect(statuses).toEqual({ killed: 'interrupted', own: 'running', elsewhere: 'running', longAgo: 'interrupted' })
  // it was not dead after all: what it says itself counts
  store.runs.end('longAgo', { status: 'done', endedAt: '2026-01-03T00:00:00.000Z' })
  expect(store.runs.get('longAgo')).toMatchObject({ status: 'done', warnings: [] })
})

it('clears what a killed process had half written of an artifact', () => {
  const home = temporaryFolder()
  const store = storeIn(home)
  store.artifacts.putBytes(Uint8Array.of(1, 2, 3))
  store.close()
  const incoming = path.join(home, 'artifacts', 'incoming')
  const names = [`${endedProcess()}.1234.tmp`, `${ownProcess()}.1234.tmp`]
  for (const name of names) fs.writeFileSync(path.join(incoming, name), 'half')
  storeIn(home)
  expect(fs.readdirSync(incoming)).toEqual([names[1]])
})

it('writes content anew that is damaged on the disk', () => {
  const store = storeIn(temporaryFolder())
  const { sha256 } = store.artifacts.putBytes(Uint8Array.of(1, 2, 3))
  fs.writeFileSync(store.artifacts.pathOf(sha256), Uint8Array.of(1, 2))
  store.artifacts.putBytes(Uint8Array.of(1, 2, 3))
  expect(store.artifacts.read(sha256)).toEqual(Uint8Array.of(1, 2, 3))
})
