import { app, BrowserWindow, ipcMain, session } from 'electron'
import { RPCHandler } from '@orpc/server/message-port'
import { PORT_CHANNEL } from '../../../shared/contract/channel.ts'
import { createRouter } from '../router.ts'
import { CONTENT_SECURITY_POLICY, isOwnPage, rendererPage } from './security.ts'
import { createWindow } from './window.ts'

/** The desktop shell: windows and one RPC handler; all else is common to both hosts. */
async function start(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  await app.whenReady()
  const page = rendererPage(process.env['ELECTRON_RENDERER_URL'])
  const handler = new RPCHandler(createRouter({ host: 'electron', versions: process.versions }))
  ipcMain.on(PORT_CHANNEL, (event) => {
    const [port] = event.ports
    if (!port || !event.senderFrame || !isOwnPage(event.senderFrame.url, page)) return
    handler.upgrade(port)
    port.start()
  })
  session.defaultSession.webRequest.onHeadersReceived((details, respond) => {
    const responseHeaders = { ...details.responseHeaders }
    if (page.kind === 'file') responseHeaders['Content-Security-Policy'] = [CONTENT_SECURITY_POLICY]
    respond({ responseHeaders })
  })
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  createWindow(page)
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) createWindow(page)
  })
  app.on('second-instance', () => BrowserWindow.getAllWindows()[0]?.focus())
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit()
  })
}

void start()
