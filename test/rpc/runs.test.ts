import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import type { RunDetail, RunKind } from '../../src/shared/contract/runs.ts'
import { openStore, type Store } from '../../src/main/store/store.ts'
import { testApplication } from '../builders/application.ts'
import { layerResult, runDetail } from '../builders/runs.ts'
import { temporaryFolder } from '../builders/temporary.ts'

// The table of runs as a window reads and edits it.

const KINDS: readonly RunKind[] = ['quantize', 'evaluate', 'bench', 'sensitivity', 'search', 'measurePlan']

/** The i-th of many runs: kinds, models, metrics and dates spread evenly. */
function manyRuns(i: number): RunDetail {
  return runDetail({
    id: `run-${String(i).padStart(5, '0')}`,
    kind: KINDS[i % KINDS.length]!,
    startedAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
    endedAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000 + 1000 * (i % 97)).toISOString(),
    modelHash: `sha256:${i % 5}`,
    modelPath: `/models/net-${i % 5}.onnx`,
    metrics: {
      top1: ((i * 7919) % 10_000) / 10_000,
      bytes: 1000 + (i % 333),
      ...(i % 2 ? { speedup: 1 + (i % 10) / 10 } : {}),
    },
    tags: i % 100 === 0 ? ['kept'] : [],
    note: i === 4321 ? 'the One with the Note' : '',
    parameters: { plan: { defaults: { bits: i % 8 } }, seed: i },
    layers: i < 20 ? Array.from({ length: 60 }, (_, l) => layerResult({ id: `layer-${l}`, ms: l + i / 10 })) : [],
  })
}

function fill(store: Store, count: number): void {
  store.runs.restoreWhole(Array.from({ length: count }, (_, i) => manyRuns(i)))
}

describe('ten thousand runs', () => {
  it('are listed by page, sorted, filtered, found and compared', async () => {
    const { app, connect } = testApplication()
    fill(app.store, 10_000)
    const client = connect()
    const first = await client.runs.list({})
    expect(first).toMatchObject({ total: 10_000, offset: 0 })
    expect(first.runs).toHaveLength(200)
    expect(first.runs[0]!.id).toBe('run-09999')
    const byMetric = await client.runs.list({ sort: { by: 'metric:speedup', descending: true }, limit: 50 })
    expect(byMetric.runs.every(({ metrics }) => metrics['speedup'] === 1.9)).toBe(true)
    const last = await client.runs.list({ sort: { by: 'metric:speedup', descending: false }, offset: 9_990 })
    expect(last.runs.every(({ metrics }) => metrics['speedup'] === undefined)).toBe(true)
    const filtered = await client.runs.list({
      filter: {
        kinds: ['bench', 'search'],
        modelHash: 'sha256:2',
        metrics: [{ name: 'top1', min: 0.5 }],
        parameters: [{ path: 'plan.defaults.bits', value: '4' }],
      },
    })
    const expected = Array.from({ length: 10_000 }, (_, i) => manyRuns(i)).filter(
      ({ kind, modelHash, metrics, parameters }) =>
        (kind === 'bench' || kind === 'search') &&
        modelHash === 'sha256:2' &&
        metrics['top1']! >= 0.5 &&
        JSON.stringify(parameters).includes('"bits":4'),
    )
    expect(filtered.total).toBe(expected.length)
    const found = await client.runs.list({ filter: { text: 'one WITH the' } })
    expect(found.runs.map(({ id }) => id)).toEqual(['run-04321'])
    const twenty = await client.runs.compare({ runs: Array.from({ length: 20 }, (_, i) => manyRuns(i).id) })
    expect(twenty.runs).toHaveLength(20)
    const facets = await client.runs.facets()
    expect(facets).toMatchObject({ total: 10_000, deleted: 0, metrics: ['bytes', 'speedup', 'top1'] })
    expect(facets.tags).toEqual([{ tag: 'kept', count: 100 }])
    expect(await client.runs.trends({ metric: 'top1', filter: { modelHash: 'sha256:1' } })).toHaveLength(2000)
    const csv = await client.runs.export({ format: 'csv' })
    expect(csv.text.split('\r\n')).toHaveLength(10_002)
    const json = await client.runs.export({ format: 'json', runs: ['run-00003', 'run-00007'] })
    expect((JSON.parse(json.text) as { runs: RunDetail[] }).runs.map(({ id }) => id)).toEqual([
      'run-00007',
      'run-00003',
    ])
  })
})

