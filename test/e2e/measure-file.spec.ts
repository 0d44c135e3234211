import path from 'node:path'
import type { Page } from '@playwright/test'
import { findInstallation } from '../../src/main/engines/tf/cache.ts'
import { sharedPath } from '../builders/shared.ts'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { chooseFolder, goTo, goToFolder, LONG, openSample } from './window-ways.ts'

// The open file measured as it is: beside another file, by the engine that it is made for, and its time.

const tfjs = sharedPath('models/mnist-cnn-tfjs-layers')
const mnist = sharedPath('data/mnist')
test.use({ roots: tfjs === null ? [] : [path.dirname(path.dirname(tfjs))] })
test.setTimeout(900_000)

/** On a machine that does a few samples a second. */
const MEASURED = { timeout: 300_000 }

/** Few enough samples. */
async function takeFew(window: Page): Promise<void> {
  const most = window.getByLabel('at most', { exact: true })
  await most.fill('100')
  await most.press('Tab')
}

test('the sample is evaluated and timed, and its runs are kept', async ({ window }) => {
  await openSample(window)
  await goTo(window, 'Calibrate')
  await window.getByRole('button', { name: 'Use the built-in digits' }).click()
  await takeFew(window)
  await window.keyboard.press('Control+k')
  await window.keyboard.type('measure the file')
  await window.keyboard.press('Enter')
  const dialog = window.getByRole('dialog', { name: 'Measure the file' })
  await expect(dialog).toBeVisible()
  await dialog.getByRole('button', { name: 'Evaluate' }).click()
  const right = dialog.getByRole('region', { name: 'How right it is' })
  await expect(right.getByRole('row', { name: /top-1/ })).toContainText('%', MEASURED)
  await expect(right).toContainText('in ONNX Runtime')

  await dialog.getByText('Shapes of inputs, for its time').click()
  await dialog.getByLabel('inputs with open axes').fill('nothing')
  await expect(dialog.getByRole('alert')).toContainText('One input a line')
  await expect(dialog.getByRole('button', { name: 'Time it' })).toBeDisabled()
  await dialog.getByLabel('inputs with open axes').fill('')
  await dialog.getByLabel('threads').fill('1')
  await dialog.getByRole('button', { name: 'Time it' }).click()
  await expect(dialog.getByRole('region', { name: 'How fast it is' })).toContainText(
    /ms \(median of \d+ runs/,
    MEASURED,
  )
  expect(await look(window, 'measure-file')).toEqual([])
  await right.getByRole('button', { name: 'Show the run' }).click()
  await expect(window.getByRole('region', { name: 'The selected run' })).toContainText('digits-cnn', LONG)
})

test('a TensorFlow.js model is evaluated by TensorFlow.js itself, beside an ONNX file', async ({ window }) => {
  test.skip(tfjs === null || mnist === null, '../shared/models or ../shared/data/mnist is not here')
  test.skip(findInstallation() === null, 'libtensorflow is not installed, which runs TensorFlow.js')
  await window.keyboard.press('ControlOrMeta+o')
  await goToFolder(window, tfjs!)
  await window.keyboard.type('model.json')
  await window.keyboard.press('Enter')
  await expect(window).toHaveTitle(/^mnist-cnn-tfjs-layers – Graph/, MEASURED)
  await goTo(window, 'Calibrate')
  await window.getByRole('button', { name: 'MNIST…' }).click()
  await chooseFolder(window, mnist!)
  await takeFew(window)
  await window
    .getByRole('button', { name: /^mnist-cnn-tfjs-layers/ })
    .first()
    .click()
  await window.getByRole('menuitem', { name: 'Measure the file…' }).click()
  const dialog = window.getByRole('dialog', { name: 'Measure the file' })
  await dialog.getByRole('radio', { name: 'TensorFlow.js' }).click()
  await dialog.getByRole('button', { name: 'Choose the reference…' }).click()
  await goToFolder(window, path.dirname(tfjs!))
  await window.keyboard.type('mnist-cntk')
  await window.keyboard.press('Enter')
  await expect(dialog.getByText('mnist-cntk.onnx')).toBeVisible()
  await dialog.getByRole('button', { name: 'Evaluate' }).click(LONG)
  const right = dialog.getByRole('region', { name: 'How right it is' })
  await expect(right).toContainText('in TensorFlow.js', MEASURED)
  await expect(right.getByRole('row', { name: /agreement/ })).toContainText('%')
  expect(await look(window, 'measure-tfjs')).toEqual([])
})
