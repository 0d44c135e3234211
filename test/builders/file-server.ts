import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a server on loopback misbehaves for one answer. */
export interface Mood {
  /** bytes after which the connection breaks off */
  readonly breakAfter?: number
  /** sends so many bytes, and no more until it is closed */
  readonly stallAfter?: number
  readonly ignoresRange?: boolean
}

/** A web server on loopback that hands out files, with ranges, and remembers what was asked. */
export class FileServer {
  readonly files = new Map<string, Buffer>()
  readonly requests: { readonly url: string; readonly range: string | null }[] = []
  /** taken by the answers to come, one each */
  readonly moods: Mood[] = []
  readonly #server = http.createServer((request, response) => this.#answer(request, response))

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = request.url ?? ''
    this.requests.push({ url, range: request.headers.range ?? null })
    const whole = this.files.get(url)
    if (!whole) return void response.writeHead(404).end()
    const { breakAfter, stallAfter, ignoresRange = false } = this.moods.shift() ?? {}
    const start = ignoresRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start > 0 && start >= whole.length)
      return void response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end()
    const body = whole.subarray(start)
    const range = { 'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}` }
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length, ...(start > 0 && range) })
    const part = breakAfter ?? stallAfter
    if (part === undefined) return void response.end(body)
    response.write(body.subarray(0, part), () => {
      // what was written is on its way before the connection goes
      if (breakAfter !== undefined) setTimeout(() => response.destroy(), 20)
    })
  }
}
