import type { Page } from '@playwright/test'
import { installTensorFlow } from '../../src/main/engines/tf/install.ts'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { canvas, goTo } from './window-ways.ts'

// Training through the window, on native TensorFlow: live, cut off and gone on with, and what comes of it.

/** Why nothing can be trained here; null where it can. */
const obstacle = await installTensorFlow({
  signal: AbortSignal.timeout(110_000),
  onProgress: () => undefined,
  onLog: () => undefined,
}).then(
  () => null,
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
)
if (obstacle !== null) console.log(`train.spec.ts is skipped: ${obstacle}`)
test.skip(obstacle !== null, obstacle ?? '')

/** Trainings of some seconds, on a machine that may be very busy. */
const TRAINED = { timeout: 300_000 }
test.setTimeout(600_000)

/** With keys alone: what has the focus, and Enter. */
async function pressOn(window: Page, role: 'button' | 'link' | 'radio', name: string): Promise<void> {
  const one = window.getByRole(role, { name, exact: true }).last()
  await one.focus()
  await one.press(role === 'radio' ? 'Space' : 'Enter')
}

async function fill(window: Page, label: string, value: number): Promise<void> {
  const field = window.getByLabel(label, { exact: true })
  await field.fill(String(value))
  await field.press('Tab')
}

/** The screen with few digits chosen, so that an epoch takes a few seconds. */
async function chooseFewDigits(window: Page, epochs: number): Promise<void> {
  await pressOn(window, 'link', 'Train')
  await expect(window.getByRole('heading', { level: 1, name: 'Train' })).toBeAttached()
  await pressOn(window, 'button', 'Use the built-in digits')
  await expect(window.getByText('10,000 samples (train)')).toBeVisible()
  await fill(window, 'learn from at most', 1500)
  await fill(window, 'held out', 200)
  await fill(window, 'epochs', epochs)
}

const figure = (window: Page, name: string) =>
  window
    .getByRole('region', { name: 'Result' })
    .locator('div', { has: window.getByText(name, { exact: true }) })
    .last()

test('a model is trained with keys alone, drawn while it learns, opened, and kept as a run', async ({ window }) => {
  await chooseFewDigits(window, 2)
  const found = await look(window, 'train-before')
  await pressOn(window, 'button', 'Train')
  await expect(window.getByText(/epoch 1 of 2, loss/)).toBeVisible(TRAINED)
  await expect(window.getByRole('heading', { name: 'Loss' })).toBeVisible()
  await expect(window.getByRole('heading', { name: 'Accuracy' })).toBeVisible()
  await expect(figure(window, 'kept epoch')).toContainText(/[12] of 2/, TRAINED)
  const top1 = /([\d.]+) %/.exec(await figure(window, 'top-1').innerText())![1]
  expect(Number(top1)).toBeGreaterThan(30)
  found.push(...(await look(window, 'train-done')))
  expect(found).toEqual([])

  await pressOn(window, 'button', 'Show the run')
  await expect(window.getByRole('region', { name: 'The selected run' })).toContainText('lenet5.trained.onnx')
  await pressOn(window, 'link', 'Train')
  await pressOn(window, 'button', 'Open the trained model')
  await expect(canvas(window)).toBeVisible(TRAINED)
  await expect(window).toHaveTitle(/^lenet5\.trained\.onnx/)
})

test('a training that is cut off is offered again, and goes on from its last whole epoch', async ({ window }) => {
  await chooseFewDigits(window, 3)
  await pressOn(window, 'button', 'Train')
  await expect(window.getByText(/epoch 2 of 3, loss/)).toBeVisible(TRAINED)
  await pressOn(window, 'button', 'Cancel')
  await expect(window.getByText(/was cut off after epoch 1 of 3/)).toBeVisible(TRAINED)
  await window.reload()
  await expect(window.getByText(/was cut off after epoch 1 of 3/)).toBeVisible(TRAINED)
  await pressOn(window, 'button', 'Go on')
  await expect(figure(window, 'kept epoch')).toContainText(/[123] of 3/, TRAINED)
  await expect(window.getByText(/was cut off/)).toHaveCount(0)
})

test('a training for integers writes a file that scores what it scored itself', async ({ window }) => {
  await chooseFewDigits(window, 1)
  await pressOn(window, 'radio', 'For integers')
  await expect(window.getByText(/fewer bits learn at lower rates/)).toBeVisible()
  await fill(window, 'in float before', 2)
  await fill(window, 'epochs', 1)
  expect(await look(window, 'train-integers')).toEqual([])
  await pressOn(window, 'button', 'Train')
  await expect(figure(window, 'top-1 by QAT itself')).toContainText('%', TRAINED)
  const rate = async (name: string): Promise<number> =>
    Number(/([\d.]+) %/.exec(await figure(window, name).innerText())![1])
  expect(Math.abs((await rate('top-1')) - (await rate('top-1 by QAT itself')))).toBeLessThanOrEqual(0.1)
  await goTo(window, 'Settings')
  await expect(window.getByRole('region', { name: 'Training engine' }).last()).toContainText(
    /libtensorflow \d/,
    TRAINED,
  )
})
