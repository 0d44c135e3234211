import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { chromium, type Browser, type Page } from '@playwright/test'
import vue from '@vitejs/plugin-vue'
import { build, preview } from 'vite'
import { findChromium } from '../../scripts/chromium.ts'
import { chainView } from './graph-views.ts'
import { median, type Figure, type Section } from './section.ts'

/** Times a page is opened anew; times each movement is made, and its seconds. */
const RUNS = 5
const MOVES = 3
const MOVE_SECONDS = 2

interface Case {
  readonly nodes: number
  readonly paintWanted: number
}

const CASES: readonly Case[] = [
  { nodes: 2000, paintWanted: 2000 },
  { nodes: 8000, paintWanted: 3000 },
]

/** As graph-page/page.ts hands out; that page belongs to the web project. */
interface PageFigures {
  readonly paintMs: number
  readonly layoutMs: number
  readonly items: number
}

/** The graph canvas on chains of thousands of nodes with skip edges. */
export const graphSection: Section = {
  name: 'graph',
  about:
    'The graph canvas alone, built for production, in headless Chromium without a GPU (1200×800): residual chains with skip edges of 3 to 23 nodes, ' +
    'every node drawn on its own card, nothing folded.',
  run: async (log) => {
    const executablePath = findChromium()
    if (executablePath === null) throw new Error('no Chromium is installed here')
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-graph-'))
    const stop: (() => Promise<unknown>)[] = []
    try {
      const address = await servePage(folder, stop)
      const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
      stop.push(() => browser.close())
      const figures: Figure[] = []
      for (const { nodes, paintWanted } of CASES)
        figures.push(...(await measure(browser, address, nodes, paintWanted, log)))
      return figures
    } finally {
      for (const end of stop.reverse()) await end()
      fs.rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Builds the page and serves it with the graphs beside it. */
async function servePage(folder: string, stop: (() => Promise<unknown>)[]): Promise<string> {
  const root = path.join(import.meta.dirname, 'graph-page')
  const common = { configFile: false, root, logLevel: 'warn' } as const
  await build({ ...common, plugins: [vue()], build: { outDir: folder, emptyOutDir: true, target: 'esnext' } })
  for (const { nodes } of CASES) fs.writeFileSync(path.join(folder, `${nodes}.json`), JSON.stringify(chainView(nodes)))
  const server = await preview({ ...common, build: { outDir: folder }, preview: { host: '127.0.0.1', port: 0 } })
  stop.push(() => server.close())
  const address = server.resolvedUrls?.local[0]
  if (address === undefined) throw new Error('the page is not served')
  return address
}

async function open(browser: Browser, address: string): Promise<{ page: Page; figures: PageFigures }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(address)
  await page.waitForFunction('window.graphPage')
  return { page, figures: await page.evaluate<PageFigures>('graphPage.ready') }
}

async function measure(
  browser: Browser,
  address: string,
  nodes: number,
  paintWanted: number,
  log: (line: string) => void,
): Promise<Figure[]> {
  log(`${nodes} nodes: first paint`)
  const link = `${address}?graph=/${nodes}.json&folding=none`
  const opened: PageFigures[] = []
  for (let run = 0; run < RUNS; run++) {
    const { page, figures } = await open(browser, link)
    opened.push(figures)
    await page.close()
  }
  const how = `median of ${RUNS} fresh pages, ${opened[0]!.items} cards`
  const figures: Figure[] = [
    {
      name: `${nodes} nodes: first paint after parsing`,
      value: median(opened.map(({ paintMs }) => paintMs)),
      unit: 'ms',
      wanted: `≤ ${paintWanted}`,
      how,
    },
    {
      name: `${nodes} nodes: layout in the worker, its start included`,
      value: median(opened.map(({ layoutMs }) => layoutMs)),
      unit: 'ms',
      wanted: '',
      how,
    },
  ]
  const { page } = await open(browser, link)
  log(`${nodes} nodes: movement`)
  for (const [name, view] of VIEWS) figures.push(await frames(page, nodes, name, view, 'pan'))
  figures.push(await frames(page, nodes, 'through all levels', 'stage.open()', 'zoom'))
  figures.push(await find(page, nodes))
  await page.close()
  return figures
}

/** Where panning is measured: what is done to the stage first. */
const VIEWS: readonly (readonly [string, string])[] = [
  ['cards in full', 'stage.open()'],
  ['op and precision', 'stage.open(); stage.zoom(0.3)'],
  ['coloured boxes', 'stage.open(); stage.zoom(0.08)'],
  ['the whole graph', 'stage.fit()'],
]

async function frames(page: Page, nodes: number, name: string, view: string, move: 'pan' | 'zoom'): Promise<Figure> {
  await page.evaluate(`(() => { const stage = graphPage.stage(); ${view} })()`)
  await page.waitForTimeout(300)
  const rates: number[] = []
  for (let run = 0; run < MOVES; run++) {
    rates.push(await page.evaluate<number>(`graphPage.framesPerSecond('${move}', ${MOVE_SECONDS})`))
  }
  return {
    name: `${nodes} nodes: ${move}, ${name}`,
    value: median(rates),
    unit: 'frames/s',
    wanted: '≥ 50',
    how: `median of ${MOVES} runs of ${MOVE_SECONDS} s, one step a frame; 60 is the most`,
  }
}

async function find(page: Page, nodes: number): Promise<Figure> {
  const queries = JSON.stringify(['block1', 'conv', 'stage3/block999/add', 't', 'nothing is named so', 'add stage'])
  return {
    name: `${nodes} nodes: find, slowest of six queries`,
    value: await page.evaluate<number>(`graphPage.findMs(${queries})`),
    unit: 'ms',
    wanted: '≤ 100',
    how: 'over names of nodes and tensors, and ops',
  }
}
