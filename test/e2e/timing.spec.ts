import fs from 'node:fs'
import path from 'node:path'
import { sequenceClassifier } from '../builders/open-lengths.ts'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { answer, goTo, LONG, openModel, openSample } from './window-ways.ts'

// What speed is measured with: a batch for the plan on the graph, the length of a sequence for a file without any data.

test('the speed of a plan is measured at the batch that is said beside it, and the run says so', async ({ window }) => {
  test.setTimeout(300_000)
  await openSample(window)
  await goTo(window, 'Calibrate')
  await window.getByRole('button', { name: 'Use the built-in digits' }).click()
  const most = window.getByLabel('at most', { exact: true })
  await most.fill('100')
  await most.press('Tab')
  await goTo(window, 'Graph')

  const options = window.getByRole('button', { name: 'Speed is measured with batch 1' })
  await options.focus()
  await window.keyboard.press('Enter')
  const panel = window.getByRole('dialog', { name: /^Speed is measured with/ })
  await panel.getByLabel('batch', { exact: true }).fill('4')
  await panel.getByLabel('threads').fill('1')
  await window.keyboard.press('Tab')
  expect(await look(window, 'timing-options')).toEqual([])
  await window.keyboard.press('Escape')
  await expect(window.getByRole('button', { name: 'Speed is measured with batch 4 · 1 thread' })).toBeVisible()

  await window.keyboard.press('m')
  const speed = answer(window).getByRole('button', { name: /^speed/ })
  await expect(speed).toContainText('×', { timeout: 200_000 })
  await expect(speed).toContainText('measured')
  await speed.click()
  const run = window.getByRole('region', { name: 'The selected run' })
  await expect(run).toContainText(/batch\s*4/, LONG)

  await window.reload()
  await expect(window.getByRole('button', { name: 'Speed is measured with batch 4 · 1 thread' })).toBeVisible(LONG)
})

test('a model that leaves the length of its sequences open is timed without data, layer by layer', async ({
  window,
  folder,
}) => {
  test.setTimeout(300_000)
  const file = path.join(folder, 'sequence.onnx')
  fs.writeFileSync(file, sequenceClassifier())
  await openModel(window, file)
  await window.keyboard.press('Control+k')
  await window.keyboard.type('measure the file')
  await window.keyboard.press('Enter')
  const dialog = window.getByRole('dialog', { name: 'Measure the file' })
  await dialog.getByText('Shapes of inputs, for its time').click()
  await dialog.getByLabel('inputs with open axes').fill('x=3x24x16')
  await dialog.getByLabel('threads').fill('1')
  await dialog.getByRole('button', { name: 'Time it' }).click()
  await expect(dialog.getByRole('region', { name: 'How fast it is' })).toContainText('batch 3', { timeout: 200_000 })
  const layers = dialog.getByRole('region', { name: 'Time of each layer' })
  await expect(layers.getByRole('row', { name: /^first MatMul float \d/ })).toBeVisible()
  expect(await look(window, 'timed-file')).toEqual([])
})
