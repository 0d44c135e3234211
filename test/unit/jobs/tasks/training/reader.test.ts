import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSamples } from '../../../../../src/main/data/registry.ts'
import { createBatchMaker, type BatchPlan } from '../../../../../src/main/jobs/tasks/training/batch-maker.ts'
import { openReader } from '../../../../../src/main/jobs/tasks/training/reader.ts'
import type { TrainBatch } from '../../../../../src/main/training/measure.ts'

const signal = new AbortController().signal

async function digits(change: Partial<BatchPlan['options']> = {}): Promise<BatchPlan> {
  const source = await openSamples({ kind: 'synthetic-digits' }, 'train')
  await source.close()
  return {
    data: { kind: 'synthetic-digits' },
    split: 'train',
    dataHash: source.info.hash,
    inputs: [{ name: 'x', dataType: 'float', shape: ['N', 1, 28, 28] }],
    preprocess: {
      resize: null,
      crop: null,
      channels: 'grey',
      layout: 'NCHW',
      scale: 1 / 255,
      mean: [0.5],
      std: [0.5],
    } as BatchPlan['preprocess'],
    ranges: { train: { start: 20, end: 90 }, validation: { start: 0, end: 20 } },
    options: { seed: 4, batch: 16, augment: { flip: true, shift: 2, crop: 0.6 }, ...change },
  }
}

async function all(batches: AsyncIterable<TrainBatch>): Promise<TrainBatch[]> {
  const list: TrainBatch[] = []
  for await (const batch of batches) list.push(batch)
  return list
}

describe('the reading thread', () => {
  it('gives the very batches of its plan, epoch by epoch, however it is asked', async () => {
    const plan = await digits()
    const [maker, reader] = [await createBatchMaker(plan), await openReader(plan)]
    try {
      const first = await all(reader.read({ kind: 'train', epoch: 1 }, signal))
      expect(first.map(({ labels }) => labels.length)).toEqual([16, 16, 16, 16, 6])
      // an epoch that is left in its midst does not disturb what is asked for next
      for await (const batch of reader.read({ kind: 'train', epoch: 2 }, signal)) {
        expect(batch.labels).not.toEqual(first[0]!.labels)
        break
      }
      for (const series of [{ kind: 'validation' }, { kind: 'train', epoch: 2 }, { kind: 'train', epoch: 1 }] as const)
        expect(await all(reader.read(series, signal))).toEqual(await all(maker.read(series, signal)))
    } finally {
      await Promise.all([maker.close(), reader.close()])
    }
  })

  it('holds out the same samples and never augments them', async () => {
    const [plain, augmented] = [await digits({ augment: { flip: false, shift: 0 } }), await digits()]
    const batches: TrainBatch[][] = []
    for (const plan of [plain, augmented]) {
      const reader = await openReader(plan)
      batches.push(await all(reader.read({ kind: 'validation' }, signal)))
      await reader.close()
    }
    expect(batches[0]).toEqual(batches[1])
  })

  it('stops waiting when it is aborted', async () => {
    const reader = await openReader(await digits())
    const abort = new AbortController()
    try {
      const read = async (): Promise<void> => {
        for await (const batch of reader.read({ kind: 'train', epoch: 1 }, abort.signal)) {
          expect(batch.labels.length).toBe(16)
          abort.abort(new Error('enough'))
        }
      }
      await expect(read()).rejects.toThrow('enough')
    } finally {
      await reader.close()
    }
  })

  it('tells what is wrong with the data as a fault, when it opens and when it reads', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-reader-'))
    try {
      const plan = await digits()
      const missing = { ...plan, data: { kind: 'mnist', path: folder } } as BatchPlan
      await expect(openReader(missing)).rejects.toMatchObject({
        name: 'Fault',
        code: expect.stringMatching(/^data\./) as string,
      })
      const reader = await openReader({ ...plan, inputs: [{ name: 'x', dataType: 'float', shape: ['N', 1, 5, 5] }] })
      await expect(all(reader.read({ kind: 'validation' }, signal))).rejects.toMatchObject({
        code: 'data.shapeMismatch',
      })
      await reader.close()
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })
})
