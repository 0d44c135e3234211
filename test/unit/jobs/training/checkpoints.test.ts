import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  checkpointFolder,
  leavingCheckpoints,
  removeCheckpoints,
} from '../../../../src/main/jobs/training/checkpoints.ts'
import { openStore, type Store } from '../../../../src/main/store/store.ts'

const at = '2026-01-01T00:00:00.000Z'
let home: string
let store: Store

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-checkpoints-'))
  store = openStore(home)
})
afterEach(() => {
  store.close()
  fs.rmSync(home, { recursive: true, force: true })
})

function begin(id: string, resumes: string | null = null): void {
  store.runs.begin({
    id,
    kind: 'train',
    startedAt: at,
    modelPath: null,
    modelHash: null,
    dataHash: null,
    environment: null,
    parameters: { request: {}, resumes },
  })
}

const inHome = (...names: string[]): string => path.join(home, 'checkpoints', ...names)
const put = (run: string, name: string, text: string): void => fs.writeFileSync(inHome(run, name), text)

describe('checkpoint folders', () => {
  it('take over what a run left, which stays as it was, and go together once all is done', async () => {
    begin('first')
    await checkpointFolder('first', null, ['best.onnx'], { store })
    put('first', 'checkpoint.bin', 'state')
    put('first', 'best.onnx', 'best')
    put('first', 'start.onnx', 'start')
    store.runs.end('first', { status: 'failed', endedAt: at })
    begin('second', 'first')
    const folder = await checkpointFolder('second', 'first', ['best.onnx'], { store })
    expect(fs.readdirSync(folder).sort()).toEqual(['best.onnx', 'checkpoint.bin'])
    expect(fs.readdirSync(inHome('first')).sort()).toEqual(['best.onnx', 'checkpoint.bin', 'start.onnx'])
    begin('third', 'second')
    await checkpointFolder('third', 'second', ['best.onnx'], { store })
    await removeCheckpoints('third', 'second', { store })
    expect(fs.readdirSync(inHome())).toEqual([])
  })

  it('refuse to go on with a run that left nothing', async () => {
    begin('empty')
    await expect(checkpointFolder('next', 'empty', ['best.onnx'], { store })).rejects.toMatchObject({
      code: 'usage.resume',
      data: { run: 'empty' },
    })
  })

  it('of runs that are done, unknown, or cut off before an epoch are swept away by the next training; others stay', async () => {
    for (const id of ['done', 'failed', 'hidden', 'running', 'cut', 'kept']) begin(id)
    store.runs.end('done', { status: 'done', endedAt: at })
    store.runs.end('failed', { status: 'failed', endedAt: at })
    store.runs.end('hidden', { status: 'failed', endedAt: at })
    store.runs.setDeleted('hidden', at)
    for (const id of ['cut', 'kept']) store.runs.end(id, { status: 'interrupted', endedAt: at })
    for (const id of ['done', 'failed', 'hidden', 'running', 'unknown', 'cut', 'kept'])
      fs.mkdirSync(inHome(id), { recursive: true })
    put('cut', 'start.onnx', 'start')
    put('kept', 'checkpoint.bin', 'state')
    await checkpointFolder('next', null, [], { store })
    expect(fs.readdirSync(inHome()).sort()).toEqual(['failed', 'hidden', 'kept', 'next', 'running'])
  })

  it.each([
    { why: 'a checkpoint: it stays, and the way on is told', left: ['checkpoint.bin'], stays: true, told: 1 },
    { why: 'what may be taken over: it stays, and the way on is told', left: ['float.onnx'], stays: true, told: 1 },
    { why: 'nothing of use: it goes', left: ['start.onnx'], stays: false, told: 0 },
  ])('of a failed run with $why', async ({ left, stays, told }) => {
    const logs: string[] = []
    const services = { store, onLog: (_: 'info' | 'warning', text: string) => void logs.push(text) }
    fs.mkdirSync(inHome('run'), { recursive: true })
    left.forEach((name) => put('run', name, 'x'))
    const work = leavingCheckpoints('run', ['float.onnx'], services, () => Promise.reject(new Error('broken')))
    await expect(work).rejects.toThrow('broken')
    expect(fs.existsSync(inHome('run'))).toBe(stays)
    expect(logs).toHaveLength(told)
    for (const text of logs) expect(text).toContain('--resume run')
  })
})
