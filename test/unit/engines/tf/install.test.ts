import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { findInstallation } from '../../../../src/main/engines/tf/cache.ts'
import { installTensorFlow } from '../../../../src/main/engines/tf/install.ts'
import type { Source } from '../../../../src/main/engines/tf/sources.ts'
import { tarOf, type Member } from '../../../builders/tar.ts'

const library = Buffer.from('library '.repeat(5000))
const binding = Buffer.from('binding')
const sha512 = (bytes: Uint8Array): string => createHash('sha512').update(bytes).digest('hex')

/** What a server on loopback gives: a whole answer or one that breaks off, with ranges. */
const served = new Map<string, Buffer>()
const requests: { url: string; range: string | null }[] = []
let breakAfter: number | null = null
const server = http.createServer((request, response) => {
  const url = request.url ?? ''
  requests.push({ url, range: request.headers.range ?? null })
  const whole = served.get(url)
  if (!whole) return void response.writeHead(404).end()
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const body = whole.subarray(start)
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length })
  if (breakAfter === null) return void response.end(body)
  response.write(body.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 20))
  breakAfter = null
})

let root = ''
const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-tf-'))
  served.clear()
  requests.length = 0
  // a folder that somebody named on this machine must not be found instead
  vi.stubEnv('QUANTBENCH_TENSORFLOW', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  fs.rmSync(root, { recursive: true, force: true })
})

const inner: Member[] = [
  { name: 'deps/lib/libtensorflow.so.9.9.9', content: library },
  { name: 'deps/lib/libtensorflow.so', type: '2' },
  { name: 'lib/napi-v6/tfjs_binding.node', content: binding },
]

function archiveOf(members: readonly Member[]): Buffer {
  return gzipSync(
    tarOf([{ name: 'package/readme' }, { name: 'package/a.br', content: brotliCompressSync(tarOf(members)) }]),
  )
}

function sourceOf(archive: Buffer, change: { digest?: string; library?: string } = {}): Source {
  served.set('/a.tgz', archive)
  return {
    name: 'test source',
    version: '9.9.9',
    npmPackage: null,
    archives: [
      {
        url: `${base()}/a.tgz`,
        digest: { algorithm: 'sha512', value: change.digest ?? sha512(archive) },
        nested: /^package\/a\.br$/,
        wanted: [
          {
            member: /^deps\/lib\/(libtensorflow\.so\.9\.9\.9)$/,
            target: 'deps/lib/$1',
            sha512: change.library ?? sha512(library),
          },
          { member: /tfjs_binding\.node$/, target: 'lib/napi-v8/tfjs_binding.node', sha512: null },
        ],
      },
    ],
    aliases: { 'deps/lib/libtensorflow.so.9': 'deps/lib/libtensorflow.so.9.9.9' },
    binding: 'lib/napi-v8/tfjs_binding.node',
  }
}

const told: string[] = []
const install = (...sources: Source[]): ReturnType<typeof installTensorFlow> =>
  installTensorFlow(
    { signal: new AbortController().signal, onProgress: ({ stage }) => told.push(stage), onLog: () => undefined },
    { sources, root },
  )

describe('installing libtensorflow', () => {
  it('lays the files out as tfjs-node wants them, and finds them again', async () => {
    const installed = await install(sourceOf(archiveOf(inner)))
    expect(installed).toMatchObject({ version: '9.9.9', source: 'cache' })
    expect(fs.readFileSync(installed.binding)).toEqual(binding)
    expect(fs.readFileSync(path.join(installed.folder, 'deps/lib/libtensorflow.so.9'))).toEqual(library)
    expect(findInstallation({ QUANTBENCH_CACHE: root })).toEqual(installed)
    expect(fs.readdirSync(root).filter((name) => /unpacking|lock/.test(name))).toEqual([])
    expect(fs.readdirSync(path.join(root, 'downloads'))).toEqual([])
    expect(told).toContain('fetching libtensorflow 9.9.9')
    await install()
    expect(requests.length).toBe(1)
  })

  it('goes on where the connection broke', async () => {
    const noise = Buffer.concat(Array.from({ length: 60 }, (_, i) => createHash('sha512').update(String(i)).digest()))
    const archive = archiveOf([{ name: 'noise', content: noise }, ...inner])
    const source = sourceOf(archive)
    breakAfter = 1000
    await expect(install(source)).rejects.toMatchObject({ code: 'engine.notInstalled' })
    await install(source)
    expect(requests.map(({ range }) => range)).toEqual([null, 'bytes=1000-'])
  })

  it('goes to the next source where one does not answer', async () => {
    const gone: Source = {
      ...sourceOf(archiveOf(inner)),
      name: 'gone',
      archives: [{ ...sourceOf(archiveOf(inner)).archives[0]!, url: 'http://127.0.0.1:9/b.tgz' }],
    }
    expect((await install(gone, sourceOf(archiveOf(inner)))).version).toBe('9.9.9')
  })

  it('refuses an archive that is another one, and throws it away', async () => {
    await expect(install(sourceOf(archiveOf(inner), { digest: sha512(binding) }))).rejects.toThrow(/SHA512/)
    expect(fs.readdirSync(path.join(root, 'downloads'))).toEqual([])
    expect(findInstallation({ QUANTBENCH_CACHE: root })?.source).not.toBe('cache')
  })

  it('refuses a file that is another one', async () => {
    await expect(install(sourceOf(archiveOf(inner), { library: sha512(binding) }))).rejects.toThrow(/SHA512/)
    expect(findInstallation({ QUANTBENCH_CACHE: root })?.source).not.toBe('cache')
  })

  it.each(['../../escaped', '/escaped', 'a/../../escaped'])(
    'unpacks nothing where a member is called %s',
    async (name) => {
      await expect(install(sourceOf(archiveOf([{ name, content: binding }, ...inner])))).rejects.toThrow(
        /leaves the folder/,
      )
      expect(fs.existsSync(path.join(root, '..', 'escaped'))).toBe(false)
      expect(findInstallation({ QUANTBENCH_CACHE: root })?.source).not.toBe('cache')
    },
  )

  it('says which files an archive lacks', async () => {
    await expect(install(sourceOf(archiveOf(inner.slice(0, 1))))).rejects.toThrow(/lacks 1/)
  })

  it('says how to go on without a network', async () => {
    await expect(install()).rejects.toThrow(/QUANTBENCH_TENSORFLOW/)
  })

  it('does not take a half-removed installation for whole', async () => {
    const installed = await install(sourceOf(archiveOf(inner)))
    fs.truncateSync(path.join(installed.folder, 'deps/lib/libtensorflow.so.9.9.9'), 10)
    expect(findInstallation({ QUANTBENCH_CACHE: root })?.source).not.toBe('cache')
    await install(sourceOf(archiveOf(inner)))
    expect(findInstallation({ QUANTBENCH_CACHE: root })?.version).toBe('9.9.9')
  })

  it('fetches once where two ask at a time', async () => {
    const source = sourceOf(archiveOf(inner))
    const both = await Promise.all([install(source), install(source)])
    expect(both[0]).toEqual(both[1])
    expect(requests.length).toBe(1)
  })

  it('uses a folder that the user names, and says when it is not one', async () => {
    const installed = await install(sourceOf(archiveOf(inner)))
    vi.stubEnv('QUANTBENCH_TENSORFLOW', installed.folder)
    expect(await install()).toMatchObject({ source: 'folder', version: '9.9.9' })
    vi.stubEnv('QUANTBENCH_TENSORFLOW', path.join(root, 'downloads'))
    await expect(install()).rejects.toThrow(/holds no deps\/lib/)
  })
})
