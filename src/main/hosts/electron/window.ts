import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrowserWindow, dialog, screen } from 'electron'
import { createCrashPolicy } from './crash-policy.ts'
import type { RendererPage } from './security.ts'
import { isOwnPage } from './security.ts'
import { restoredState, type WindowState } from './window-state.ts'
import type { Json } from '../../../shared/contract/runs.ts'

export interface WindowOptions {
  readonly page: RendererPage
  /** the state a window was left in */
  readonly kept: Json
  readonly keep: (state: WindowState) => void
}

/** Opens one window on the renderer's page: sandboxed, isolated, unable to leave that page, and back after a crash. */
export function createWindow({ page, kept, keep }: WindowOptions): BrowserWindow {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const { isMaximized, ...bounds } = restoredState(
    kept,
    screen.getAllDisplays().map(({ workArea }) => workArea),
  )
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 800,
    minHeight: 500,
    show: false,
    webPreferences: {
      preload: path.join(here, '../preload/index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
    },
  })
  if (isMaximized) window.maximize()
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  window.webContents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url, page)) event.preventDefault()
  })
  window.webContents.on('will-attach-webview', (event) => event.preventDefault())
  const afterCrash = createCrashPolicy(() => Date.now())
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    const what = afterCrash(reason)
    if (what === 'reload') window.webContents.reload()
    if (what === 'giveUp')
      dialog.showErrorBox(
        'The window keeps crashing',
        'Close it and open a new one; jobs and everything measured are kept.',
      )
  })
  window.on('close', () => keep({ ...window.getNormalBounds(), isMaximized: window.isMaximized() }))
  window.once('ready-to-show', () => window.show())
  void (page.kind === 'url' ? window.loadURL(page.url) : window.loadFile(page.path))
  return window
}
