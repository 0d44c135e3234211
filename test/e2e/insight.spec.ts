import fs from 'node:fs'
import path from 'node:path'
import type { Locator, Page } from '@playwright/test'
import Database from 'better-sqlite3'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { canvas, goTo, inspector, LONG, openSample, pickFrom, planButton, saved, taken } from './window-ways.ts'

// Calibrate, Sensitivity and Search on the built-in sample: what is held, cut off, taken up, walked by keys and seen in two windows.

test.describe.configure({ mode: 'parallel' })

const button = (window: Page, name: string | RegExp): Locator =>
  window.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name })
const measured = (window: Page): Locator =>
  window.getByRole('region', { name: 'Plans that were measured' }).getByRole('button', { name: /^Plan \d/ })
const reasons = (window: Page): Locator => window.getByRole('region', { name: 'Why the worst layers suffer' })
/** A chart that is walked by keys. */
const walked = (window: Page, title: RegExp): Locator => window.getByRole('application', { name: title })

/** Sweeps that have read their model, in the store of a host under test. */
function sweepsUnderWay(home: string): number {
  const store = new Database(path.join(home, 'quantbench.db'), { readonly: true })
  const sql = "SELECT 1 FROM runs WHERE kind = 'sensitivity' AND status = 'running' AND model_hash IS NOT NULL"
  const { length } = store.prepare(sql).all()
  store.close()
  return length
}

/** The sample with its digits as data, on a screen. */
async function startOn(window: Page, screen: string): Promise<void> {
  await openSample(window)
  await goTo(window, screen)
  await button(window, 'Use the built-in digits').first().click()
}

test('a search is held in one window and goes on in another; its best plan is kept as a file, and opened again', async ({
  window,
  host,
  folder,
  context,
}) => {
  test.skip(host === null, 'one window is opened in Electron')
  test.setTimeout(600_000)
  await openSample(window)
  // a plan that the search will not come upon
  await inspector(window)
    .getByRole('checkbox', { name: /^rounding/ })
    .click()
  await expect(planButton(window)).toContainText('edited')
  await goTo(window, 'Search')
  await button(window, 'Use the built-in digits').click()
  await window.getByRole('spinbutton', { name: 'Most plans measured' }).fill('60')
  await window.keyboard.press('Tab')
  await button(window, 'Search').click()
  await expect(measured(window).first()).toBeVisible(LONG)
  await button(window, 'Pause').click()
  await expect(button(window, 'Go on')).toBeVisible()

  const second = await context.newPage()
  await second.goto(host!.origin)
  await openSample(second)
  await goTo(second, 'Search')
  await expect(button(second, 'Go on')).toBeVisible()
  await button(second, 'Go on').click()
  await expect(button(window, 'Pause')).toBeVisible()
  await button(window, 'Pause').click()
  await expect(button(second, 'Go on')).toBeVisible()
  expect(await measured(second).count()).toBe(await measured(window).count())
  await button(second, 'Cancel').click()
  await expect(button(window, 'Cancel')).toHaveCount(0)
  await expect(button(window, 'Search')).toBeEnabled()
  await second.close()

  await button(window, 'Take the best').click()
  await expect(taken(window)).toContainText('best')
  await button(window, 'Save its plan…').click()
  const place = window.getByRole('textbox', { name: /^Folder/ })
  await expect(place).not.toHaveValue('')
  await place.fill(folder)
  await place.press('Enter')
  await expect(window.getByRole('listbox', { name: `Files in ${folder}` })).toBeVisible()
  await button(window, 'Save here').click()
  const file = path.join(folder, 'digits-cnn.plan.json')
  await expect(window.getByText(`Saved as ${file}`)).toBeVisible()
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ version: 1 })

  // away from it, and back by the file
  await window.keyboard.press('Control+z')
  await expect(taken(window)).toHaveCount(0)
  await planButton(window).click()
  const [chooser] = await Promise.all([
    window.waitForEvent('filechooser'),
    window.getByRole('menuitem', { name: 'Import a plan file…' }).click(),
  ])
  await chooser.setFiles(file)
  await expect(taken(window)).toContainText('best')
  // and what the window itself gives out is the same plan
  await planButton(window).click()
  const own = await saved(
    window,
    () => window.getByRole('menuitem', { name: 'Export the plan as a file…' }).click(),
    path.join(folder, 'own.json'),
  )
  expect(JSON.parse(fs.readFileSync(own, 'utf8'))).toEqual(JSON.parse(fs.readFileSync(file, 'utf8')))
})

