import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { RPCHandler } from '@orpc/server/ws'
import { WebSocketServer, type WebSocket } from 'ws'
import { Fault, isFault } from '../../../shared/contract/fault.ts'
import type { Application } from '../application.ts'
import { createRouter } from '../router.ts'
import { Gate, isSame, type Refusal, type SessionBook } from './gate.ts'
import type { DownloadLinks } from './links.ts'
import { servePage } from './pages.ts'
import { sendFiles } from './send-files.ts'
import { receiveUpload, UploadFault, type UploadOptions } from './upload.ts'

export interface ServerOptions {
  /** folder of the built renderer; a function serves pages itself (development) */
  readonly pages: string | ((request: IncomingMessage, response: ServerResponse) => void)
  readonly upload: UploadOptions
  readonly links: DownloadLinks
  /** windows that were let in before */
  readonly sessions: SessionBook
  /** lets the same user, who can read the store's lock, ask for a new link */
  readonly secret: string
}

/** A message of the window: the longest is the text of a plan or an export. */
const MOST_MESSAGE_BYTES = 128 * 2 ** 20
const HEARTBEAT_MS = 20_000
const REQUEST_MS = 30_000

/** A server that listens, before it has an application to serve. */
export interface Listening {
  readonly server: Server
  readonly port: number
}

/** Listens on 127.0.0.1 and nowhere else. @param port 0 takes a free one. @throws Fault usage.portTaken */
export async function listen(port: number): Promise<Listening> {
  const server = createServer({ requestTimeout: 0, headersTimeout: REQUEST_MS })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new Fault(
              'usage.portTaken',
              `Port ${port} cannot be used (${error.code}): choose another with --port, or leave it out.`,
              { port },
            )
          : error,
      )
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** Answers for one application over HTTP and WebSocket. */
export class BrowserServer {
  readonly gate: Gate
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_MESSAGE_BYTES, perMessageDeflate: false })
  readonly #alive = new WeakSet<WebSocket>()
  readonly #heartbeat: NodeJS.Timeout

  constructor({ server, port }: Listening, app: Application, options: ServerOptions) {
    this.gate = new Gate(port, options.sessions)
    this.#options = options
    this.#server = server
    const handler = new RPCHandler(createRouter(app))
    this.#sockets.on('connection', (socket) => {
      this.#alive.add(socket)
      socket.on('pong', () => this.#alive.add(socket))
      socket.on('error', () => socket.terminate())
      void handler.upgrade(socket)
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    )
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** A link that lets a window in once. */
  newLink(): string {
    return `${this.gate.origins[0]!}/?token=${this.gate.newToken()}`
  }

  /** Windows that are connected now. */
  get windows(): number {
    return this.#sockets.clients.size
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    for (const socket of this.#sockets.clients) socket.terminate()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#headers(response)
      await this.#route(request, response)
    } catch (error) {
      if (!isFault(error)) console.error(error)
      if (response.headersSent) response.destroy()
      else sendFault(response, error)
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.gate.origins[0])
    const method = request.method ?? 'GET'
    const foreign = this.gate.refuseForeign(request, method !== 'GET' && method !== 'HEAD' && url.pathname !== '/link')
    if (foreign) return refuse(response, foreign)
    if (url.pathname === '/link' && method === 'POST') return this.#link(request, response)
    const token = url.searchParams.get('token')
    if (method === 'GET' && url.pathname === '/' && token !== null) return this.#enter(request, response, token)
    const stranger = this.gate.refuseStranger(request)
    if (stranger) return refuse(response, stranger)
    if (method === 'PUT' && url.pathname === '/upload') return this.#upload(request, response, url)
    if (method !== 'GET' && method !== 'HEAD')
      return refuse(response, { status: 403, reason: 'Not a call of this host.' })
    if (url.pathname.startsWith('/download/')) return this.#download(response, url.pathname.slice('/download/'.length))
    return this.#page(request, response, url.pathname)
  }

  /** A link is exchanged for the cookie; one that was used is no harm to a window that is in already. */
  #enter(request: IncomingMessage, response: ServerResponse, token: string): void {
    const session = this.gate.exchange(token)
    const refusal = session === null ? this.gate.refuseStranger(request) : null
    if (refusal) return refuse(response, refusal)
    if (session !== null) response.setHeader('Set-Cookie', this.gate.cookie(session))
    response.writeHead(303, { Location: '/', 'Cache-Control': 'no-store' }).end()
  }

  #link(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers.authorization ?? ''
    if (!isSame(given, `Bearer ${this.#options.secret}`))
      return refuse(response, { status: 403, reason: 'Not allowed.' })
    sendJson(response, 200, { link: this.newLink() })
  }

  async #upload(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const named = { drop: url.searchParams.get('drop') ?? '', name: url.searchParams.get('name') ?? '' }
    const path = await receiveUpload(request, named, this.#options.upload)
    sendJson(response, 201, { path })
  }

  async #download(response: ServerResponse, token: string): Promise<void> {
    const download = this.#options.links.take(token)
    if (!download)
      return refuse(response, { status: 403, reason: 'This link was used, or is too old: ask for the download again.' })
    await sendFiles(response, download)
  }

  async #page(request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> {
    const { pages } = this.#options
    if (typeof pages === 'function') return pages(request, response)
    if (await servePage(pages, pathname, response)) return
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('There is no such page.')
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const { pathname } = new URL(request.url ?? '/', this.gate.origins[0])
    const ofVite = typeof this.#options.pages === 'function' && isOfVite(request)
    const refusal =
      pathname === '/rpc' || ofVite
        ? (this.gate.refuseForeign(request, true) ?? this.gate.refuseStranger(request))
        : { status: 403 as const }
    if (refusal) {
      const reason = refusal.status === 401 ? 'Unauthorized' : 'Forbidden'
      socket.end(`HTTP/1.1 ${refusal.status} ${reason}\r\nConnection: close\r\n\r\n`)
      return
    }
    if (ofVite) return // it listens to the same server
    this.#sockets.handleUpgrade(request, socket, head, (ready) => this.#sockets.emit('connection', ready, request))
  }

  /** Ends connections whose window is gone without a word. */
  #beat(): void {
    for (const socket of this.#sockets.clients) {
      if (!this.#alive.delete(socket)) socket.terminate()
      else socket.ping()
    }
  }

  #headers(response: ServerResponse): void {
    const connect = this.gate.origins.flatMap((origin) => [origin, origin.replace('http:', 'ws:')]).join(' ')
    const headers = {
      'Content-Security-Policy': contentSecurityPolicy(connect),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=()',
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  }
}

/** No remote content, no eval, no frames; styles inline because Vue sets them on elements. Source: DESIGN section 10. */
function contentSecurityPolicy(connect: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ${connect}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Hot reload of the development server speaks a protocol of its own. */
function isOfVite({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-protocol']?.startsWith('vite-') ?? false
}

function refuse(response: ServerResponse, { status, reason }: Refusal): void {
  response
    .writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      Connection: 'close',
    })
    .end(reason)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(value))
}

function sendFault(response: ServerResponse, error: unknown): void {
  const fault = isFault(error) ? error : new Fault('internal.bug', 'Something went wrong inside Quantbench.')
  response.setHeader('Connection', 'close') // what is left of a refused upload is not read
  sendJson(response, fault instanceof UploadFault ? fault.status : isFault(error) ? 422 : 500, fault.toJSON())
}
