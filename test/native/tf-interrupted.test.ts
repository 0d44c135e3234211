import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLI_ENTRY, runCli } from '../builders/cli.ts'
import { tensorEngine } from '../builders/tensorflow.ts'

const engine = await tensorEngine()
if (process.platform !== 'linux') console.warn('skipped: processes and limits are looked up in /proc')

const hasLimits = spawnSync('prlimit', ['--version']).status === 0
if (!hasLimits) console.warn('skipped: a full disk is played with prlimit of util-linux, which is not installed')

let folder: string
let home: string
let common: string[]
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-interrupted-'))
  home = path.join(folder, 'home')
  common = ['--home', home, '--workers', '1', '--json']
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const training = (output: string): string[] => [
  ...['train', 'lenet5', '--data', 'synthetic-digits', '-o', path.join(folder, output)],
  ...['--epochs', '4', '--samples', '600', '--validation', '100', '--schedule', 'constant'],
]

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command, and does something to its processes once its log says `when`. */
function disturbed(
  args: readonly string[],
  when: RegExp,
  disturb: (workers: readonly number[], command: number) => void,
): Promise<Ended> {
  const child: ChildProcess = spawn(process.execPath, [CLI_ENTRY, ...args, ...common], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr, done] = ['', '', false]
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    if (done || !when.test(stderr)) return
    done = true
    disturb(childrenOf(child.pid!), child.pid!)
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

const childrenOf = (pid: number): number[] =>
  fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .flatMap((text) => (text.trim() === '' ? [] : [Number(text)]))

interface Answer {
  readonly run: string
  readonly history: readonly { readonly epoch: number; readonly loss: number; readonly validationLoss: number }[]
  readonly bestEpoch: number
}

const lossesOf = ({ history }: Answer): number[] =>
  history.flatMap(({ loss, validationLoss }) => [loss, validationLoss])

/** False for a process that has ended, whether somebody has asked for its end or not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function newestRun(): Promise<{ id: string; status: string }> {
  const { stdout } = await runCli(['runs', 'list', ...common])
  return (JSON.parse(stdout) as { runs: { id: string; status: string }[] }).runs[0]!
}

const checkpoints = (): string[] => fs.readdirSync(path.join(home, 'checkpoints'))

describe.skipIf(!engine || process.platform !== 'linux')('a training that is cut off', () => {
  let whole: Answer

  beforeAll(async () => {
    const { stdout, stderr, exitCode } = await runCli([...training('whole.onnx'), ...common])
    expect(stderr).toMatch(/Epoch 4 of 4/)
    expect(exitCode).toBe(0)
    whole = JSON.parse(stdout) as Answer
  })

  it('leaves no checkpoint behind once it is done', () => {
    expect(checkpoints()).toEqual([])
  })

  it('ends with a fault when its worker is killed, and goes on to the very same end', async () => {
    const ended = await disturbed(training('killed.onnx'), /Epoch 2 of 4/, (workers) =>
      workers.forEach((pid) => process.kill(pid, 'SIGKILL')),
    )
    expect(ended.stderr).toMatch(/engine\.crashed|SIGKILL/)
    expect(ended.stderr).toMatch(/go on with --resume/)
    expect(ended.code).toBe(4)
    const { id, status } = await newestRun()
    expect(status).toBe('failed')
    expect(checkpoints()).toEqual([id])
    const resumed = await runCli(['train', '--resume', id, ...common])
    expect(resumed.stderr).not.toMatch(/Epoch 1 of 4/)
    expect(resumed.exitCode).toBe(0)
    const answer = JSON.parse(resumed.stdout) as Answer
    expect(lossesOf(answer)).toEqual(lossesOf(whole))
    expect(answer.bestEpoch).toBe(whole.bestEpoch)
    expect(fs.readFileSync(path.join(folder, 'killed.onnx'))).toEqual(fs.readFileSync(path.join(folder, 'whole.onnx')))
    expect(checkpoints()).toEqual([])
  })

  it.skipIf(!hasLimits)(
    'keeps the last good checkpoint when the disk is full, and says so',
    async () => {
      // the checkpoint, with two slots a weight, is the only file above the limit
      const limit = (workers: readonly number[]): void =>
        workers.forEach((pid) => execFileSync('prlimit', ['--fsize=400000', '--pid', String(pid)]))
      const ended = await disturbed(training('full.onnx'), /Epoch 1 of 4/, limit)
      expect(ended.stderr).toMatch(/checkpoint\.bin cannot be written: the disk is full/)
      expect(ended.stderr).toMatch(/go on with --resume/)
      const { id } = await newestRun()
      const left = path.join(home, 'checkpoints', id)
      expect(fs.readdirSync(left).sort()).toEqual(['best.onnx', 'checkpoint.bin', 'start.onnx'])
      const resumed = await runCli(['train', '--resume', id, ...common])
      expect(lossesOf(JSON.parse(resumed.stdout) as Answer)).toEqual(lossesOf(whole))
      expect(checkpoints()).toEqual([])
    },
    180_000,
  )

  it('leaves no process behind when it is killed itself', async () => {
    let left: readonly number[] = []
    const ended = await disturbed(training('orphans.onnx'), /Epoch 1 of 4/, (workers, command) => {
      left = workers
      process.kill(command, 'SIGKILL')
    })
    expect(ended.code).toBe(null)
    expect(left).toHaveLength(1)
    await expect.poll(() => left.filter(isAlive), { timeout: 10_000 }).toEqual([])
  })

  it('exports the best epoch from before the interruption', async () => {
    // a rate and a decay that spoil what was learned: an early epoch stays the best
    const spoiling = ['--optimizer', 'sgd', '--learning-rate', '0.15', '--weight-decay', '0.05', '--batch', '16']
    const size = ['--epochs', '5', '--samples', '100', '--validation', '60', '--force']
    const args = [...training('best.onnx'), ...spoiling, ...size]
    const wanted = JSON.parse((await runCli([...args, ...common])).stdout) as Answer
    expect(wanted.bestEpoch).toBeLessThan(4)
    const file = fs.readFileSync(path.join(folder, 'best.onnx'))
    fs.rmSync(path.join(folder, 'best.onnx'))
    await disturbed(args, /Epoch 3 of 5/, (workers) => workers.forEach((pid) => process.kill(pid, 'SIGKILL')))
    const resumed = await runCli(['train', '--resume', (await newestRun()).id, ...common])
    expect(resumed.stderr).not.toMatch(/Epoch 2 of 5/)
    expect((JSON.parse(resumed.stdout) as Answer).bestEpoch).toBe(wanted.bestEpoch)
    expect(fs.readFileSync(path.join(folder, 'best.onnx'))).toEqual(file)
  })

  it('refuses more classes than the model scores before anything is trained', async () => {
    const builtIn = path.resolve(import.meta.dirname, '../../resources/sample/digits-cnn.onnx')
    const small = path.join(folder, 'five.onnx')
    const fit = [
      'train',
      builtIn,
      '--data',
      'synthetic-digits',
      '--epochs',
      '1',
      '--samples',
      '50',
      '--validation',
      '0',
    ]
    const before = checkpoints()
    const { stderr, exitCode } = await runCli([...fit, '--classes', '5', '-o', small, ...common])
    expect(stderr).toMatch(/10 classes, and the model scores 5. Train with --classes 10/)
    expect(exitCode).toBe(3)
    expect(checkpoints()).toEqual(before)
  })
})

describe.skipIf(!engine || process.platform !== 'linux')('a comparison that is cut off', () => {
  it('takes over what it finished, twice, and writes its file under the name that is asked for then', async () => {
    const asked = path.join(folder, 'compared.onnx')
    const args = ['qat', '--compare', '--recipe', 'mlp', '--data', 'synthetic-digits', '-o', asked]
    const size = ['--epochs', '1', '--float-epochs', '1', '--samples', '400', '--validation', '100', '--bits', '4']
    const kill = (_: readonly number[], command: number): void => void process.kill(command, 'SIGKILL')
    const runs = async (): Promise<{ id: string; kind: string; status: string }[]> =>
      (JSON.parse((await runCli(['runs', 'list', ...common])).stdout) as { runs: Awaited<ReturnType<typeof runs>> })
        .runs
    const comparisons = async (): Promise<string[]> =>
      (await runs()).flatMap(({ id, kind }) => (kind === 'compareQat' ? [id] : []))
    const countBefore = (await runs()).length

    // the second learning rate is that of the hybrid: the first file is written by then
    await disturbed([...args, ...size], /(Learning rate[^]*){2}/, kill)
    const [first] = await comparisons()
    await disturbed(['qat', '--compare', '--resume', first!], /Learning rate/, kill)
    expect(fs.existsSync(asked)).toBe(true)
    const [second] = await comparisons()
    expect(second).not.toBe(first)
    const elsewhere = path.join(folder, 'elsewhere.onnx')
    const done = await runCli(['qat', '--compare', '--resume', second!, '-o', elsewhere, ...common])
    expect(done.exitCode).toBe(0)

    const { rows } = JSON.parse(done.stdout) as { rows: { name: string; output: string | null }[] }
    expect(rows.find(({ name }) => name === 'qat')!.output).toBe(elsewhere)
    expect(fs.readFileSync(elsewhere)).toEqual(fs.readFileSync(asked))
    const made = (await runs()).slice(0, -countBefore)
    const ofKind = (wanted: string): number => made.filter(({ kind, status }) => `${kind} ${status}` === wanted).length
    expect([ofKind('train done'), ofKind('sensitivity done'), ofKind('measurePlan done')]).toEqual([1, 1, 3])
    expect([ofKind('qat done'), ofKind('qat interrupted')]).toEqual([2, 2])
    for (const { id } of made) expect(checkpoints()).not.toContain(id)
  }, 300_000)
})
