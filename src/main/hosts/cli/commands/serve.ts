import path from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { findAppBrowser, openAppWindow, thisMachine } from '../../browser/app-window.ts'
import type { BrowserHost } from '../../browser/host.ts'
import { defaultHome } from '../home.ts'
import type { GlobalOptions, Host } from '../host.ts'

interface ServeFlags extends GlobalOptions {
  open: boolean
  port?: number
  root?: string[]
}

/** `serve`: the window in a browser of this machine. Runs until it is interrupted. */
export function addServeCommand(program: Command, host: Host): void {
  program
    .command('serve')
    .description('show the window in a browser, on this machine only; --workers overrides its settings')
    .option('--no-open', 'print the address and open nothing')
    .option('--port <n>', 'port of 127.0.0.1 (a free one)', port)
    .option('--root <dir>', 'folder that the window may reach; repeat for more (home and current folder)', gather)
    .action(
      host.action(async (_services, flags: ServeFlags) => {
        // the other commands start without loading a server
        const { linkOfRunningHost, startBrowserHost } = await import('../../browser/host.ts')
        const home = flags.home ?? defaultHome()
        const running = flags.open ? await linkOfRunningHost(home) : null
        if (running !== null && (await show(running, home))) {
          host.print({ link: running }, () => 'Quantbench runs already on this store; a window was opened on it.')
          return
        }
        const { port, root: roots, workers } = flags
        const browser = await startBrowserHost({ home, port, roots, workers })
        try {
          await announce(host, browser, flags, home)
          await untilAborted(host.signal)
        } finally {
          await browser.close()
        }
      }),
    )
}

async function announce(host: Host, browser: BrowserHost, flags: ServeFlags, home: string): Promise<void> {
  const opened = flags.open && (await show(browser.newLink(), home))
  const link = browser.newLink()
  host.print({ link, origin: browser.origin, opened }, () =>
    opened
      ? `Quantbench is open in a window of its own. For another one: ${link} (works once). Ctrl-C ends it.`
      : `Quantbench is at ${link} (the link works once). Ctrl-C ends it.`,
  )
}

/** @returns false where no browser can show it */
async function show(link: string, home: string): Promise<boolean> {
  const browser = findAppBrowser(thisMachine())
  return browser !== null && openAppWindow(browser, link, path.join(home, 'browser-profile'))
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  // the timer keeps the process alive whatever else does
  const hold = setInterval(() => {}, 2 ** 30)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(hold)
      resolve()
    })
  })
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('expected a port, 0 to 65535.')
  return value
}

/** Repeated: names of folders may hold commas. */
function gather(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), text]
}