test('a sweep streams into bars and map, which keys walk; the other side is asked; a remedy is taken', async ({
  window,
}) => {
  test.setTimeout(600_000)
  await startOn(window, 'Sensitivity')
  await button(window, 'Sweep').click()
  const bars = walked(window, /^Sensitivity at 8:/)
  await expect(bars).toBeVisible(LONG)
  await expect(window.getByText(/evaluations measured/)).toBeVisible(LONG)

  await test.step('keys', async () => {
    await bars.press('Home')
    await window.keyboard.press('ArrowDown')
    const said = window.getByRole('status').filter({ hasText: /, 2 of \d+$/ })
    await expect(said).toBeAttached()
    const second = (await said.textContent())!.split(':')[0]!
    await window.keyboard.press('Enter')
    await expect(inspector(window).getByRole('heading', { level: 2 })).toHaveText(second)
    const map = walked(window, /^Layers × configurations/)
    await map.focus()
    await window.keyboard.press('ArrowRight')
    await expect(window.getByRole('status').filter({ hasText: `${second}, int4` })).toBeAttached()
    await window.keyboard.press('Enter')
    await expect(walked(window, /^Sensitivity at int4/)).toBeVisible()
    // the keys are still on the same layer, wherever the other order put it
    await expect(window.getByRole('status').filter({ hasText: `${second}, int4` })).toBeAttached()
    await window.keyboard.press('ArrowUp')
    if (
      await window
        .getByRole('status')
        .filter({ hasText: `${second}, int4` })
        .count()
    )
      await window.keyboard.press('ArrowDown')
    await window.keyboard.press('Shift+Enter')
    await expect(inspector(window).getByRole('heading', { level: 2 })).toHaveText('2 layers')
  })

  await test.step('a remedy', async () => {
    const apply = reasons(window)
      .getByRole('button', { name: /^Apply/ })
      .first()
    await expect(apply).toBeVisible(LONG)
    await apply.click()
    await expect(planButton(window)).toContainText('edited')
    await window.keyboard.press('Control+z')
    await expect(planButton(window)).not.toContainText('edited')
  })

  await test.step('one layer reverted', async () => {
    await pickFrom(window, window.getByRole('combobox', { name: /^What is changed/ }), /one layer reverted/)
    await button(window, 'Sweep').click()
    await expect(button(window, 'Sweep')).toBeEnabled(LONG)
    await expect(window.getByText(/evaluations measured/)).toBeVisible(LONG)
    const chart = window.getByRole('figure', { name: /^Sensitivity at/ })
    await expect(chart.getByText(/left with this layer float/)).toBeVisible()
    expect(await look(window, 'sensitivity-reverted')).toEqual([])
  })
})

test('a sweep that died with its host is taken up where it was, in the same window', async ({ window, host }) => {
  test.skip(host === null, 'Electron’s windows end with it')
  test.setTimeout(600_000)
  await startOn(window, 'Sensitivity')
  await window.getByRole('checkbox', { name: /^all samples/ }).click()
  await button(window, 'Sweep').click()
  // whoever waits for values may find the sample's sweep ended; what is found again is kill.test.ts's to count.
  // A run that has not yet read its model belongs to none, and is nothing to go on with
  await expect.poll(() => sweepsUnderWay(host!.home), { timeout: 180_000, intervals: [20] }).toBe(1)
  await host!.stop('SIGKILL')
  await expect(window.getByText(/reconnecting/)).toBeVisible()
  await host!.start()
  await expect(window.getByText(/reconnecting/)).toHaveCount(0, { timeout: 180_000 })
  await button(window, 'Go on with it').click()
  await expect(window.getByText(/evaluations measured, \d+ found again/)).toBeVisible(LONG)
  await expect(window.getByRole('alert')).toHaveCount(0)
})

test('one activation has a calibrator of its own, one layer bits of its own', async ({ window }) => {
  test.setTimeout(600_000)
  await startOn(window, 'Calibrate')
  await button(window, 'Calibrate').last().click()
  const own = window.getByRole('combobox', { name: /^Calibrator of / })
  await expect(own.nth(1)).toBeVisible(LONG)
  await pickFrom(window, own.nth(1), /^entropy/)
  await expect(planButton(window)).toContainText('edited')
  const layer = window.getByRole('region', { name: 'Method' }).getByRole('listitem').nth(1).getByRole('button').first()
  const id = await layer.innerText()
  await layer.click()
  await goTo(window, 'Graph')
  await expect(inspector(window).getByRole('heading', { level: 2 })).toHaveText(id)
  const by = inspector(window).getByRole('combobox', { name: /range by/ })
  await expect(by).toContainText('entropy')
  await pickFrom(window, by, /^MSE/)
  await pickFrom(window, inspector(window).getByRole('combobox', { name: 'scales' }), /per tensor/i)
  await goTo(window, 'Calibrate')
  await expect(own.nth(1)).toContainText('MSE')
  await window.keyboard.press('Control+z')
  await window.keyboard.press('Control+z')
  await expect(own.nth(1)).toContainText('entropy')
})

test('a short press of an arrow is enough for a switch', async ({ window }) => {
  await startOn(window, 'Sensitivity')
  const exact = window.getByRole('radio', { name: 'Exact sweep' })
  await exact.focus()
  await window.keyboard.press('ArrowRight', { delay: 0 })
  await expect(window.getByRole('radio', { name: 'Quick scan' })).toBeChecked()
  await expect(window.getByRole('radio', { name: 'Quick scan' })).toBeFocused()
  await window.keyboard.press('ArrowRight', { delay: 0 })
  await expect(exact).toBeChecked()
})

test('no screen without results has anything that axe objects to, in light and dark', async ({ window }) => {
  test.setTimeout(600_000)
  const found: string[] = []
  found.push(...(await look(window, 'models-empty')))
  await openSample(window)
  await expect(canvas(window)).toBeVisible()
  found.push(...(await look(window, 'graph')))
  for (const screen of ['Calibrate', 'Sensitivity', 'Search']) {
    await goTo(window, screen)
    found.push(...(await look(window, `${screen.toLowerCase()}-empty`)))
  }
  expect(found).toEqual([])
})
