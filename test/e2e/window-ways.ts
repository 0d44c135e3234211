import fs from 'node:fs'
import path from 'node:path'
import { expect, type Locator, type Page } from '@playwright/test'

// What a person does in the window, in the words of a spec.

/** For what computes, on a machine that is busy. */
export const LONG = { timeout: 240_000 }

export const canvas = (window: Page): Locator => window.getByRole('application', { name: /^Graph/ })
export const inspector = (window: Page): Locator => window.getByRole('complementary', { name: 'Inspector' })
export const answer = (window: Page): Locator => window.getByRole('group', { name: 'What the plan comes to' })
export const planButton = (window: Page): Locator => window.getByRole('button', { name: /^plan/ })

/** The row of the searched plan that is the plan on the graph. */
export const taken = (window: Page): Locator =>
  window.getByRole('row').filter({ has: window.getByText('on the graph', { exact: true }) })

/** The sample on the graph view, by the palette: no pointer is used. */
export async function openSample(window: Page): Promise<void> {
  await window.keyboard.press('Control+k')
  await window.keyboard.type('built-in sample')
  await window.keyboard.press('Enter')
  await expect(canvas(window)).toBeVisible(LONG)
}

/** A model of the workspace, by the window's own file dialog. */
export async function openModel(window: Page, file: string): Promise<void> {
  await window.keyboard.press('ControlOrMeta+o')
  await goToFolder(window, path.dirname(file))
  await window.keyboard.type(path.basename(file))
  await window.keyboard.press('Enter')
  await expect(window).toHaveTitle(new RegExp(`^${path.basename(file)} – Graph`), LONG)
  await expect(canvas(window)).toBeVisible(LONG)
}

/** Types a folder into the file dialog that is open. */
export async function goToFolder(window: Page, folder: string): Promise<void> {
  const place = window.getByRole('textbox', { name: /^Folder/ })
  await expect(place).not.toHaveValue('')
  await place.fill(folder)
  await place.press('Enter')
  await expect(window.getByRole('listbox', { name: `Files in ${folder}` })).toBeFocused()
}

/** A folder of data, by the file dialog that is open. */
export async function chooseFolder(window: Page, folder: string): Promise<void> {
  await goToFolder(window, folder)
  await expect(window.getByRole('dialog').getByText('Enter takes this folder')).toBeVisible()
  await window.keyboard.press('Enter')
  await expect(window.getByRole('dialog')).toHaveCount(0)
}

/** A screen, by its link in the rail. */
export async function goTo(window: Page, screen: string): Promise<void> {
  await window.getByRole('navigation').getByRole('link', { name: screen, exact: true }).click()
  await expect(window.getByRole('heading', { level: 1, name: screen })).toBeAttached()
}

/** One of the answers to a field that opens a list. */
export async function pickFrom(window: Page, field: Locator, option: string | RegExp): Promise<void> {
  await field.click()
  await window.getByRole('option', { name: option }).click()
}

/** Top-1 of the bottom line in percent as it is shown. */
export async function shownTop1(window: Page): Promise<{ readonly float: number; readonly plan: number }> {
  const text = await answer(window)
    .getByRole('button', { name: /^top-1/ })
    .innerText()
  const [, float, plan] = /([\d.]+) % →\s*([\d.]+) %/.exec(text) ?? []
  expect(plan, text).toBeDefined()
  return { float: Number(float), plan: Number(plan) }
}

/** What a click of the window saves, as a file of the test. */
export async function saved(window: Page, click: () => Promise<void>, as: string): Promise<string> {
  const [download] = await Promise.all([window.waitForEvent('download'), click()])
  await download.saveAs(as)
  expect(fs.statSync(as).size).toBeGreaterThan(0)
  return as
}
