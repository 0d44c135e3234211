import fs from 'node:fs'
import path from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { goTo, LONG, openSample, planButton, saved, taken } from './window-ways.ts'

// Accuracy over bits on the built-in sample: asked, cut off, gone on with, read by keys, saved, and found again after a reload.

const button = (window: Page, name: string): Locator => window.getByRole('button', { name, exact: true })
const values = (window: Page): Locator => window.getByRole('region', { name: 'Values over bits' })
const point = (window: Page, name: string): Locator =>
  values(window).getByRole('button', { name: new RegExp(`^${name}`) })
const asked = (window: Page, group: string, choice: string): Locator =>
  window.getByRole('group', { name: group, exact: true }).getByRole('button', { name: choice, exact: true })

test('a sweep over bits streams in, is cut off and goes on; its points are plans, its files those of the command line', async ({
  window,
  host,
  folder,
}) => {
  test.setTimeout(400_000)
  await openSample(window)
  await goTo(window, 'Sensitivity')
  await window.getByRole('tab', { name: 'Accuracy over bits' }).click()
  await button(window, 'Use the built-in digits').first().click()
  expect(await look(window, 'bits-empty')).toEqual([])

  await test.step('what is asked', async () => {
    for (const width of ['1', '3', '5', '6', '7']) await asked(window, 'Bits', width).click()
    await asked(window, 'Bits of what', 'activations').click()
    await expect(asked(window, 'Bits', '2')).toHaveAttribute('aria-pressed', 'true')
    await expect(asked(window, 'Bits', '3')).toHaveAttribute('aria-pressed', 'false')
  })

  await test.step('cut off after the first point, and gone on with', async () => {
    await button(window, 'Sweep').click()
    await expect(point(window, 'weights, 2 bits')).toBeVisible(LONG)
    await button(window, 'Cancel').click()
    await expect(button(window, 'Go on with it')).toBeVisible(LONG)
    await expect(point(window, 'weights, 2 bits')).toBeVisible()
    await button(window, 'Go on with it').click()
    await expect(window.getByText(/^6 points on .* measured, [1-5] found again/)).toBeVisible({ timeout: 240_000 })
    await expect(window.getByRole('img', { name: /^Accuracy over bits\. top-1 of 6 points/ })).toBeVisible()
    await expect(values(window).getByRole('row')).toHaveCount(1 + 1 + 6)
  })

  await test.step('a point is a plan, taken by keys', async () => {
    const one = point(window, 'weights, 4 bits')
    await expect(one).toBeEnabled()
    await one.focus()
    await window.keyboard.press('Enter')
    await expect(taken(window)).toHaveCount(1)
    await expect(taken(window)).toContainText('weights, 4 bits')
    await expect(planButton(window)).toContainText('edited')
    // what was measured of this plan stands in the bottom line already: 8 bits of either side are one plan
    await point(window, 'weights and activations, 8 bits').click()
    await expect(taken(window)).toHaveCount(2)
    expect(await look(window, 'bits-measured')).toEqual([])
  })

  await test.step('files', async () => {
    test.skip(host === null, 'Electron asks where to by its own dialog')
    for (const [entry, format] of [
      ['Figure as SVG', 'svg'],
      ['Values as CSV', 'csv'],
      ['All of it as JSON', 'json'],
    ] as const) {
      await button(window, 'Save…').click()
      const menu = window.getByRole('menuitem', { name: entry })
      const file = await saved(window, () => menu.click(), path.join(folder, `figure.${format}`))
      const written = path.join(host!.home, 'exports', 'digits-cnn.sweep', `digits-cnn.${format}`)
      expect(fs.readFileSync(file, 'utf8')).toBe(fs.readFileSync(written, 'utf8'))
    }
    await expect(window.getByText('digits-cnn.json is with your downloads.')).toBeVisible()
  })

  await test.step('found again', async () => {
    await window.reload()
    await expect(values(window).getByRole('row')).toHaveCount(1 + 1 + 6, LONG)
    await expect(asked(window, 'Bits', '3')).toHaveAttribute('aria-pressed', 'false')
    await button(window, 'Sweep').click()
    await expect(window.getByText(/ 0 measured, 5 found again/)).toBeVisible(LONG)
  })

  await test.step('opened from the list of runs', async () => {
    await window.getByRole('tab', { name: 'Layer by layer' }).click()
    await goTo(window, 'Runs')
    await window
      .getByRole('row', { name: /bit sweep/ })
      .first()
      .click()
    await window.getByRole('region', { name: 'The selected run' }).getByRole('button', { name: 'Open' }).click()
    await expect(window.getByRole('tab', { name: 'Accuracy over bits' })).toHaveAttribute('aria-selected', 'true')
    await expect(values(window).getByRole('row')).toHaveCount(1 + 1 + 6)
  })
})
