import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { writeManyRuns } from '../builders/many-runs.ts'
import { expect, OUT, SAMPLE, test } from './fixtures.ts'
import { findings } from './looks.ts'

// The table of runs: by keys, live, compared, out to files and in from another store.

async function showRuns(window: Page): Promise<void> {
  await window.getByRole('navigation').getByText('Runs', { exact: true }).click()
  await expect(window).toHaveURL(/#\/runs/)
}

const rowOf = (window: Page, text: string) => window.getByRole('row').filter({ hasText: text })

test('says what belongs there while it is empty', async ({ window }) => {
  await showRuns(window)
  await expect(window.getByRole('heading', { name: 'No runs yet' })).toBeVisible()
  expect(await findings(window)).toEqual([])
})

test('is walked, selected, noted, tagged and pinned by keys alone', async ({ window, folder }) => {
  writeManyRuns(path.join(folder, 'home'), 60, 3)
  await showRuns(window)
  const grid = window.getByRole('grid', { name: 'Runs' })
  await expect(grid).toBeFocused()
  await expect(grid).toHaveAttribute('aria-rowcount', '61')
  await window.keyboard.press('ArrowDown')
  await expect(window.getByRole('region', { name: 'The selected run' })).toContainText('run00059')
  await window.keyboard.press('p')
  await expect(grid.getByText('baseline', { exact: true }).first()).toBeAttached()
  for (let i = 0; i < 3; i++) await window.keyboard.press('Shift+ArrowDown')
  await expect(grid.getByRole('row', { selected: true })).toHaveCount(4)
  const metrics = window.getByRole('region', { name: 'Metrics of the compared runs' })
  await expect(metrics.getByRole('columnheader')).toHaveCount(5)
  await expect(metrics.getByRole('row', { name: /^size/ })).toContainText(/[+−]\d/)
  await window.keyboard.press('n')
  await window.keyboard.type('kept for later')
  await window.keyboard.press('Enter')
  await expect(rowOf(window, 'kept for later').first()).toBeVisible()
  await expect(grid).toBeFocused()
  await window.keyboard.press('t')
  await expect(window.getByRole('textbox', { name: 'New tag' })).toBeFocused()
  await window.keyboard.type('mine')
  await window.keyboard.press('Enter')
  await expect(window.getByRole('dialog').getByText('mine', { exact: true })).toBeVisible()
  await window.keyboard.press('Escape')
  await expect(grid).toBeFocused()
  await window.keyboard.press('ControlOrMeta+a')
  await expect(window.getByRole('status').filter({ hasText: '60 selected' })).toBeVisible()
})

test('moves runs to the trash and brings them back', async ({ window, folder }) => {
  writeManyRuns(path.join(folder, 'home'), 12, 2)
  await showRuns(window)
  const grid = window.getByRole('grid', { name: 'Runs' })
  await grid.focus()
  await window.keyboard.press('ArrowDown')
  await window.keyboard.press('Shift+ArrowDown')
  await window.keyboard.press('Delete')
  await expect(grid).toHaveAttribute('aria-rowcount', '11')
  await window.getByRole('button', { name: 'Undo' }).click()
  await expect(grid).toHaveAttribute('aria-rowcount', '13')
  await grid.focus()
  await window.keyboard.press('Delete')
  await expect(grid).toHaveAttribute('aria-rowcount', '11')
  await window.getByRole('radio', { name: 'Trash 2' }).click()
  await expect(grid).toHaveAttribute('aria-rowcount', '3')
  await grid.focus()
  await window.keyboard.press('ControlOrMeta+a')
  await window.keyboard.press('Delete')
  await expect(window.getByRole('heading', { name: 'The trash is empty' })).toBeVisible()
})

test('takes up new runs without moving what is read', async ({ window, folder }) => {
  const home = path.join(folder, 'home')
  writeManyRuns(home, 300, 1)
  await showRuns(window)
  const grid = window.getByRole('grid', { name: 'Runs' })
  await expect(grid).toHaveAttribute('aria-rowcount', '301')
  await grid.evaluate((element) => (element.scrollTop = 100 * 28 + 7))
  await expect(rowOf(window, '2026-01-01').first()).toBeVisible()
  const place = () =>
    grid.evaluate((element) => {
      const top = element.getBoundingClientRect().top + 28
      const rows = [...element.querySelectorAll('.row')].map((row) => ({
        text: row.textContent,
        y: Math.round(row.getBoundingClientRect().top - top),
      }))
      return rows.filter(({ y }) => y > -28).sort((a, b) => a.y - b.y)[0]!
    })
  await grid.locator('.row').nth(14).click() // one in the middle: a row that is cut off would be scrolled into view
  const before = await place()
  writeManyRuns(home, 5, 1, 2, 'later')
  await window.keyboard.press('n')
  await window.keyboard.type('noted')
  await window.keyboard.press('Enter')
  await expect(grid).toHaveAttribute('aria-rowcount', '306')
  const after = await place()
  expect(after.y).toBe(before.y)
  expect(after.text.slice(0, 20)).toBe(before.text.slice(0, 20))
  await expect(grid.getByRole('row', { selected: true })).toHaveCount(1)
})

test('filters by chips, saves as CSV, and imports another store', async ({ window, folder, host }) => {
  test.skip(host === null, 'Electron shows the dialogs of the system')
  writeManyRuns(path.join(folder, 'home'), 30, 1)
  writeManyRuns(path.join(folder, 'other'), 4, 1, 3, 'other')
  await showRuns(window)
  await window.getByRole('button', { name: 'Filter', exact: true }).click()
  await window.getByRole('checkbox', { name: /^bench/ }).click()
  await window.keyboard.press('Escape')
  await expect(window.getByText('kind: bench')).toBeVisible()
  await expect(window.getByRole('grid')).toHaveAttribute('aria-rowcount', '6')
  const download = window.waitForEvent('download')
  await window.getByRole('button', { name: 'Export', exact: true }).click()
  await window.getByRole('menuitem', { name: 'Export as CSV' }).click()
  const saved = await download
  expect(saved.suggestedFilename()).toBe('runs.csv')
  const lines = fs
    .readFileSync(await saved.path(), 'utf8')
    .trim()
    .split('\r\n')
  expect(lines).toHaveLength(6)
  expect(lines[0]).toMatch(/^id,kind,status/)
  await window.getByRole('button', { name: 'Clear filters' }).click()
  await window.getByRole('button', { name: 'Export', exact: true }).click()
  await window.getByRole('menuitem', { name: /^Import another store/ }).click()
  const place = window.getByRole('textbox', { name: /^Folder/ })
  await place.fill(path.join(folder, 'other'))
  await place.press('Enter')
  await window
    .getByRole('dialog')
    .getByRole('button', { name: /^(Open|Choose|Take)/ })
    .last()
    .click()
  await expect(window.getByRole('status').filter({ hasText: '4 runs imported' })).toBeVisible()
  await expect(window.getByRole('grid')).toHaveAttribute('aria-rowcount', '35')
})

test('opens a run: its model and its plan; draws what differs between two on the graph', async ({ window, folder }) => {
  test.setTimeout(600_000)
  const home = path.join(folder, 'home')
  for (const weights of ['int8', 'int4']) {
    const out = path.join(folder, `${weights}.onnx`)
    const args = ['quantize', SAMPLE, '--data', 'synthetic-digits', '--calibration-samples', '64', '-o', out]
    const cli = [path.join(OUT, 'main', 'cli.js'), ...args, '--weights', weights, '--home', home]
    const { stdout, stderr } = spawnSync(process.execPath, cli, { encoding: 'utf8' })
    expect(stderr + stdout).toContain(`${weights}.onnx`)
  }
  await showRuns(window)
  const rows = window.getByRole('grid').locator('.row')
  await rows.nth(0).click()
  const details = window.getByRole('region', { name: 'The selected run' })
  await expect(details).toContainText('quantize')
  await details.getByRole('button', { name: 'Open' }).click()
  await expect(window).toHaveURL(/#\/graph/)
  await expect(window).toHaveTitle(/digits-cnn/)
  await showRuns(window)
  await rows.nth(1).click({ modifiers: ['ControlOrMeta'] })
  await window.getByRole('tab', { name: 'Layers' }).click()
  await expect(window.getByRole('region', { name: 'Layers of the compared runs' })).toContainText('int4')
  await window.getByRole('button', { name: 'Show on the graph' }).click()
  await expect(window).toHaveURL(/#\/graph/)
  await expect(window.getByText(/\d+ layers differ/)).toBeVisible()
})

for (const scheme of ['light', 'dark'] as const) {
  test(`has no findings of axe in the ${scheme} theme`, async ({ window, folder }) => {
    writeManyRuns(path.join(folder, 'home'), 40, 4)
    await window.emulateMedia({ colorScheme: scheme })
    await showRuns(window)
    const grid = window.getByRole('grid', { name: 'Runs' })
    await grid.focus()
    await window.keyboard.press('ArrowDown')
    await expect(window.getByRole('region', { name: 'The selected run' })).toBeVisible()
    expect(await findings(window)).toEqual([])
    await window.keyboard.press('p')
    for (let i = 0; i < 5; i++) await window.keyboard.press('Shift+ArrowDown')
    for (const tab of ['Metrics', 'Settings', 'Layers', 'Curves', 'Scatter', 'Parallel coordinates', 'Trends']) {
      await window.getByRole('tab', { name: tab }).click()
      await window.waitForTimeout(500) // charts draw in a frame of their own
      expect(await findings(window), tab).toEqual([])
    }
    await window.getByRole('button', { name: 'Columns' }).click()
    await expect(window.getByRole('list', { name: 'Shown columns' })).toBeVisible()
    expect(await findings(window)).toEqual([])
  })
}
