import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'

// The whole job through real processes, on the built-in sample.

let folder: string
let home: string
let int8: string
const DATA = ['--data', 'synthetic-digits', '--calibration-samples', '32', '--samples', '64']

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-cli-'))
  home = path.join(folder, 'home')
  int8 = path.join(folder, 'int8.onnx')
  const { exitCode, stderr } = await runCli(['quantize', SAMPLE, ...DATA, '-o', int8, '--home', home])
  expect(stderr).not.toContain('error')
  expect(exitCode).toBe(0)
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** The single JSON document a command prints. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCli([...args, '--json', '--home', home])
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout) as Record<string, unknown>
}

interface LayerJson {
  readonly id: string
  readonly type: string
  readonly execution: string
}

describe('the fields scripts rely on', () => {
  it('inspect tells inputs, outputs, opset and layers', async () => {
    const answer = await json('inspect', SAMPLE)
    expect(answer).toMatchObject({
      format: 'onnx',
      opset: { '': 17 },
      inputs: [{ name: 'image' }],
      outputs: [{ name: 'scores' }],
    })
    const layers = answer['layers'] as { op: string; quantizable: boolean; macs: number }[]
    expect(layers.filter(({ op }) => op === 'Conv')).toHaveLength(8)
    expect(layers.every(({ quantizable, macs }) => quantizable && macs >= 0)).toBe(true)
  })

  it('quantize writes a file that plain onnxruntime runs, and says how each layer runs', async () => {
    const output = path.join(folder, 'again.onnx')
    const answer = await json('quantize', SAMPLE, ...DATA, '-o', output, '--keep-float', 'stem/conv,block1/a/conv')
    expect(answer).toMatchObject({ output, bytes: fs.statSync(output).size, referenceBytes: fs.statSync(SAMPLE).size })
    expect(answer['run']).toEqual(expect.any(String))
    const layers = answer['layers'] as LayerJson[]
    const float = layers.filter(({ execution }) => execution === 'float').map(({ id }) => id)
    expect(float).toEqual(['stem/conv', 'block1/a/conv'])
    expect(layers.filter(({ execution }) => execution === 'int8')).toHaveLength(layers.length - 2)
    const session = await createOrtEngine().createSession(output)
    const { scores } = await session.run({
      image: { dataType: 'float', dims: [2, 1, 28, 28], data: new Float32Array(2 * 784) },
    })
    await session.release()
    expect(scores!.dims).toEqual([2, 10])
  })

  it('eval measures once and finds the measurement again', async () => {
    const args = ['eval', int8, '--reference', SAMPLE, '--data', 'synthetic-digits', '--samples', '200']
    const first = await json(...args)
    expect(first).toMatchObject({
      samples: 200,
      top1: expect.any(Number),
      agreement: expect.any(Number),
      drop: expect.any(Number),
    })
    expect(first['top1']).toBeGreaterThan(0.9)
    expect(first['sqnr']).toBeGreaterThan(25)
    expect((first['reference'] as { top1: number }).top1).toBeGreaterThan(0.95)
    const again = await runCli([...args, '--json', '--home', home])
    expect(again.stderr).toContain('measured before')
    expect({ ...(JSON.parse(again.stdout) as object), run: '' }).toEqual({ ...first, run: '' })
  })

  it('eval says so when another preprocessing fits the model better', async () => {
    const args = ['--data', 'synthetic-digits', '--samples', '64', '--preprocess', 'imagenet']
    const { warnings } = await json('eval', SAMPLE, ...args)
    expect(warnings).toEqual([expect.stringContaining('use --preprocess unit')])
  })

  it('bench times both and lists the layers', async () => {
    const answer = await json('bench', int8, '--reference', SAMPLE, '--threads', '1')
    expect(answer).toMatchObject({
      medianMs: expect.any(Number),
      referenceMedianMs: expect.any(Number),
      speedup: expect.any(Number),
    })
    expect((answer['layers'] as LayerJson[]).filter(({ execution }) => execution === 'int8')).toHaveLength(13)
  })

  it('doctor answers', async () => {
    const { findings } = await json('doctor')
    expect((findings as { state: string }[]).every(({ state }) => state !== 'failed')).toBe(true)
  })
})

