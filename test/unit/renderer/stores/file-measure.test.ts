import { expect, it, vi } from 'vitest'
import { plainQuestion } from '../../../../src/renderer/insight/file-measure.ts'
import { useFileMeasureStore } from '../../../../src/renderer/stores/file-measure.ts'
import { insightWindow, job, PATH } from './insight-window.ts'

const SAMPLES = { data: { kind: 'synthetic-digits' } } as const

it('the open file is evaluated beside the model that was chosen, and what comes of it is shown', async () => {
  const { models, feed, state } = insightWindow()
  await models.open(PATH)
  const measure = useFileMeasureStore()
  expect(measure.isTfjs).toBe(false)
  measure.ask({ reference: '/models/b.onnx', batch: 4 })
  await measure.evaluate(SAMPLES)
  expect(state.started).toMatchObject([{ kind: 'evaluate', model: PATH, reference: '/models/b.onnx', batch: 4 }])
  // one at a time
  await measure.time()
  expect(state.started).toHaveLength(1)
  const evaluation = {
    samples: 1,
    labelled: 0,
    model: null,
    reference: null,
    agreement: 0.5,
    kl: null,
    drop: null,
    lossIncrease: null,
    outputs: null,
  }
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({
    kind: 'done',
    job: job('evaluate', { state: 'done' }),
    result: { kind: 'evaluate', run: 'r1', engine: 'onnxruntime', evaluation, bytes: 1, warnings: [] },
  })
  await vi.waitFor(() => expect(measure.evaluation?.evaluation.agreement).toBe(0.5))
})

it('a file is not timed with shapes that say nothing, and another file is asked about afresh', async () => {
  const { models, state } = insightWindow()
  await models.open(PATH)
  const measure = useFileMeasureStore()
  measure.ask({ shapes: 'data' })
  expect(measure.shapesProblem).toMatch(/1x3x224x224/)
  await measure.time()
  expect(state.started).toEqual([])
  measure.ask({ shapes: 'data=1x3' })
  await measure.time()
  expect(state.started).toMatchObject([{ kind: 'bench', model: PATH, shapes: { data: [1, 3] } }])
  models.close()
  expect(measure.question).toEqual(plainQuestion)
})
