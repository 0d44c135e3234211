import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import {
  linkOfRunningHost,
  startBrowserHost,
  type BrowserHost,
  type BrowserHostOptions,
} from '../../src/main/hosts/browser/host.ts'
import { lockHost, readHostLock } from '../../src/main/hosts/host-lock.ts'
import type { TestClient } from '../builders/application.ts'
import { temporaryFolder } from '../builders/temporary.ts'

// The browser host as it answers on 127.0.0.1: who is let in, and what is turned away.

interface TestHost {
  readonly host: BrowserHost
  readonly home: string
  /** the cookie of a window that was let in */
  readonly cookie: string
}

async function start(options: Partial<BrowserHostOptions> = {}): Promise<TestHost> {
  const home = options.home ?? temporaryFolder()
  const pages = (): Promise<(request: http.IncomingMessage, response: http.ServerResponse) => void> =>
    Promise.resolve((_request, response) => void response.end('a page'))
  const host = await startBrowserHost({ home, roots: [home], pages, ...options })
  onTestFinished(() => host.close())
  return { host, home, cookie: await enter(host) }
}

async function enter(host: BrowserHost): Promise<string> {
  const answer = await fetch(host.newLink(), { redirect: 'manual' })
  expect(answer.status).toBe(303)
  const [cookie, ...attributes] = answer.headers.get('set-cookie')!.split('; ')
  expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Strict'])
  return cookie!
}

/** As `fetch`, with headers that fetch does not let one set. */
function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<{ status: number; body: string; headers: http.IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString(), headers: response.headers }),
        )
      },
    )
    request.on('error', reject)
    request.end(options.body)
  })
}

/** The status a WebSocket is turned away with; 101 when it is let in. */
function upgrade(host: BrowserHost, headers: Record<string, string>, pathname = '/rpc'): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(host.origin.replace('http', 'ws') + pathname, { headers })
    socket.on('open', () => {
      socket.close()
      resolve(101)
    })
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!))
    socket.on('error', () => {})
  })
}

