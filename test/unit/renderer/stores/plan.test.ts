import { expect, it, onTestFinished, vi } from 'vitest'
import { nextTick } from 'vue'
import { createRouter } from '../../../../src/main/hosts/router.ts'
import { useAnswerStore } from '../../../../src/renderer/stores/answer.ts'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useDeskStore } from '../../../../src/renderer/stores/desk.ts'
import { useExportStore } from '../../../../src/renderer/stores/export.ts'
import { integerCheck } from '../../../../src/renderer/plan/export-plan.ts'
import { useModelsStore } from '../../../../src/renderer/stores/models.ts'
import { usePlanStore } from '../../../../src/renderer/stores/plan.ts'
import { useSelectionStore } from '../../../../src/renderer/stores/selection.ts'
import { FEW_DIGITS, testApplication } from '../../../builders/application.ts'
import { testWindow } from '../host.ts'

const becomes = (check: () => void, timeout = 20_000): Promise<void> => vi.waitFor(check, { timeout, interval: 20 })

/** A window with the built-in sample open, over the true application. */
async function sampleWindow() {
  const { app } = testApplication()
  const { models, plans, runs, jobs, files } = createRouter(app)
  const host = testWindow({ models, plans, runs, jobs, files })
  const abort = new AbortController()
  void (async () => {
    for await (const event of app.events.follow([], abort.signal)) host.events.tell(event)
  })().catch(() => {})
  onTestFinished(() => abort.abort())
  useAppStore().listen()
  const open = useModelsStore()
  const plan = usePlanStore()
  const answer = useAnswerStore()
  onTestFinished(() => plan.$dispose())
  await open.openSample()
  await becomes(() => expect(answer.estimate).not.toBeNull())
  return { models: open, plan, answer, desk: useDeskStore(), selection: useSelectionStore() }
}

const CONV = 'down1/conv'
const ADD = 'block1/b/add'

it('edits, takes back, does again, and knows whether anything differs from what is kept', async () => {
  const { plan, models } = await sampleWindow()
  expect(plan.plan.model).toBe(models.hash)
  expect(plan.isDirty).toBe(false)
  plan.setBits([CONV], 4)
  plan.toggle([CONV, ADD])
  expect(plan.plan.layers).toEqual({ [CONV]: 'float', [ADD]: 'float' })
  expect([plan.isDirty, plan.undoText]).toEqual([true, '2 layers to float'])
  plan.toggle([CONV, ADD])
  expect(plan.plan.layers).toEqual({ [CONV]: { weights: { bits: 4 } } })
  plan.undo()
  plan.undo()
  plan.undo()
  expect([plan.plan.layers, plan.isDirty, plan.canUndo, plan.redoText]).toEqual([{}, false, false, `${CONV} to 4 bits`])
  plan.redo()
  expect(plan.plan.layers[CONV]).toEqual({ weights: { bits: 4 } })
})

it('makes one step of a drag', async () => {
  const { plan } = await sampleWindow()
  for (const high of [5, 4, 3]) plan.range('down1/relu_output', [0, high])
  plan.settleEdits()
  plan.range('down1/relu_output', [0, 2])
  plan.undo()
  expect(plan.plan.tensors).toEqual({ 'down1/relu_output': { range: [0, 3] } })
  plan.undo()
  expect(plan.plan.tensors).toBeUndefined()
})

it('says what the plan comes to: at once by itself, then as the host resolves it, with its faults', async () => {
  const { plan } = await sampleWindow()
  plan.change([CONV], { kind: 'float' })
  expect(plan.precisions.get(CONV)?.label).toBe('float')
  plan.change([CONV], { kind: 'weights', weights: { granularity: 'perBlock' } })
  await becomes(() => expect(plan.problemsOf.get(CONV)?.[0]?.message).toContain('per-block'))
  plan.undo()
  await becomes(() => expect(plan.problems).toEqual([]))
})

it('estimates each edit, and says why where it cannot', async () => {
  const { plan, answer } = await sampleWindow()
  const before = answer.estimate!.bytes.value!
  for (let i = 0; i < 2; i++) {
    plan.change([CONV], { kind: 'float' })
    await nextTick()
    expect(answer.estimate).toBeNull()
    await becomes(() => expect(answer.estimate?.bytes.value).toBeGreaterThan(before))
    expect(answer.estimateMs).toBeGreaterThan(0)
    plan.undo()
    await nextTick()
    await becomes(() => expect(answer.estimate?.bytes.value).toBe(before))
  }
  const [size, accuracy, speed] = answer.answers
  expect(size).toMatchObject({ name: 'size', measured: null, isMeasuredNow: false })
  expect(accuracy?.reason).toContain('sensitivity')
  expect(speed?.reason).toContain('measure')
})

it('keeps plans by name, opens them, and refuses to overwrite one by accident', async () => {
  const { plan } = await sampleWindow()
  plan.applyRule({ scope: 'firstAndLast', action: 'float' })
  expect(await plan.save('hybrid', false)).toBe(true)
  expect([plan.name, plan.isDirty, plan.stored.map(({ name }) => name)]).toEqual(['hybrid', false, ['hybrid']])
  plan.toggle([CONV])
  expect(plan.isDirty).toBe(true)
  expect(await plan.save('hybrid', false)).toBe(false)
  expect(plan.problem?.sentence).toContain('hybrid')
  await plan.open('hybrid')
  expect([plan.plan.layers[CONV], plan.isDirty]).toEqual([undefined, false])
  plan.undo()
  expect(plan.plan.layers[CONV]).toBe('float')
  await plan.remove('hybrid')
  expect([plan.name, plan.stored]).toEqual([null, []])
})

