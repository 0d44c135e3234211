import { expect, it, vi } from 'vitest'
import { useModelsStore } from '../../../../src/renderer/stores/models.ts'
import { useSelectionStore } from '../../../../src/renderer/stores/selection.ts'
import type { OpenModel, RecentModel } from '../../../../src/shared/contract/api/models.ts'
import type { GraphView } from '../../../../src/shared/contract/graph-view.ts'
import { os, testWindow } from '../host.ts'
import { layer } from '../plan/layers.ts'

const hashOf = (digit: string): string => `sha256:${digit.repeat(64)}`
const GRAPH: GraphView = { form: 'prepared', name: '', inputs: [], outputs: [], nodes: [], layers: [], tensors: [] }

function model(name: string, hash: string, layers: readonly string[]): OpenModel {
  return {
    summary: {
      path: `/models/${name}`,
      hash,
      format: 'onnx',
      producer: '',
      irVersion: 10,
      opset: { '': 17 },
      inputs: [],
      outputs: [],
      sizeBytes: 1,
      parameters: 1,
      macs: null,
      nodeCount: layers.length,
      layers: layers.map((id) => layer(id)),
      notes: [],
    },
    name,
    task: 'other',
    classes: null,
    sampleShapes: {},
    problems: [],
    maxRelativeError: null,
  }
}
const A = model('a.onnx', hashOf('a'), ['conv', 'fc'])
const B = model('b.onnx', hashOf('b'), ['conv'])
const RECENT: RecentModel = {
  hash: A.summary.hash,
  name: A.name,
  path: A.summary.path,
  bytes: 1,
  opset: 17,
  task: 'other',
  layers: 2,
  parameters: 1,
  seenAt: '2026-01-01T00:00:00.000Z',
  exists: true,
  thumbnail: null,
  best: null,
}

function modelsWindow() {
  const state = { recent: [RECENT] as readonly RecentModel[], holdA: Promise.resolve(), asked: 0, left: 0 }
  testWindow({
    models: {
      open: os.models.open.handler(async ({ input, errors, signal }) => {
        if (input.path === '/models/a.onnx') {
          state.asked += 1
          signal?.addEventListener('abort', () => (state.left += 1))
          return state.holdA.then(() => A)
        }
        if (input.path === '/models/b.onnx') return B
        throw errors.FAULT({ data: { code: 'format.truncated', message: `${input.path} is cut off.`, data: {} } })
      }),
      get: os.models.get.handler(({ input }) => (input.hash === A.summary.hash ? A : B)),
      graph: os.models.graph.handler(({ input }) => ({ ...GRAPH, name: input.hash })),
      recent: os.models.recent.handler(() => state.recent),
      forget: os.models.forget.handler(() => {
        state.recent = []
      }),
    },
  })
  return { state, models: useModelsStore(), selection: useSelectionStore() }
}

it('opens a model with its graph, and forgets selected layers that it does not have', async () => {
  const { models, selection } = modelsWindow()
  expect(await models.open('/models/a.onnx')).toBe(true)
  expect(models.current?.name).toBe('a.onnx')
  expect(models.graph?.name).toBe(A.summary.hash)
  selection.select(['conv', 'fc'])
  expect(await models.open('/models/b.onnx')).toBe(true)
  expect(selection.ids).toEqual(['conv'])
  expect([...models.layersById.keys()]).toEqual(['conv'])
})

it('keeps the model on screen when another one cannot be opened, and says why', async () => {
  const { models } = modelsWindow()
  await models.open('/models/a.onnx')
  expect(await models.open('/models/broken.onnx')).toBe(false)
  expect(models.current?.name).toBe('a.onnx')
  expect(models.problem).toMatchObject({ code: 'format.truncated', sentence: '/models/broken.onnx is cut off.' })
  expect(models.opening).toBeNull()
  await models.open('/models/b.onnx')
  expect(models.problem).toBeNull()
})

it('shows what was asked for last, not what was slowest', async () => {
  const { models, state } = modelsWindow()
  let release = (): void => {}
  state.holdA = new Promise((resolve) => (release = resolve))
  const slow = models.open('/models/a.onnx')
  expect(await models.open('/models/b.onnx')).toBe(true)
  release()
  expect(await slow).toBe(false)
  expect(models.current?.name).toBe('b.onnx')
})

it('leaves a model that takes too long: the host is told, the one on screen stays, and it is no fault', async () => {
  const { models, state } = modelsWindow()
  await models.open('/models/b.onnx')
  state.holdA = new Promise(() => {})
  const slow = models.open('/models/a.onnx')
  await vi.waitFor(() => expect(state.asked).toBe(1))
  models.cancelOpening()
  expect(await slow).toBe(false)
  await vi.waitFor(() => expect(state.left).toBe(1))
  expect([models.opening, models.problem, models.current?.name]).toEqual([null, null, 'b.onnx'])
})

it('opens again after a reload what the window showed', async () => {
  const { models } = modelsWindow()
  await models.open('/models/a.onnx')
  await vi.waitFor(() => expect(sessionStorage.getItem('quantbench.model')).toBe(A.summary.hash))
  // the page goes away without closing the model
  models.$dispose()
  models.$patch({ current: null })
  await models.restore()
  expect(models.hash).toBe(A.summary.hash)
})

it('forgets a recent model', async () => {
  const { models } = modelsWindow()
  models.refresh()
  await vi.waitFor(() => expect(models.recent).toHaveLength(1))
  await models.forget(A.summary.hash)
  expect(models.recent).toEqual([])
})
