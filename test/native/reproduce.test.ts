import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultPlan } from '../../src/shared/contract/plan.ts'
import { readEnvironment } from '../../src/main/engines/environment.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { createPool, type WorkerPool } from '../../src/main/jobs/pool.ts'
import type { FloatAsk, Scale, Table } from '../../src/main/jobs/reproduce/port.ts'
import { figuresOf, figuresStep } from '../../src/main/jobs/reproduce/tables/parts.ts'
import { reproduceTable, type ReproduceAnswer } from '../../src/main/jobs/reproduce-run.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { openStore, type Store } from '../../src/main/store/store.ts'
import { runCli } from '../builders/cli.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()
const RECIPE = path.resolve(import.meta.dirname, '../../resources/recipes/small-cnn.json')

// A table in small: it trains, quantizes, trains for integers, times and writes with the services that the classic ones use.
const ASK: FloatAsk = { recipe: 'small-cnn', data: 'synthetic-digits', options: { epochs: 2 }, validation: 100 }
const SCALE: Scale = { quick: true, trainSamples: 600, epochs: 2, evaluationSamples: 200, calibrationSamples: 32 }
const TABLE: Table = {
  name: 'tiny',
  title: 'Tiny',
  about: [],
  data: ['synthetic-digits'],
  steps: () => [
    figuresStep('float', 'float', 2, (desk) => desk.float(ASK)),
    figuresStep('ptq', 'PTQ', 1, (desk) => desk.ptq(ASK, defaultPlan)),
    {
      name: 'QAT',
      effort: 2,
      work: async (desk) => {
        const figures = await desk.qat(ASK, { plan: defaultPlan, options: { epochs: 1 } })
        return { ...figuresOf('qat', figures), gap: figures.gap }
      },
    },
    {
      name: 'curve',
      effort: 1,
      work: async (desk) =>
        Object.fromEntries(
          (await desk.curve(ASK, [4, 8], defaultPlan)).map(({ bits, top1 }) => [`curve.${bits}`, top1]),
        ),
    },
  ],
  sections: () => [
    {
      title: 'Digits',
      axis: null,
      columns: [{ title: 'accuracy', unit: 'percent', digits: 2, of: 'measured' }],
      rows: ['float.top1', 'ptq.top1', 'qat.top1', 'curve.4', 'curve.8'].map((key) => ({ label: key, cells: [key] })),
      notes: [],
    },
  ],
  claims: [
    {
      text: "QAT's own top-1 and the file's",
      cell: 'gap',
      bound: 'atMost',
      than: 0.01,
      allowance: 0,
      unit: 'points',
      digits: 2,
      why: '',
    },
  ],
}

let folder: string
let store: Store
let pool: WorkerPool
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-reproduce-test-'))
  store = openStore(path.join(folder, 'home'))
  pool = createPool(createNodeWorkerHost(), { size: 2 })
})
afterAll(async () => {
  await pool.close()
  store.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

const recipe = (): { file: string; text: string } => ({ file: RECIPE, text: fs.readFileSync(RECIPE, 'utf8') })

function reproduce(more: Partial<Services> = {}): Promise<{ run: string; value: ReproduceAnswer }> {
  const services: Services = {
    store,
    pool,
    environment: readEnvironment(),
    now: () => new Date().toISOString(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onLog: () => undefined,
    ...more,
  }
  const output = path.join(folder, 'out')
  const request = { name: 'tiny', dataRoot: null, quick: true, output, command: 'quantbench reproduce tiny' }
  return reproduceTable(TABLE, request, recipe, services, SCALE)
}

describe.skipIf(!engine)('a table end to end', () => {
  it('goes on where it was interrupted, measures every cell as runs, and finds all of it the second time', async () => {
    const abort = new AbortController()
    const onLog = (_: string, message: string): void => {
      if (message.startsWith('Epoch 1 of 2')) abort.abort(new DOMException('interrupted', 'AbortError'))
    }
    await expect(reproduce({ signal: abort.signal, onLog })).rejects.toThrow('interrupted')
    expect(fs.existsSync(path.join(folder, 'out', 'tiny.md'))).toBe(false)

    const messages: string[] = []
    const first = await reproduce({ onLog: (_, message) => messages.push(message) })
    expect(messages.filter((message) => message.startsWith('Epoch 1 of 2'))).toEqual([])
    expect(messages.some((message) => message.startsWith('Epoch 2 of 2'))).toBe(true)
    const { document, files } = first.value
    expect(document.cells.get('float.top1')!.value).toBeGreaterThan(0.15)
    expect(document.verdicts[0]!.met).toBe(true)
    for (const { run } of document.cells.values()) expect(store.runs.get(run).status).toBe('done')
    for (const file of Object.values(files)) expect(fs.statSync(file).size).toBeGreaterThan(100)
    expect(fs.readFileSync(files.markdown, 'utf8')).toContain('Quick version')
    expect(store.runs.get(first.run)).toMatchObject({ kind: 'reproduce', status: 'done', metrics: { met: 1 } })

    const again: string[] = []
    const second = await reproduce({ onLog: (_, message) => again.push(message) })
    expect(again).toEqual(['float: found', 'PTQ: found', 'QAT: found', 'curve: found'])
    expect([...second.value.document.cells]).toEqual([...document.cells])
  })
})

describe('quantbench reproduce', () => {
  it.each([
    { why: 'an unknown table', args: ['lenet-99'], code: 2, says: /choose one of lenet-bits, / },
    { why: 'no data root', args: ['lenet-bits'], code: 3, says: /needs mnist, cifar10.*--data-root DIR/ },
    {
      why: 'a root without the data',
      args: ['fashion-qat', '--data-root', import.meta.dirname],
      code: 3,
      says: /needs fashion-mnist.*data pull fashion-mnist/,
    },
  ])('refuses $why', async ({ args, code, says }) => {
    const out = path.join(folder, 'refused')
    const { exitCode, stderr } = await runCli([
      'reproduce',
      ...args,
      '--home',
      path.join(folder, 'other'),
      '--out',
      out,
    ])
    expect(exitCode).toBe(code)
    expect(stderr).toMatch(says)
    expect(fs.existsSync(out)).toBe(false)
  })
})
