import { expect, it, vi } from 'vitest'
import { useSamplesStore } from '../../../../src/renderer/stores/samples.ts'
import type { Json } from '../../../../src/shared/contract/runs.ts'
import { HASH, insightWindow, PATH, run } from './insight-window.ts'

const read: Json = {
  spec: { kind: 'mnist', path: '/data/mnist' },
  seed: 3,
  split: 'test',
  range: [0, 100],
  calibration: { split: 'train', range: [0, 512] },
  overlap: 0,
  preset: 'mnist',
  preprocess: null,
}

it('takes up what the newest run of the model read, until something else is chosen', async () => {
  const { models } = insightWindow({ runs: [run('r1', { results: { samples: read } })] })
  await models.open(PATH)
  const samples = useSamplesStore()
  await vi.waitFor(() => expect(samples.isReady).toBe(true))
  expect(samples.options).toMatchObject({ data: { path: '/data/mnist' }, seed: 3, preprocess: 'mnist' })
  samples.change({ preprocess: undefined })
  expect(samples.options).not.toHaveProperty('preprocess')
  samples.chooseBuiltIn()
  expect(samples.options).toEqual({ data: { kind: 'synthetic-digits' }, seed: 3 })
  expect(localStorage.getItem(`quantbench.samples.${HASH}`)).toContain('synthetic-digits')
})

it('has nothing chosen for a model that nobody ran', async () => {
  const { models } = insightWindow()
  const samples = useSamplesStore()
  await models.open(PATH)
  expect(samples.isReady).toBe(false)
  samples.change({ seed: 1 })
  expect(samples.options).toBeNull()
})