describe('a run', () => {
  it('is tagged, noted, pinned, hidden and brought back', async () => {
    const { app, connect } = testApplication()
    fill(app.store, 3)
    const client = connect()
    await client.runs.tag({ runs: ['run-00001', 'run-00002'], tags: ['good', 'good', 'best'] })
    await client.runs.note({ run: 'run-00001', note: 'why' })
    await client.runs.pin({ run: 'run-00002' })
    expect(await client.runs.show({ run: 'run-00001' })).toMatchObject({ tags: ['best', 'good'], note: 'why' })
    expect(await client.runs.facets()).toMatchObject({ baseline: 'run-00002' })
    expect((await client.runs.list({ filter: { tags: ['good', 'best'] } })).total).toBe(2)
    await client.runs.remove({ runs: ['run-00002'] })
    expect((await client.runs.list({})).runs.map(({ id }) => id)).toEqual(['run-00001', 'run-00000'])
    expect((await client.runs.list({ filter: { deleted: true } })).runs.map(({ id }) => id)).toEqual(['run-00002'])
    const gone: unknown = await client.runs.show({ run: 'run-00002' }).catch((error: unknown) => error)
    expect(faultOf(gone)?.code).toBe('data.runNotFound')
    expect((await client.runs.show({ run: 'run-00002', deleted: true })).id).toBe('run-00002')
    await client.runs.restore({ runs: ['run-00002'] })
    expect((await client.runs.list({})).total).toBe(3)
    await client.runs.pin({ run: null })
    expect(await client.runs.facets()).toMatchObject({ baseline: null })
  })

  it('makes a report that needs nothing else, whatever its note holds', async () => {
    const { app, connect } = testApplication()
    fill(app.store, 2)
    const client = connect()
    await client.runs.note({ run: 'run-00000', note: '<script>alert(1)</script>' })
    const { html, fileName } = await client.runs.report({ runs: ['run-00000', 'run-00001'], title: 'Two runs' })
    expect(fileName).toBe('quantbench-run-00000.html')
    expect(html).toContain('Two runs')
    expect(html).not.toContain('<script')
    expect(html).not.toMatch(/https?:\/\//)
  })

  it('is copied from another store with its files, once', async () => {
    const { app, connect } = testApplication()
    const other = path.join(app.store.home, 'other')
    const theirs = openStore(other)
    const blob = theirs.artifacts.putBytes(new TextEncoder().encode('a plan'))
    const artifacts = [{ role: 'plan', ...blob, path: null }]
    theirs.runs.restoreWhole([{ ...manyRuns(0), artifacts }, manyRuns(1)])
    const client = connect()
    expect(await client.runs.import({ path: other })).toEqual({ imported: 2, skipped: 0 }) // while it is open elsewhere
    theirs.close()
    expect(await client.runs.import({ path: path.join(other, 'quantbench.db') })).toEqual({ imported: 0, skipped: 2 })
    expect(await client.runs.show({ run: 'run-00000' })).toMatchObject({ artifacts, tags: ['kept'] })
    expect(app.store.artifacts.has(blob.sha256)).toBe(true)
    const link = await client.files.download({ run: 'run-00000', role: 'plan' })
    expect(link).toMatchObject({ fileName: 'run-00000-plan' })
    const empty = path.join(app.store.home, 'empty')
    fs.mkdirSync(empty)
    const refused: unknown = await client.runs.import({ path: empty }).catch((error: unknown) => error)
    expect(faultOf(refused)?.code).toBe('file.notFound')
    const own: unknown = await client.runs.import({ path: app.store.home }).catch((error: unknown) => error)
    expect(faultOf(own)?.code).toBe('usage.sameStore')
    const outside: unknown = await client.runs.import({ path: temporaryFolder() }).catch((error: unknown) => error)
    expect(faultOf(outside)?.code).toBe('file.outsideWorkspace')
  })
})
