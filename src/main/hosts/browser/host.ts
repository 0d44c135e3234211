import fs from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { Application } from '../application.ts'
import { lockHost, readHostLock } from '../host-lock.ts'
import { lookForElectron } from '../look-for-electron.ts'
import { insideOf } from '../workspace.ts'
import { createNodeWorkerHost } from '../worker/node-host.ts'
import { secretText } from './gate.ts'
import { DownloadLinks } from './links.ts'
import { BrowserServer, listen } from './server.ts'
import { openSessionBook } from './sessions.ts'
import { sweepUploads } from './upload.ts'

export interface BrowserHostOptions {
  /** folder of the store */
  readonly home: string
  /** 0: a free one */
  readonly port?: number
  /** workers of a job at a time; as the settings say when absent */
  readonly workers?: number
  /** folders that windows may reach; the user's home folder and the current one when absent. The store is always among them. */
  readonly roots?: readonly string[]
  /** most bytes of a dropped file */
  readonly uploadLimit?: number
  /** serves the pages in the place of the built ones (development); gets the server, to share its port */
  readonly pages?: (server: Server) => Promise<(request: IncomingMessage, response: ServerResponse) => void>
}

/** A browser host that answers. */
export interface BrowserHost {
  readonly app: Application
  readonly origin: string
  /** a link that lets a window in once */
  newLink(): string
  /** windows that are connected now */
  readonly windows: number
  close(): Promise<void>
}

const UPLOAD_LIMIT = 16 * 2 ** 30

/**
 * Serves a store's application to windows on this machine.
 * @throws Fault store.* (store.hostRunning where another host has it), usage.portTaken
 */
export async function startBrowserHost(options: BrowserHostOptions): Promise<BrowserHost> {
  const home = path.resolve(options.home)
  const secret = secretText()
  const listening = await listen(options.port ?? 0)
  const { port, server } = listening
  let release: (() => void) | null = null
  try {
    release = lockHost(home, { host: 'browser', address: `http://127.0.0.1:${port}`, secret })
    const links = new DownloadLinks()
    const uploads = path.join(home, 'uploads')
    fs.mkdirSync(path.join(home, 'exports'), { recursive: true })
    fs.mkdirSync(uploads, { recursive: true })
    void sweepUploads(uploads)
    const app = new Application(home, {
      kind: 'browser',
      versions: { node: process.versions.node, sqlite: process.versions['sqlite'] },
      workers: createNodeWorkerHost(),
      jobWorkers: options.workers,
      workspace: insideOf([...(options.roots ?? [os.homedir(), process.cwd()]), home]),
      uploadUrl: '/upload',
      dialogs: null,
      linkTo: (download) => links.linkTo(download),
      shell: lookForElectron,
    })
    const pages = options.pages ? await options.pages(server) : rendererFolder()
    const upload = { folder: uploads, limit: options.uploadLimit ?? UPLOAD_LIMIT }
    const browser = new BrowserServer(listening, app, { pages, upload, links, secret, sessions: openSessionBook(home) })
    return {
      app,
      origin: browser.gate.origins[0]!,
      newLink: () => browser.newLink(),
      get windows() {
        return browser.windows
      },
      close: async () => {
        await browser.close()
        await app.close()
        release?.()
      },
    }
  } catch (error) {
    server.close()
    release?.()
    throw error
  }
}

/** Asks the host that serves a store for a new link; null where none does, or it does not answer. */
export async function linkOfRunningHost(home: string): Promise<string | null> {
  const lock = readHostLock(path.resolve(home))
  if (lock?.address === null || lock?.address === undefined) return null
  try {
    const answer = await fetch(`${lock.address}/link`, {
      method: 'POST',
      headers: { authorization: `Bearer ${lock.secret}` },
      signal: AbortSignal.timeout(2000),
    })
    if (!answer.ok) return null
    const { link } = (await answer.json()) as { link: string }
    return link
  } catch {
    return null
  }
}

/** The built renderer: beside the bundle that holds this code, one folder up from a shared chunk, or of the checkout. */
function rendererFolder(): string {
  const candidates = ['../renderer', '../../renderer', '../../../../out/renderer'].map((name) =>
    path.resolve(import.meta.dirname, name),
  )
  const found = candidates.find((folder) => fs.existsSync(path.join(folder, 'index.html')))
  if (found !== undefined) return fs.realpathSync(found)
  throw new Error(`the window's pages are not built (${candidates.join(', ')}): npm run build`)
}