describe('plans', () => {
  it('the stored plan gives the same file again', async () => {
    const { runs } = await json('runs', 'list', '--kind', 'quantize')
    const first = (runs as { id: string }[]).at(-1)!
    const { artifacts } = await json('runs', 'show', first.id)
    const { sha256 } = (artifacts as { role: string; sha256: string }[]).find(({ role }) => role === 'plan')!
    const plan = path.join(home, 'artifacts', sha256.slice(0, 2), sha256.slice(2))
    const output = path.join(folder, 'from-plan.onnx')
    await json('quantize', SAMPLE, ...DATA, '--plan', plan, '-o', output)
    expect(fs.readFileSync(output).equals(fs.readFileSync(int8))).toBe(true)
  })

  it.each([
    ['dynamic', ['--mode', 'dynamic']],
    ['weight-only', ['--mode', 'weight-only']],
    ['weight-only int4', ['--mode', 'weight-only', '--weights', 'int4']],
    ['4-bit weights, 6-bit activations', [...DATA, '--weights', '4', '--activations', '6', '--calibration', 'mse']],
    ['int4 weights', [...DATA, '--weights', 'int4']],
    ['16-bit activations', [...DATA, '--activations', 'uint16']],
    ['per tensor, affine, percentile', [...DATA, '--affine', '--per-tensor', '--calibration', 'percentile']],
  ])('%s', async (name, options) => {
    const output = path.join(folder, `${name.replace(/\W+/g, '-')}.onnx`)
    const answer = await json('quantize', SAMPLE, ...options, '-o', output)
    expect((answer['layers'] as LayerJson[]).some(({ type }) => type !== 'float')).toBe(true)
    expect(await json('eval', output, '--data', 'synthetic-digits', '--samples', '100')).toMatchObject({
      top1: expect.any(Number),
    })
  })
})

describe('runs', () => {
  it('compare and export what was done', async () => {
    const { runs } = await json('runs', 'list')
    const ids = (runs as { id: string; kind: string }[]).filter(({ kind }) => kind === 'quantize').map(({ id }) => id)
    const comparison = await json('runs', 'compare', ids[0]!, ids.at(-1)!)
    expect((comparison['settings'] as unknown[]).length).toBeGreaterThan(0)
    const csv = path.join(folder, 'runs.csv')
    expect((await runCli(['runs', 'export', '--format', 'csv', '-o', csv, '--home', home])).exitCode).toBe(0)
    expect(fs.readFileSync(csv, 'utf8').trim().split('\r\n')).toHaveLength((runs as unknown[]).length + 1)
  })

  it('become one page that needs nothing else, and no page is replaced unasked', async () => {
    const { runs } = await json('runs', 'list', '--kind', 'quantize')
    const page = path.join(folder, 'report.html')
    const args = ['report', (runs as { id: string }[])[0]!.id, '-o', page, '--title', 'A page', '--home', home]
    expect((await runCli(args)).exitCode).toBe(0)
    expect(fs.readFileSync(page, 'utf8')).toContain('<h1>A page</h1>')
    expect((await runCli(args)).exitCode).toBe(3)
    expect((await runCli([...args, '--force'])).exitCode).toBe(0)
    expect((await runCli(['report', 'nothing', '--home', home])).exitCode).toBe(3)
  })
})

it('Ctrl-C ends with 130 and leaves nothing half-written', async () => {
  const output = path.join(folder, 'interrupted.onnx')
  const before = fs.readdirSync(folder)
  const args = [
    'quantize',
    SAMPLE,
    '--data',
    'synthetic-digits',
    '--calibration-samples',
    '8000',
    '--seed',
    '7',
    '-o',
    output,
  ]
  const { exitCode, stderr } = await runCli([...args, '--home', home], {
    onStderr: (text, interrupt) => text.includes('Inputs lie in') && interrupt(),
  })
  expect(stderr).toContain('Interrupted')
  expect(exitCode).toBe(130)
  expect(fs.readdirSync(folder)).toEqual(before)
  const { runs } = await json('runs', 'list', '--limit', '1')
  expect(runs).toMatchObject([{ kind: 'quantize', status: 'interrupted' }])
})
