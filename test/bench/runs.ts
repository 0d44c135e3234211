import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Page } from '@playwright/test'
import { ensureBuilt } from '../../scripts/build.ts'
import { findChromium } from '../../scripts/chromium.ts'
import { compareRuns } from '../../src/main/jobs/compare-runs.ts'
import { openStore, type Store } from '../../src/main/store/store.ts'
import { writeManyRuns } from '../builders/many-runs.ts'
import { median, type Figure, type Section } from './section.ts'

const RUNS = 10_000
const COMPARED = 20
const REPEATS = 7

/** The table of runs with ten thousand of them. */
export const runsSection: Section = {
  name: 'runs',
  about:
    `A store with ${RUNS} made-up runs (9 metrics and 26 layers each). The store alone, in this process; and the window: headless Chromium ` +
    'against the browser host, from the click until the rows (or the compared columns) are in the page, by its own clock, frames included.',
  run: async (log) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bench-runs-'))
    try {
      const home = path.join(folder, 'home')
      fs.mkdirSync(home)
      log(`writing ${RUNS} runs`)
      writeManyRuns(home, RUNS)
      return [...ofStore(home), ...(await ofWindow(home, log))]
    } finally {
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    }
  },
}

const NEWEST = { by: 'startedAt', descending: true }
const BEST = { by: 'metric:top1', descending: true }

function ofStore(home: string): Figure[] {
  const store = openStore(home)
  try {
    const ids = store.facts.ids({ filter: {}, sort: NEWEST })
    const compared = ids.slice(0, COMPARED)
    const page = (sort: typeof NEWEST) => () => store.runs.page({ filter: {}, sort, offset: 0, limit: 100 })
    return [
      timed('store: a page of 100 rows, newest first', '≤ 300', page(NEWEST)),
      timed('store: a page of 100 rows by a metric', '≤ 300', page(BEST)),
      timed('store: the order of all runs', '', () => store.facts.ids({ filter: {}, sort: NEWEST })),
      timed(`store: compare ${COMPARED} runs`, '≤ 200', () => compareAll(store, compared)),
    ]
  } finally {
    store.close()
  }
}

function compareAll(store: Store, ids: readonly string[]): void {
  compareRuns(ids.map((id) => store.runs.get(id)))
}

function timed(name: string, wanted: string, work: () => unknown): Figure {
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return { name, value: median(times), unit: 'ms', wanted, how: how(times) }
}

function how(times: readonly number[]): string {
  return `median of ${times.length}, worst ${Math.max(...times).toFixed(0)} ms`
}

async function ofWindow(home: string, log: (line: string) => void): Promise<Figure[]> {
  const executablePath = findChromium()
  if (executablePath === null) {
    log('no Chromium here: the window was not timed')
    return []
  }
  const cli = path.join(ensureBuilt(), 'main', 'cli.js')
  const host = spawn(process.execPath, [cli, 'serve', '--no-open', '--home', home], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1500, height: 950 } })
    await page.goto(await linkOf(host.stdout))
    await page.getByRole('navigation').first().waitFor()
    return await inPage(page)
  } finally {
    await browser.close()
    const end = once(host, 'exit')
    host.kill('SIGTERM')
    await end
  }
}

async function linkOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const found = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/.exec(line)
    if (found) return found[0]
  }
  throw new Error('the host did not start')
}

/** In a page: does `begin`, then gives the ms until `isThere` holds in a frame. Both are source text, since they run there. */
function inFrames(page: Page, begin: string, isThere: string): Promise<number> {
  return page.evaluate(`(async () => {
    const start = performance.now()
    ;${begin}
    while (!(${isThere})) await new Promise(requestAnimationFrame)
    return performance.now() - start
  })()`)
}

const CELL = '[role=gridcell]:nth-child(3)'
const row = (index: number): string => `document.querySelector('[aria-rowindex="${index}"] ${CELL}')`
const press = (index: number, shift: boolean): string =>
  `document.querySelector('.row[aria-rowindex="${index}"]').dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: ${shift} }))`

async function repeat(page: Page, prepare: string, begin: string, isThere: string): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    await page.evaluate(prepare)
    await page.waitForTimeout(500)
    times.push(await inFrames(page, begin, isThere))
  }
  return times
}

async function inPage(page: Page): Promise<Figure[]> {
  const figure = (name: string, wanted: string, times: readonly number[]): Figure => ({
    name: `window: ${name}`,
    value: median(times),
    unit: 'ms',
    wanted,
    how: how(times),
  })
  const cold: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    await page.evaluate(`location.hash = '/models'`)
    await page.reload()
    await page.getByRole('navigation').first().waitFor()
    await page.waitForTimeout(500)
    cold.push(await inFrames(page, `location.hash = '/runs'`, `${row(4)} && ${row(12)}`))
  }
  await page.waitForTimeout(1000)
  const grid = `document.querySelector('[role=grid]')`
  const scrolled = await repeat(page, `${grid}.scrollTop = 0`, `${grid}.scrollTop = 5000 * 28`, row(5006))
  await page.evaluate(`${grid}.scrollTop = 0`)
  const head = `[...document.querySelectorAll('[role=columnheader] button')].find((one) => one.textContent.includes('top-1'))`
  const sorted = await repeat(
    page,
    `window.before = ${row(2)}?.parentElement.textContent`,
    `${head}.click()`,
    `${row(2)} && ${row(2)}.parentElement.textContent !== window.before`,
  )
  const compared = await repeat(
    page,
    press(2, false),
    press(COMPARED + 1, true),
    `document.querySelectorAll('.compare-table thead th').length === ${COMPARED + 1}`,
  )
  return [
    figure(`first rows of ${RUNS} runs, in a fresh page`, '≤ 300', cold),
    figure('rows after a jump to the middle', '', scrolled),
    figure('sorted by a metric', '≤ 300', sorted),
    figure(`${COMPARED} runs compared`, '≤ 200', compared),
  ]
}
