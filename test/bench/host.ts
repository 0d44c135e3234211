import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import { chromium } from '@playwright/test'
import WebSocket from 'ws'
import { findChromium } from '../../scripts/chromium.ts'
import { ensureBuilt } from '../../scripts/build.ts'
import { writeModelFile } from '../../src/main/jobs/model-file.ts'
import type { JobResult } from '../../src/shared/contract/api/job-results.ts'
import type { TestClient } from '../builders/application.ts'
import { resNet18 } from '../builders/networks.ts'
import type { LoopDelay } from './host-child.ts'
import { median, type Figure, type Section } from './section.ts'

/** What the host does to its own event loop while it works, and how soon it is there. */
export const hostSection: Section = {
  name: 'host',
  about:
    'The browser host as a process of its own. Event loop: how late its timers come (perf_hooks) while a search over a ResNet-18 at 64×64 ' +
    'runs on all cores and a window asks for runs, estimates and layers ten times a second. Start: from the command to the link, and to the ' +
    'first screen in a Chromium that is started too; the build is there already.',
  run: async (log) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bench-host-'))
    try {
      return [...(await whileSearching(folder, log)), ...(await coldStart(folder, log))]
    } finally {
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    }
  },
}

async function whileSearching(folder: string, log: (line: string) => void): Promise<Figure[]> {
  const home = path.join(folder, 'home')
  const file = path.join(home, 'resnet18.onnx')
  fs.mkdirSync(home)
  await writeModelFile(resNet18({ inputSize: 64, classes: 10 }), file)
  const child = fork(path.join(import.meta.dirname, 'host-child.ts'), [home], { execArgv: [] })
  try {
    const [{ link }] = (await once(child, 'message')) as [{ link: string }]
    const client = await connect(link)
    const { summary } = await client.models.open({ path: file })
    log(`search over ${summary.layers.length} layers`)
    child.send('begin')
    const answers = { calls: [] as number[], estimates: [] as number[] }
    const window = new AbortController()
    const asking = askOften(client, summary.hash, answers, window.signal)
    const result = await search(client, file)
    window.abort()
    await asking
    child.send('end')
    const [delay] = (await once(child, 'message')) as [LoopDelay]
    if (result.kind !== 'search') throw new Error('the search did not end')
    const during = `${delay.readings} readings over a search of ${result.trials} plans, ${(result.wallMs / 1000).toFixed(0)} s`
    return [
      {
        name: 'event loop of the main process: p99 of its delay',
        value: delay.p99,
        unit: 'ms',
        wanted: '≤ 50',
        how: during,
      },
      { name: 'the longest', value: delay.max, unit: 'ms', wanted: '', how: during },
      answered('a call of the window meanwhile', answers.calls, ''),
      answered('an estimate of a toggled plan meanwhile', answers.estimates, '≤ 100'),
    ]
  } finally {
    await ended(child)
  }
}

/** The 99th percentile of answers. */
function answered(name: string, ms: readonly number[], wanted: string): Figure {
  const sorted = [...ms].sort((a, b) => a - b)
  const p99 = sorted[Math.floor(0.99 * (sorted.length - 1))]!
  return {
    name: `${name}: p99`,
    value: p99,
    unit: 'ms',
    wanted,
    how: `${ms.length} calls, median ${median(ms).toFixed(1)} ms`,
  }
}

async function search(client: TestClient, model: string): Promise<JobResult> {
  const samples = {
    data: { kind: 'synthetic-digits' },
    samples: 400,
    calibrationSamples: 64,
    preprocess: 'unit',
  } as const
  const request = { kind: 'search', model, samples, configs: '8,4', maxDrop: 0.01, maxTrials: 8, threads: 1 } as const
  const { id } = await client.jobs.start(request)
  for await (const event of await client.jobs.watch({ job: id })) {
    if (event.kind === 'failed') throw new Error(event.fault.message)
    if (event.kind === 'done') return event.result
  }
  throw new Error('the search was cut off')
}

/** What a window that is used does: lists, looks at a layer, toggles. */
async function askOften(
  client: TestClient,
  hash: string,
  answers: { readonly calls: number[]; readonly estimates: number[] },
  signal: AbortSignal,
): Promise<void> {
  const plan = await client.plans.fromOptions({})
  const { summary } = await client.models.get({ hash })
  const ids = summary.layers.filter(({ role, quantizable }) => role === 'weighted' && quantizable).map(({ id }) => id)
  for (let i = 0; !signal.aborted; i++) {
    const toggled = { ...plan, layers: { [ids[i % ids.length]!]: 'float' as const } }
    answers.estimates.push(await timed(() => client.plans.estimate({ hash, plan: toggled })))
    answers.calls.push(await timed(() => client.runs.list({ limit: 100 })))
    answers.calls.push(await timed(() => client.models.weights({ hash, layer: ids[i % ids.length]! })))
    await sleep(100, undefined, { signal }).catch(() => undefined)
  }
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

async function connect(link: string): Promise<TestClient> {
  const { origin } = new URL(link)
  const cookie = (await fetch(link, { redirect: 'manual' })).headers.get('set-cookie')!.split(';')[0]!
  const websocket = new WebSocket(`${origin.replace('http', 'ws')}/rpc`, { headers: { cookie, origin } })
  return createORPCClient<TestClient>(new RPCLink({ websocket: websocket }))
}

const STARTS = 5

async function coldStart(folder: string, log: (line: string) => void): Promise<Figure[]> {
  ensureBuilt()
  const links: number[] = []
  const screens: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const begun = performance.now()
    const script = path.resolve(import.meta.dirname, '../../scripts/start.ts')
    const child = spawn(process.execPath, [script, '--no-open', '--home', path.join(folder, `start-${i}`)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const link = await linkOf(child)
    links.push(performance.now() - begun)
    const executablePath = findChromium()
    if (executablePath !== null) {
      await showFirstScreen(executablePath, link)
      screens.push(performance.now() - begun)
    }
    await ended(child)
  }
  if (screens.length === 0) log('no Chromium here: the first screen was not timed')
  const how = `median of ${STARTS} starts, a new store each`
  return [
    { name: 'npm start: until the link', value: median(links), unit: 'ms', wanted: '', how },
    ...(screens.length > 0
      ? [{ name: 'npm start: until the first screen', value: median(screens), unit: 'ms', wanted: '≤ 3000', how }]
      : []),
  ]
}

async function linkOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/.exec(line)
    if (found) return found[0]
  }
  throw new Error('the host did not start')
}

async function showFirstScreen(executablePath: string, link: string): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.goto(link)
    await page.getByRole('button', { name: 'Open the built-in sample' }).first().waitFor()
  } finally {
    await browser.close()
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const end = once(child, 'exit')
  if (child.connected) child.disconnect()
  else child.kill('SIGTERM')
  await end
}
