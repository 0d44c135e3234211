import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const ON_PATH = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
  'brave-browser',
]
const ON_MAC = [
  'Google Chrome.app/Contents/MacOS/Google Chrome',
  'Chromium.app/Contents/MacOS/Chromium',
  'Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
].map((name) => `/Applications/${name}`)
const ON_WINDOWS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
  'Chromium\\Application\\chrome.exe',
]

/** What of this machine decides whether a window can be shown. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
  readonly exists: (file: string) => boolean
  /** true for root, under which Chromium does not start with its sandbox */
  readonly isRoot: boolean
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  return { platform: process.platform, env: process.env, exists: fs.existsSync, isRoot: process.getuid?.() === 0 }
}

/** An installed browser that can show a page as an application's window, or null, also where there is no screen. */
export function findAppBrowser({ platform, env, exists, isRoot }: Machine): string | null {
  if (isRoot) return null
  if (platform === 'darwin') return ON_MAC.find(exists) ?? null
  if (platform === 'win32') {
    const folders = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter(
      (folder) => folder !== undefined,
    )
    return folders.flatMap((folder) => ON_WINDOWS.map((name) => path.win32.join(folder, name))).find(exists) ?? null
  }
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return null
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
  return ON_PATH.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(exists) ?? null
}

/**
 * Opens a link as a window of its own, in a profile of its own: neither the user's tabs nor extensions see it.
 * @returns false where the browser could not be started
 */
export async function openAppWindow(browser: string, link: string, profile: string): Promise<boolean> {
  const args = [
    `--app=${link}`,
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--window-size=1440,900',
  ]
  const child = spawn(browser, args, { detached: true, stdio: 'ignore' })
  child.unref()
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(true))
    child.once('error', () => resolve(false))
  })
}
