import { expect, it } from 'vitest'
import { useAnswerStore } from '../../../../src/renderer/stores/answer.ts'
import { useTimingStore } from '../../../../src/renderer/stores/timing.ts'
import { HASH, insightWindow, PATH } from './insight-window.ts'

const inputs = [{ name: 'x', dataType: 'float' as const, shape: ['batch', 'steps', 16] }]

it('asks a measurement for the batch, lengths and threads chosen, and keeps them for the model', async () => {
  const { state, models } = insightWindow({ model: { inputs, sampleShapes: { x: [1, 12, 16] } } })
  await models.open(PATH)
  const timing = useTimingStore()
  expect(timing.text).toBe('batch 1')
  expect(timing.request).toEqual({ threads: null, batch: null })
  timing.set({ batch: 4, threads: 2 })
  timing.setLength('steps', 24)
  expect(timing.text).toBe('batch 4 · steps 24 · 2 threads')
  await useAnswerStore().measure({ data: { kind: 'synthetic-digits' } })
  expect(state.started).toMatchObject([{ kind: 'measurePlan', batch: 4, threads: 2, shapes: { x: [4, 24, 16] } }])

  timing.setLength('steps', null)
  expect(timing.request).toEqual({ threads: 2, batch: 4 })
  expect(JSON.parse(localStorage.getItem(`quantbench.timing.${HASH}`)!)).toEqual({ batch: 4, threads: 2, lengths: {} })
})

it('offers no batch where the file fixes it', async () => {
  const fixed = [{ name: 'x', dataType: 'float' as const, shape: [2, 3] }]
  const { models } = insightWindow({ model: { inputs: fixed, sampleShapes: { x: [2, 3] } } })
  await models.open(PATH)
  const timing = useTimingStore()
  timing.set({ batch: 8 })
  expect(timing.canBatch).toBe(false)
  expect(timing.request.batch).toBeNull()
  expect(timing.text).toBe('batch 2')
})