describe('who is let in', () => {
  it('a window with a link, and its calls are answered', async () => {
    const { host, cookie } = await start()
    expect(await ask(host.origin, { headers: { cookie } })).toMatchObject({ status: 200, body: 'a page' })
    const websocket = new WebSocket(`${host.origin.replace('http', 'ws')}/rpc`, {
      headers: { cookie, origin: host.origin },
    })
    onTestFinished(() => websocket.close())
    const client = createORPCClient<TestClient>(new RPCLink({ websocket: websocket }))
    expect(await client.app.info()).toMatchObject({ host: 'browser', session: host.app.session })
    expect(host.windows).toBe(1)
  })

  it('no link twice, none that was made up, and nobody without one', async () => {
    const { host } = await start()
    const link = host.newLink()
    expect((await ask(link)).status).toBe(303)
    expect((await ask(link)).status).toBe(401)
    expect((await ask(`${host.origin}/?token=made-up`)).status).toBe(401)
    expect((await ask(host.origin)).status).toBe(401)
    expect(
      (await ask(host.origin, { headers: { cookie: `quantbench-${new URL(host.origin).port}=stale` } })).status,
    ).toBe(401)
    expect(await upgrade(host, { origin: host.origin })).toBe(401)
  })

  it('no other origin, and no other name of this machine', async () => {
    const { host, cookie } = await start()
    const { port } = new URL(host.origin)
    expect(await upgrade(host, { cookie, origin: host.origin })).toBe(101)
    expect(await upgrade(host, { cookie, origin: 'http://evil.example' })).toBe(403)
    expect(await upgrade(host, { cookie, origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await upgrade(host, { cookie })).toBe(403)
    expect(await upgrade(host, { cookie, origin: host.origin, host: 'evil.example' })).toBe(403)
    expect(await upgrade(host, { cookie, origin: host.origin }, '/elsewhere')).not.toBe(101)
    expect((await ask(host.origin, { headers: { cookie, host: `evil.example:${port}` } })).status).toBe(403)
    expect((await ask(host.origin, { headers: { cookie, origin: 'null' } })).status).toBe(403)
    expect((await ask(host.newLink(), { headers: { host: `evil.example:${port}` } })).status).toBe(403)
    expect((await ask(host.newLink().replace('127.0.0.1', 'localhost'))).status).toBe(303)
  })

  it('a window finds a host again that was started anew, for its digest only is kept', async () => {
    const { host, home, cookie } = await start()
    const port = Number(new URL(host.origin).port)
    const kept = path.join(home, 'windows.json')
    expect(fs.readFileSync(kept, 'utf8')).not.toContain(cookie.split('=')[1])
    expect(fs.statSync(kept).mode & 0o077).toBe(0)
    await host.close()
    const again = await startBrowserHost({
      home,
      port,
      pages: () => Promise.resolve((_, response) => void response.end('p')),
    })
    onTestFinished(() => again.close())
    expect((await ask(again.origin, { headers: { cookie } })).status).toBe(200)
    expect(await upgrade(again, { cookie, origin: again.origin })).toBe(101)
    expect(again.app.session).not.toBe(host.app.session)
  })

  it('strict headers on every answer', async () => {
    const { host, cookie } = await start()
    for (const { headers } of [await ask(host.origin), await ask(host.origin, { headers: { cookie } })]) {
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toMatch(/unsafe-eval|\*/)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    }
  })
})

describe('one host a store', () => {
  it('refuses a second one and names the first', async () => {
    const { host, home } = await start()
    await expect(startBrowserHost({ home })).rejects.toMatchObject({
      code: 'store.hostRunning',
      message: expect.stringContaining(host.origin) as string,
    })
    const link = await linkOfRunningHost(home)
    expect((await ask(link!)).status).toBe(303)
    expect(fs.statSync(path.join(home, 'host.lock')).mode & 0o077).toBe(0)
    expect(
      (await ask(`${host.origin}/link`, { method: 'POST', headers: { authorization: 'Bearer guessed' } })).status,
    ).toBe(403)
  })

  it('lets go at its end, and takes over what a killed one left', async () => {
    const { host, home } = await start()
    await host.close()
    expect(readHostLock(home)).toBeNull()
    fs.writeFileSync(path.join(home, 'host.lock'), 'half a lo')
    const release = lockHost(home, { host: 'browser', address: 'http://127.0.0.1:1', secret: 'x' })
    expect(() => lockHost(home, { host: 'electron', address: null, secret: '' })).toThrow(/127\.0\.0\.1:1/)
    release()
  })

  it('says so when its port is taken', async () => {
    const { host } = await start()
    const port = Number(new URL(host.origin).port)
    await expect(startBrowserHost({ home: temporaryFolder(), port })).rejects.toMatchObject({ code: 'usage.portTaken' })
  })
})

describe('dropped files', () => {
  const put = (host: BrowserHost, cookie: string, query: string, body: Buffer, headers: Record<string, string> = {}) =>
    ask(`${host.origin}/upload?${query}`, { method: 'PUT', headers: { cookie, origin: host.origin, ...headers }, body })

  it('arrive whole, those of one drop side by side', async () => {
    const { host, home, cookie } = await start()
    const bytes = Buffer.alloc(300_000, 3)
    const answer = await put(host, cookie, 'drop=d1&name=folder/model.onnx', bytes)
    expect(answer.status).toBe(201)
    const { path: file } = JSON.parse(answer.body) as { path: string }
    expect(file).toBe(path.join(home, 'uploads', 'd1', 'folder', 'model.onnx'))
    expect(fs.readFileSync(file).equals(bytes)).toBe(true)
    expect(host.app.allowed(file)).toBe(file)
    await put(host, cookie, 'drop=d1&name=folder/weights.bin', bytes)
    expect(fs.readdirSync(path.dirname(file)).sort()).toEqual(['model.onnx', 'weights.bin'])
  })

  it.each([
    { why: 'a name that climbs out', query: 'drop=d&name=../../evil' },
    { why: 'a hidden climb', query: 'drop=d&name=a/%2e%2e/%2e%2e/evil' },
    { why: 'an absolute name', query: 'drop=d&name=/etc/evil' },
    { why: 'a folder that climbs out', query: 'drop=..&name=evil' },
    { why: 'no name', query: 'drop=d' },
    { why: 'a backslash', query: 'drop=d&name=a%5C..%5Cevil' },
  ])('$why is refused', async ({ query }) => {
    const { host, home, cookie } = await start()
    const answer = await put(host, cookie, query, Buffer.from('x'))
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'file.badName' })
    expect(fs.readdirSync(path.join(home, 'uploads'))).toEqual([])
  })

  it('too large ones are refused and leave nothing, announced or not', async () => {
    const { host, home, cookie } = await start({ uploadLimit: 1000 })
    const bytes = Buffer.alloc(5000)
    const announced = await put(host, cookie, 'drop=d&name=big.bin', bytes, { 'content-length': '5000' })
    expect(announced.status).toBe(413)
    expect(JSON.parse(announced.body)).toMatchObject({ code: 'file.tooLarge' })
    const streamed = await put(host, cookie, 'drop=d&name=big.bin', bytes, { 'transfer-encoding': 'chunked' })
    expect(streamed.status).toBe(413)
    expect(fs.readdirSync(path.join(home, 'uploads', 'd'))).toEqual([])
  })

  it('are taken from no stranger and no other page', async () => {
    const { host, cookie } = await start()
    const body = Buffer.from('x')
    const to = `${host.origin}/upload?drop=d&name=x`
    expect((await ask(to, { method: 'PUT', headers: { origin: host.origin }, body })).status).toBe(401)
    expect((await ask(to, { method: 'PUT', headers: { cookie }, body })).status).toBe(403)
    expect((await ask(to, { method: 'PUT', headers: { cookie, origin: 'http://evil.example' }, body })).status).toBe(
      403,
    )
    expect((await ask(to, { method: 'POST', headers: { cookie, origin: host.origin }, body })).status).toBe(403)
  })

  it('what a killed host left half-received is removed by the next', async () => {
    const home = temporaryFolder()
    const folder = path.join(home, 'uploads', 'd', 'inner')
    fs.mkdirSync(folder, { recursive: true })
    fs.writeFileSync(path.join(folder, 'model.onnx.123.tmp'), 'half')
    fs.writeFileSync(path.join(folder, 'model.onnx'), 'whole')
    await start({ home })
    await expect.poll(() => fs.readdirSync(folder)).toEqual(['model.onnx'])
  })

  it('cut off on the way leave nothing', async () => {
    const { host, home, cookie } = await start()
    await new Promise<void>((resolve) => {
      const headers = { cookie, origin: host.origin, 'content-length': '100000' }
      const request = http.request(`${host.origin}/upload?drop=cut&name=half.bin`, { method: 'PUT', headers })
      request.on('error', () => resolve())
      request.write(Buffer.alloc(1000))
      setTimeout(() => request.destroy(), 100)
    })
    const folder = path.join(home, 'uploads', 'cut')
    await expect.poll(() => (fs.existsSync(folder) ? fs.readdirSync(folder) : [])).toEqual([])
  })
})

