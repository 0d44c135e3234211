import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { joinChunks, encodeModel } from '../../src/main/formats/onnx/index.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'
import { ModelBuilder } from '../builders/model-builder.ts'

// Bad input through real processes: one sentence, the right exit code, no stack trace, nothing written.

let folder: string
let home: string

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bad-'))
  home = path.join(folder, 'home')
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string | Uint8Array): string {
  const target = path.join(folder, name)
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(target, content)
  return target
}

const modelFile = (name: string, model: Model): string => file(name, joinChunks(encodeModel(model)))

function convModel(change: (builder: ModelBuilder) => void = () => {}, weights?: Float32Array): Model {
  const b = new ModelBuilder({ opset: 17 })
  const x = b.input('image', ['N', 1, 28, 28])
  const w = b.constant(
    floatTensor('w', [4, 1, 3, 3], weights ?? Float32Array.from({ length: 36 }, (_, i) => Math.sin(i))),
  )
  const y = b.node('Flatten', [b.node('GlobalAveragePool', [b.node('Conv', [x, w], {}, { name: 'conv' })])])
  change(b)
  b.output(y, ['N', 4])
  return b.build()
}

/** Quantizes a model on the digits. */
const quantize = (model: string, ...more: string[]): string[] => {
  return [
    'quantize',
    model,
    '--data',
    'synthetic-digits',
    '--calibration-samples',
    '8',
    '--samples',
    '8',
    '-o',
    path.join(folder, 'out.onnx'),
    ...more,
  ]
}
const evaluate = (data: string): string[] => ['eval', SAMPLE, '--data', data]

interface BadCase {
  readonly why: string
  readonly args: () => string[]
  readonly exitCode: number
  readonly says: RegExp
}

const cases: readonly BadCase[] = [
  {
    why: 'a model that is not there',
    args: () => ['inspect', path.join(folder, 'none.onnx')],
    exitCode: 3,
    says: /none\.onnx does not exist/,
  },
  { why: 'an empty file', args: () => ['inspect', file('empty.onnx', '')], exitCode: 3, says: /empty/ },
  {
    why: 'a text file',
    args: () => ['inspect', file('text.onnx', 'hello, this is no model\n'.repeat(20))],
    exitCode: 3,
    says: /text\.onnx/,
  },
  {
    why: 'a zip',
    args: () => ['inspect', file('zip.onnx', Buffer.from('504b0304140000000800', 'hex'))],
    exitCode: 3,
    says: /zip/i,
  },
  {
    why: 'a truncated model',
    args: () => quantize(file('cut.onnx', fs.readFileSync(SAMPLE).subarray(0, 60_000))),
    exitCode: 3,
    says: /cut\.onnx/,
  },
  {
    why: 'random bytes',
    args: () => [
      'inspect',
      file(
        'random.onnx',
        Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3) * 104729) & 255),
      ),
    ],
    exitCode: 3,
    says: /random\.onnx/,
  },
  { why: 'a folder', args: () => ['inspect', folder], exitCode: 3, says: /folder/ },
  {
    why: 'a dangling input',
    args: () => [
      'inspect',
      modelFile(
        'dangling.onnx',
        convModel((b) => void b.node('Relu', ['nowhere'], {}, { name: 'lost' })),
      ),
    ],
    exitCode: 3,
    says: /nowhere/,
  },
  {
    why: 'a custom operator',
    args: () => [
      'inspect',
      modelFile(
        'custom.onnx',
        convModel((b) => void b.node('Magic', ['image'], {}, { domain: 'com.acme', name: 'm' })),
      ),
    ],
    exitCode: 3,
    says: /Magic/,
  },
  {
    why: 'an opset from the future',
    args: () => ['inspect', modelFile('future.onnx', { ...convModel(), opsets: new Map([['', 99]]) })],
    exitCode: 3,
    says: /99/,
  },
  {
    why: 'a plan that is not JSON',
    args: () => quantize(SAMPLE, '--plan', file('bad.json', '{')),
    exitCode: 3,
    says: /bad\.json is not JSON/,
  },
  {
    why: 'a plan with unknown fields',
    args: () => quantize(SAMPLE, '--plan', file('odd.json', '{"version":1}')),
    exitCode: 3,
    says: /defaults/,
  },
  {
    why: 'a layer that is not there',
    args: () => quantize(SAMPLE, '--keep-float', 'stem/cnov'),
    exitCode: 3,
    says: /stem\/conv/,
  },
  {
    why: 'calibration and evaluation on the same samples',
    args: () => quantize(SAMPLE, '--split', 'test', '--range', '0:10', '--calibration-range', '5:20'),
    exitCode: 2,
    says: /--allow-overlap/,
  },
  { why: 'an unknown kind of data', args: () => evaluate('vhs:tape'), exitCode: 2, says: /vhs/ },
  {
    why: 'data that are not there',
    args: () => evaluate(`mnist:${path.join(folder, 'nodata')}`),
    exitCode: 3,
    says: /nodata/,
  },
  {
    why: 'an empty folder of pictures',
    args: () => evaluate(`images:${path.dirname(file('pictures/.keep', ''))}`),
    exitCode: 3,
    says: /pictures/,
  },
  {
    why: 'a corrupt picture',
    args: () => evaluate(`images:${path.dirname(path.dirname(file('corrupt/cat/1.jpg', 'no jpeg')))}`),
    exitCode: 3,
    says: /1\.jpg/,
  },
  {
    why: 'an archive that is none',
    args: () => evaluate(`npz:${file('bad.npz', 'no archive')}`),
    exitCode: 3,
    says: /bad\.npz/,
  },
  {
    why: 'an output folder that is not there',
    args: () => ['quantize', SAMPLE, '--mode', 'dynamic', '-o', path.join(folder, 'no', 'where.onnx')],
    exitCode: 3,
    says: /folder does not exist/,
  },
  {
    why: 'an output that is there',
    args: () => ['quantize', SAMPLE, '--mode', 'dynamic', '-o', file('there.onnx', 'mine')],
    exitCode: 3,
    says: /there\.onnx/,
  },
  {
    why: 'static without data',
    args: () => ['quantize', SAMPLE, '-o', path.join(folder, 'out.onnx')],
    exitCode: 2,
    says: /--data/,
  },
  {
    why: 'symmetric 1-bit weights',
    args: () => quantize(SAMPLE, '--weights', '1', '--symmetric'),
    exitCode: 2,
    says: /1-bit/,
  },
  { why: 'a run that is not there', args: () => ['runs', 'show', 'zzz'], exitCode: 3, says: /no run zzz/ },
  {
    why: 'a shape that does not fit',
    args: () => ['bench', SAMPLE, '--shape', 'image=1x3x28x28'],
    exitCode: 2,
    says: /image/,
  },
]

