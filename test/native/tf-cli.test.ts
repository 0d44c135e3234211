import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLI_ENTRY, runCli } from '../builders/cli.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()

let folder: string
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-tf-cli-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Runs until stderr says `until`, then ends the process as hard as can be. */
function killWhen(args: readonly string[], until: RegExp): Promise<string> {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    if (until.test(stderr)) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.on('close', () => resolve(stderr)))
}

interface Trained {
  readonly run: string
  readonly history: readonly { readonly epoch: number; readonly loss: number }[]
  readonly test: { readonly top1: number; readonly split: string }
}

describe.skipIf(!engine)('quantbench train', () => {
  it('goes on after kill -9, and the file it writes runs in ONNX Runtime', async () => {
    const home = path.join(folder, 'home')
    const output = path.join(folder, 'small.onnx')
    const common = ['--home', home, '--workers', '2', '--json']
    const args = [
      'train',
      'small-cnn',
      '--data',
      'synthetic-digits',
      '-o',
      output,
      '--epochs',
      '4',
      '--samples',
      '1500',
      '--validation',
      '200',
    ]
    await killWhen([...args, ...common], /Epoch 1 of 4/)
    expect(fs.existsSync(output)).toBe(false)
    const { runs } = JSON.parse((await runCli(['runs', 'list', ...common])).stdout) as {
      runs: { id: string; kind: string }[]
    }
    expect(runs).toMatchObject([{ kind: 'train' }])
    const resumed = await runCli(['train', '--resume', runs[0]!.id, ...common])
    expect(resumed.stderr).not.toMatch(/Epoch 1 of 4/)
    expect(resumed.exitCode).toBe(0)
    const answer = JSON.parse(resumed.stdout) as Trained
    expect(answer.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
    expect(answer.history[3]!.loss).toBeLessThan(answer.history[0]!.loss)
    expect(answer.test).toMatchObject({ split: 'test' })
    expect(answer.test.top1).toBeGreaterThan(0.2)
    expect(fs.existsSync(output)).toBe(true)
  })

  it.each([
    {
      why: 'an unknown recipe',
      args: ['lenet99', '--data', 'synthetic-digits', '-o', 'x.onnx'],
      code: 2,
      says: /no recipe 'lenet99'/,
    },
    { why: 'no data', args: ['lenet5', '-o', 'x.onnx'], code: 2, says: /train RECIPE --data/ },
    { why: 'a run that is none', args: ['--resume', 'zzz'], code: 3, says: /zzz/ },
  ])('refuses $why', async ({ args, code, says }) => {
    const { exitCode, stderr } = await runCli(['train', ...args, '--home', path.join(folder, 'other')])
    expect(stderr).toMatch(says)
    expect(exitCode).toBe(code)
  })
})