describe('downloads and pages', () => {
  it('a link gives its file once, to a window that was let in', async () => {
    const { host, home, cookie } = await start()
    const file = path.join(home, 'exports', 'a "file" – ü.onnx')
    fs.writeFileSync(file, 'content')
    const url =
      host.origin +
      host.app.host.linkTo!({ fileName: path.basename(file), files: [{ path: file, fileName: path.basename(file) }] })
    expect((await ask(url)).status).toBe(401)
    const answer = await ask(url, { headers: { cookie } })
    expect(answer).toMatchObject({ status: 200, body: 'content' })
    expect(answer.headers['content-disposition']).toContain(encodeURIComponent('ü'))
    expect((await ask(url, { headers: { cookie } })).status).toBe(403)
  })

  it('nothing of the disk but the built pages', async () => {
    const { pageAt } = await pagesOf({ 'index.html': '<p>window</p>', 'assets/a-1.js': 'code' })
    expect(await pageAt('/')).toMatchObject({ status: 200, body: '<p>window</p>' })
    expect((await pageAt('/')).headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    expect((await pageAt('/assets/a-1.js')).headers['cache-control']).toContain('immutable')
    for (const climb of [
      '/../secret',
      '/..%2fsecret',
      '/%2e%2e/secret',
      '/assets/..%5c..%5csecret',
      '/assets',
      '/none.js',
      '/%00',
      '/%',
    ])
      expect((await pageAt(climb)).status).toBe(404)
  })
})

/** A plain server of built pages, with a secret beside their folder. */
async function pagesOf(files: Readonly<Record<string, string>>): Promise<{
  pageAt: (urlPath: string) => ReturnType<typeof ask>
}> {
  const { servePage } = await import('../../src/main/hosts/browser/pages.ts')
  const root = path.join(temporaryFolder(), 'renderer')
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), content)
  }
  fs.writeFileSync(path.join(root, '..', 'secret'), 'secret')
  const server = http.createServer((request, response) => {
    void servePage(root, request.url!, response).then((served) => {
      if (!served) response.writeHead(404).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return {
    pageAt: (urlPath) =>
      new Promise((resolve, reject) => {
        const request = http.request({ host: '127.0.0.1', port, path: urlPath }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              body: Buffer.concat(chunks).toString(),
              headers: response.headers,
            }),
          )
        })
        request.on('error', reject)
        request.end()
      }),
  }
}