describe('bad input', () => {
  it.each(cases)('$why', async ({ args, exitCode, says }) => {
    const given = args()
    const before = fs.readdirSync(folder, { recursive: true }).filter((name) => !String(name).startsWith('home'))
    const end = await runCli([...given, '--home', home])
    const errors = end.stderr.split('\n').filter((line) => line.startsWith('error: '))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(says)
    expect(end.stderr).not.toMatch(/\n\s+at /)
    expect(end.stdout).toBe('')
    expect(end.exitCode).toBe(exitCode)
    expect(fs.readdirSync(folder, { recursive: true }).filter((name) => !String(name).startsWith('home'))).toEqual(
      before,
    )
  })
})

it('NaN weights keep their layer in float with the reason, and abort nothing', async () => {
  const model = modelFile('nan.onnx', convModel(undefined, new Float32Array(36).fill(NaN, 0, 1)))
  const { exitCode, stdout } = await runCli([
    'quantize',
    model,
    '--mode',
    'weight-only',
    '-o',
    path.join(folder, 'nan-out.onnx'),
    '--json',
    '--home',
    home,
  ])
  expect(exitCode).toBe(0)
  const { layers } = JSON.parse(stdout) as { layers: { id: string; type: string; reason: string }[] }
  const conv = layers.find(({ id }) => id === 'conv')!
  expect(conv.type).toBe('float')
  expect(conv.reason).toMatch(/NaN/)
})

it('all-zero weights quantize', async () => {
  const model = modelFile('zero.onnx', convModel(undefined, new Float32Array(36)))
  const { exitCode, stderr } = await runCli([...quantize(model, '--force'), '--home', home])
  expect({ exitCode, stderr: stderr.includes('error') }).toEqual({ exitCode: 0, stderr: false })
})

it('a locked store is told as such', async () => {
  const locked = path.join(folder, 'locked-home')
  expect((await runCli(['runs', 'list', '--home', locked])).exitCode).toBe(0)
  const script = `
    const db = new (require('better-sqlite3'))(process.argv[1])
    db.exec('BEGIN EXCLUSIVE')
    process.stdout.write('held')
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['-e', script, path.join(locked, 'quantbench.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const { exitCode, stderr } = await runCli([
    'quantize',
    SAMPLE,
    '--mode',
    'dynamic',
    '-o',
    path.join(folder, 'l.onnx'),
    '--home',
    locked,
  ])
  expect(stderr).toMatch(/error: The store .* is locked/)
  expect(exitCode).toBe(4)
})