it('takes in what it gave out, and no plan of another model', async () => {
  const { plan } = await sampleWindow()
  plan.setBits([CONV], 3)
  const { content } = plan
  const text = (await plan.serialize())!
  plan.startAnew()
  expect(await plan.importText(text, 'plan.json')).toBe(true)
  expect(plan.content).toBe(content)
  const foreign = JSON.stringify({ ...plan.plan, model: `sha256:${'0'.repeat(64)}` })
  expect(await plan.importText(foreign, 'other.json')).toBe(false)
  expect(plan.problem?.sentence).toContain('another model')
  expect(await plan.importText('{', 'broken.json')).toBe(false)
  expect(plan.problem?.sentence).toContain('JSON')
})

it('is kept as a draft from one window to the next', async () => {
  const { plan, models } = await sampleWindow()
  plan.setBits([CONV], 5)
  await nextTick()
  models.close()
  expect(plan.plan.layers).toEqual({})
  await models.openSample()
  expect(plan.plan.layers).toEqual({ [CONV]: { weights: { bits: 5 } } })
})

it('is held against another plan, tensors by the layer that makes them, and follows the edits', async () => {
  const { plan, desk } = await sampleWindow()
  plan.change([CONV], { kind: 'float' })
  desk.compareDefault()
  await becomes(() => expect([...(desk.changed ?? [])]).toContain(CONV))
  plan.range('stem/relu_output', [0, 1])
  await becomes(() => expect([...desk.changed!]).toContain('stem/conv'))
  desk.endComparison()
  expect(desk.changed).toBeNull()
})

it('lays over the graph what is known, and says what is missing', async () => {
  const { desk, models } = await sampleWindow()
  desk.overlay = 'sensitivity'
  expect(desk.choice).toMatchObject({ overlay: null })
  expect(desk.choice.missing).toContain('not measured')
  desk.overlay = 'size'
  expect(desk.choice.overlay?.values.size).toBe(models.layers.filter(({ role }) => role === 'weighted').length)
})

it('measures on demand, keeps the figures with their plan, and shows them as of the former plan after an edit', async () => {
  const { plan, answer, desk, selection } = await sampleWindow()
  selection.select([CONV])
  await answer.measure({ ...FEW_DIGITS })
  expect(answer.isMeasuring).toBe(true)
  await becomes(() => expect(answer.measured).not.toBeNull(), 120_000)
  await becomes(() => expect(answer.isMeasuring).toBe(false))
  const [size, accuracy, speed] = answer.answers
  expect(size).toMatchObject({ isMeasuredNow: true, float: answer.estimate!.floatBytes })
  expect(accuracy).toMatchObject({ isMeasuredNow: true, measured: { value: expect.closeTo(0, 0) as number } })
  expect(speed?.measured?.value).toBeGreaterThan(0)
  desk.overlay = 'execution'
  expect(desk.choice.overlay?.values.get(CONV)).toBe('int8')
  desk.overlay = 'latency'
  await becomes(() => expect(desk.choice.overlay?.values.get(CONV)).toMatchObject({ estimated: false }))

  plan.toggle([CONV])
  await becomes(() => expect(answer.estimate).not.toBeNull())
  const [edited] = answer.answers
  expect(edited).toMatchObject({ isMeasuredNow: false, measured: size!.measured })
  expect(edited!.estimated!.value).toBeGreaterThan(edited!.measured!.value)
  plan.undo()
  expect(answer.answers[0]).toMatchObject({ isMeasuredNow: true, measured: size!.measured })
})

it('exports what the plan says, and tells how each layer really runs', async () => {
  const { plan } = await sampleWindow()
  const writing = useExportStore()
  plan.toggle([CONV])
  writing.look()
  await becomes(() => expect(writing.resolved?.problems).toEqual([]))
  await writing.writeModel({ ...FEW_DIGITS })
  await becomes(() => expect([writing.problem, writing.result === null]).toEqual([null, false]), 50_000)
  const { layers, bytes, referenceBytes, output } = writing.result!
  expect(bytes).toBeLessThan(referenceBytes)
  expect(output).toMatch(/digits-cnn\.quantized\.onnx$/)
  const check = integerCheck(layers)
  expect(check.rest.find(({ id }) => id === CONV)).toMatchObject({ type: 'float', execution: 'float' })
  expect(check.counts.int8).toBeGreaterThan(5)
  // weight-only needs no data
  writing.format = 'weightOnly'
  await writing.writeModel(null)
  await becomes(() => expect([writing.problem, writing.result === null]).toEqual([null, false]))
  expect(writing.result!.layers.filter(({ op, execution }) => op === 'Conv' && execution === 'int8')).toEqual([])
  expect(writing.result!.output).toMatch(/digits-cnn\.quantized-2\.onnx$/)
})
