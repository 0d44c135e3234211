import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { _electron, test as base, type Page } from '@playwright/test'
import { electronBinary } from '../../src/main/hosts/look-for-electron.ts'

/** The built application: `out`, or a build beside it that QUANTBENCH_OUT names. */
export const OUT = path.resolve(import.meta.dirname, '../..', process.env['QUANTBENCH_OUT'] ?? 'out')
/** The built-in sample: a real, small classifier. */
export const SAMPLE = path.resolve(import.meta.dirname, '../../resources/sample/digits-cnn.onnx')

/** A browser host under test, as a process of its own. */
export class HostProcess {
  readonly home: string
  readonly #roots: readonly string[]
  #child: ChildProcess | null = null
  #origin = ''
  #link = ''
  output = ''

  constructor(home: string, roots: readonly string[]) {
    this.home = home
    this.#roots = roots
  }

  get origin(): string {
    return this.#origin
  }

  get pid(): number {
    return this.#child!.pid!
  }

  /** Starts it; again on the same port after it has ended. */
  async start(): Promise<void> {
    const port = this.#origin === '' ? [] : ['--port', new URL(this.#origin).port]
    const roots = this.#roots.flatMap((root) => ['--root', root])
    const args = [path.join(OUT, 'main', 'cli.js'), 'serve', '--no-open', '--home', this.home, ...roots, ...port]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    for await (const line of createInterface({ input: child.stdout })) {
      this.output += `${line}\n`
      const found = /(http:\/\/127\.0\.0\.1:\d+)\/\?token=[\w-]+/.exec(line)
      if (!found) continue
      this.#link = found[0]
      this.#origin = found[1]!
      return
    }
    throw new Error(`the host did not start:\n${this.output}`)
  }

  /** A link that lets a window in once: the one it printed, then new ones. */
  async link(): Promise<string> {
    const first = this.#link
    this.#link = ''
    if (first !== '') return first
    const { secret } = JSON.parse(fs.readFileSync(path.join(this.home, 'host.lock'), 'utf8')) as { secret: string }
    const answer = await fetch(`${this.#origin}/link`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
    })
    return ((await answer.json()) as { link: string }).link
  }

  /** @param signal SIGKILL as a crash would end it */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
  }
}

interface Options {
  /** further folders of the workspace */
  readonly roots: readonly string[]
}

interface Fixtures {
  /** a folder for files of the test; part of the workspace */
  readonly folder: string
  /** the browser host; null in Electron */
  readonly host: HostProcess | null
  /** the window, on a fresh store, once it has its page */
  readonly window: Page
}

const ELECTRON = process.env['QUANTBENCH_SHELL'] === 'electron' ? electronBinary() : null

/** `window` is the application's, in a browser or in Electron: the same specs run against both. */
export const test = base.extend<Fixtures & Options>({
  roots: [[], { option: true }],
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of fixtures from this pattern
  folder: async ({}, use) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-e2e-'))
    await use(folder)
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  },
  host: async ({ folder, roots }, use) => {
    if (ELECTRON !== null) return use(null)
    const host = new HostProcess(path.join(folder, 'home'), [folder, path.dirname(SAMPLE), ...roots])
    await host.start()
    await use(host)
    await host.stop()
  },
  window: async ({ folder, host, page }, use) => {
    if (host !== null) {
      await page.goto(await host.link())
      await use(page)
      return
    }
    const app = await _electron.launch({
      executablePath: ELECTRON!,
      args: [path.join(OUT, 'main', 'index.js'), '--home', path.join(folder, 'home'), '--no-sandbox'],
    })
    await use(await app.firstWindow())
    await app.close()
  },
})

export { expect } from '@playwright/test'
