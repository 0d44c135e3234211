import { parseArgs } from 'node:util'
import { app, BrowserWindow, dialog, ipcMain, Menu, session } from 'electron'
import { RPCHandler } from '@orpc/server/message-port'
import { PORT_CHANNEL } from '../../../shared/contract/channel.ts'
import { isFault } from '../../../shared/contract/fault.ts'
import { PRODUCT } from '../../../shared/contract/product.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import { modelName } from '../../jobs/model-name.ts'
import { Application } from '../application.ts'
import { defaultHome } from '../cli/home.ts'
import { lockHost } from '../host-lock.ts'
import { createRouter } from '../router.ts'
import { wholeMachine } from '../workspace.ts'
import { askedFile } from './asked-file.ts'
import { createDialogs } from './dialogs.ts'
import { menuTemplate } from './menu.ts'
import { allowsPermission, CONTENT_SECURITY_POLICY, isOwnPage, rendererPage, type RendererPage } from './security.ts'
import { createWindow } from './window.ts'
import { createElectronWorkerHost } from './worker-host.ts'

const WINDOW = 'window'

/** The desktop shell: windows, menu and dialogs around one application; all else is common to both hosts. */
async function start(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  const asked = [askedFile(process.argv, process.cwd())].filter((file) => file !== null)
  // a Mac tells of the file it starts the application for before anything is ready
  const early = (event: { preventDefault(): void }, file: string): void => {
    event.preventDefault()
    asked.push(file)
  }
  app.on('open-file', early)
  await app.whenReady()
  const home = homeOf(process.argv) ?? defaultHome()
  let release: () => void
  let application: Application
  try {
    release = lockHost(home, { host: 'electron', address: null, secret: '' })
    application = createApplication(home)
  } catch (error) {
    dialog.showErrorBox('Quantbench cannot start', isFault(error) ? error.message : String(error))
    app.exit(1)
    return
  }
  const page = rendererPage(process.env['ELECTRON_RENDERER_URL'])
  guardSession(page)
  serveWindows(application, page)
  const open = (): void => {
    const keep = (state: object): void => application.store.settings.set(WINDOW, state as Json)
    createWindow({ page, kept: application.store.settings.get(WINDOW), keep })
  }
  keepMenu(application, open)
  app.off('open-file', early)
  listen(application, open)
  for (const path of asked) application.ask({ kind: 'open', path })
  open()
  let isClosing = false
  app.on('before-quit', (event) => {
    if (isClosing) return
    event.preventDefault()
    isClosing = true
    void application.close().finally(() => {
      release()
      app.quit()
    })
  })
}

function createApplication(home: string): Application {
  const application: Application = new Application(home, {
    kind: 'electron',
    versions: process.versions,
    workers: createElectronWorkerHost(),
    workspace: wholeMachine([app.getPath('home'), home]),
    uploadUrl: null,
    dialogs: createDialogs(currentWindow, () => application.exportsFolder),
    linkTo: null,
    shell: () => ({ subject: 'desktop', state: 'ok', detail: `Electron ${process.versions.electron}.` }),
  })
  return application
}

/** The window that is used, else any. */
function currentWindow(): BrowserWindow | null {
  return BrowserWindow.getFocusedWindow() ?? BrowserWindow.getAllWindows()[0] ?? null
}

/** Asks the window that is used, and no other: a menu is about what is in front. Without a window one is opened, which hears it first. */
function askWindow(application: Application, open: () => void, event: Parameters<Application['ask']>[0]): void {
  const window = currentWindow()
  if (window === null) open()
  application.ask(window === null ? event : { ...event, window: window.webContents.id })
}

/** `--home FOLDER`, as the command line has it. */
function homeOf(argv: readonly string[]): string | null {
  const { values } = parseArgs({ args: [...argv.slice(1)], options: { home: { type: 'string' } }, strict: false })
  return typeof values['home'] === 'string' ? values['home'] : null
}

function guardSession(page: RendererPage): void {
  session.defaultSession.webRequest.onHeadersReceived((details, respond) => {
    const responseHeaders = { ...details.responseHeaders }
    if (page.kind === 'file') responseHeaders['Content-Security-Policy'] = [CONTENT_SECURITY_POLICY]
    respond({ responseHeaders })
  })
  session.defaultSession.setPermissionRequestHandler((_contents, permission, decide) =>
    decide(allowsPermission(permission)),
  )
  session.defaultSession.setPermissionCheckHandler((_contents, permission) => allowsPermission(permission))
}

/** Each window's page hands over one port; only our own page's is taken. */
function serveWindows(application: Application, page: RendererPage): void {
  const handler = new RPCHandler(createRouter(application))
  ipcMain.on(PORT_CHANNEL, (event) => {
    const [port] = event.ports
    if (!port || !event.senderFrame || !isOwnPage(event.senderFrame.url, page)) return
    handler.upgrade(port, { context: { window: event.sender.id } })
    port.start()
  })
}

/** The menu, with the models opened last; made anew when those change. */
function keepMenu(application: Application, newWindow: () => void): void {
  const openPath = (path: string): void => askWindow(application, newWindow, { kind: 'open', path })
  const pick = async (): Promise<void> => {
    const path = await application.host.dialogs?.pick('model', 'Open a model')
    if (path) openPath(path)
  }
  const set = (): void => {
    const recent = application.store.catalog.models(10).map(({ path }) => ({ path, name: modelName(path) }))
    const template = menuTemplate({
      platform: process.platform,
      name: PRODUCT.name,
      recent,
      isDeveloping: process.env['ELECTRON_RENDERER_URL'] !== undefined,
      actions: {
        open: () => void pick(),
        openPath,
        command: (command) => askWindow(application, newWindow, { kind: 'command', command }),
        newWindow,
      },
    })
    Menu.setApplicationMenu(Menu.buildFromTemplate(template))
    const [newest] = recent
    if (newest) app.addRecentDocument(newest.path)
  }
  set()
  void (async () => {
    for await (const event of application.events.follow([])) if (event.kind === 'models') set()
  })()
}

function listen(application: Application, open: () => void): void {
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) open()
  })
  app.on('second-instance', (_event, argv, folder) => {
    const window = currentWindow()
    if (window?.isMinimized()) window.restore()
    window?.focus()
    const path = askedFile(argv, folder)
    if (path !== null) askWindow(application, open, { kind: 'open', path })
    else if (window === null) open()
  })
  app.on('open-file', (event, path) => {
    event.preventDefault()
    askWindow(application, open, { kind: 'open', path })
  })
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit()
  })
}

void start()
