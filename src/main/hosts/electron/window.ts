import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrowserWindow } from 'electron'
import type { RendererPage } from './security.ts'
import { isOwnPage } from './security.ts'

/** Opens one window on the renderer's page: sandboxed, isolated, and unable to leave that page. */
export function createWindow(page: RendererPage): BrowserWindow {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
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
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  window.webContents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url, page)) event.preventDefault()
  })
  window.once('ready-to-show', () => window.show())
  void (page.kind === 'url' ? window.loadURL(page.url) : window.loadFile(page.path))
  return window
}
