import { expect, it } from 'vitest'
import { samplesOfRun } from '../../../../src/renderer/plan/kept-samples.ts'
import { sampleOptions } from '../../../../src/shared/contract/api/data.ts'
import type { Json } from '../../../../src/shared/contract/runs.ts'

const kept: Json = {
  spec: { kind: 'cifar10', path: '/data/cifar' },
  seed: 7,
  split: 'test',
  hash: 'sha256:1',
  range: [0, 500],
  calibration: { split: 'train', hash: 'sha256:2', range: [0, 128] },
  overlap: 0,
  preset: 'imagenet',
  preprocess: null,
}

it('asks for the samples of a run again, as the host takes them', () => {
  const found = samplesOfRun(kept)
  expect(found).toEqual({
    data: { kind: 'cifar10', path: '/data/cifar' },
    seed: 7,
    range: { start: 0, end: 500 },
    calibrationRange: { start: 0, end: 128 },
    preprocess: 'imagenet',
  })
  expect(sampleOptions.safeParse(found).success).toBe(true)
})

it('says the split where both were cut from the same one: said, it holds for calibration too', () => {
  const one = { ...kept, calibration: { split: 'test', hash: 'sha256:1', range: [0, 128] }, range: [128, 500] }
  expect(samplesOfRun(one)).toMatchObject({ split: 'test', calibrationRange: { start: 0, end: 128 } })
  expect(samplesOfRun(kept)).not.toHaveProperty('split')
})

it('is null for what no run of ours keeps', () => {
  expect(samplesOfRun(null)).toBeNull()
  expect(samplesOfRun({ spec: { kind: 'tape' } })).toBeNull()
})
