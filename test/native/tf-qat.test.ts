import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLI_ENTRY, runCli, SAMPLE, type CliResult } from '../builders/cli.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

let folder: string
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-tf-qat-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

interface Answer {
  readonly history: readonly { readonly epoch: number }[]
  readonly float: { readonly top1: number }
  readonly own: { readonly top1: number }
  readonly test: { readonly top1: number; readonly samples: number }
  readonly gap: number
  readonly plan: { readonly tensors: Readonly<Record<string, { readonly range: readonly number[] }>> }
  readonly layers: readonly { readonly id: string; readonly bits: number | null; readonly type: string }[]
}

const HELD = ['--data', 'synthetic-digits', '--validation', '200', '--workers', '2', '--json']

const qat = (home: string, args: readonly string[]): Promise<CliResult> =>
  runCli(['qat', ...args, ...HELD, '--home', path.join(folder, home)])

/** Ends the process as hard as can be once its first epoch is kept. */
async function killAfterFirstEpoch(home: string, args: readonly string[]): Promise<void> {
  const all = ['qat', ...args, ...HELD, '--home', path.join(folder, home)]
  const child = spawn(process.execPath, [CLI_ENTRY, ...all], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    if (/Epoch 1 of/.test(stderr)) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.on('close', resolve))
}

/** Several processes one after another, each training: on a busy machine that takes its time. */
const PATIENCE = 400_000

describe.skipIf(!engine)('quantbench qat', () => {
  it(
    'at 2 bits beats quantization after training, and its file scores what training saw',
    async () => {
      const output = path.join(folder, 'two.onnx')
      const trained = await qat('home', [SAMPLE, '--bits', '2', '--epochs', '2', '--samples', '1500', '-o', output])
      expect(trained.stderr).toMatch(/Learning rate 0\.005 for learned steps with sgd/)
      expect(trained.exitCode).toBe(0)
      const answer = JSON.parse(trained.stdout) as Answer
      expect(answer.gap).toBeLessThanOrEqual(0.001)
      const common = ['--data', 'synthetic-digits', '--home', path.join(folder, 'home'), '--workers', '2', '--json']
      const plain = path.join(folder, 'plain.onnx')
      await runCli(['quantize', SAMPLE, '--weights', '2', '--activations', '2', '-o', plain, ...common])
      const evaluated = JSON.parse((await runCli(['eval', plain, ...common])).stdout) as { top1: number }
      expect(answer.test.top1).toBeGreaterThan(evaluated.top1)
    },
    PATIENCE,
  )

  it(
    'goes on after kill -9, and leaves the layers of a hybrid plan in float',
    async () => {
      const output = path.join(folder, 'hybrid.onnx')
      const { layers } = JSON.parse((await runCli(['inspect', SAMPLE, '--json'])).stdout) as {
        layers: readonly { readonly id: string; readonly role: string }[]
      }
      const kept = layers.find(({ role }) => role === 'weighted')!.id
      const args = [SAMPLE, '--bits', '4', '--keep-float', kept, '--epochs', '3', '--samples', '600', '-o', output]
      await killAfterFirstEpoch('killed', args)
      expect(fs.existsSync(output)).toBe(false)
      const home = ['--home', path.join(folder, 'killed'), '--json']
      const { runs } = JSON.parse((await runCli(['runs', 'list', ...home])).stdout) as {
        runs: { id: string; kind: string }[]
      }
      expect(runs[0]).toMatchObject({ kind: 'qat' })
      const resumed = await runCli(['qat', '--resume', runs[0]!.id, ...home, '--workers', '2'])
      expect(resumed.stderr).not.toMatch(/Epoch 1 of 3/)
      expect(resumed.exitCode).toBe(0)
      const answer = JSON.parse(resumed.stdout) as Answer
      expect(answer.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
      expect(answer.gap).toBeLessThanOrEqual(0.001)
      expect(answer.layers.find(({ id }) => id === kept)).toMatchObject({ type: 'float' })
      expect(answer.layers.filter(({ bits }) => bits === 4).length).toBeGreaterThan(0)
      expect(Object.keys(answer.plan.tensors).length).toBeGreaterThan(0)
    },
    PATIENCE,
  )

  it.each([
    { why: 'one bit', args: [SAMPLE, '--bits', '1', '-o', 'x.onnx'], code: 2, says: /2 bits and more/ },
    { why: 'nothing to train', args: ['-o', 'x.onnx'], code: 2, says: /qat MODEL --data/ },
    { why: 'a model that is not there', args: ['gone.onnx', '-o', 'x.onnx'], code: 3, says: /gone\.onnx/ },
    {
      why: 'a layer that is not there',
      args: [SAMPLE, '--keep-float', 'nowhere', '-o', 'x.onnx'],
      code: 3,
      says: /layer "nowhere"/,
    },
  ])('refuses $why', async ({ args, code, says }) => {
    const { exitCode, stderr } = await qat('other', args)
    expect(stderr).toMatch(says)
    expect(exitCode).toBe(code)
  })
})
