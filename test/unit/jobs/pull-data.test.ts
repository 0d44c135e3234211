import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OFFICIAL_SETS, type OfficialSet, type PublishedFile } from '../../../src/main/data/official-sets.ts'
import { pullDataSet, type PullContext, type PulledSet } from '../../../src/main/jobs/pull-data.ts'
import { FileServer } from '../../builders/file-server.ts'
import { tarOf, type Member } from '../../builders/tar.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

const server = new FileServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const images = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
const labels = Buffer.from('labels')
const published = (name: string, content: Uint8Array): PublishedFile => ({
  name,
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
})

const plain: OfficialSet = {
  name: 'plain',
  title: 'two files',
  kind: 'mnist',
  sources: [],
  files: [published('images.gz', images), published('labels.gz', labels)],
  unpack: null,
  members: null,
  terms: 'none',
}

function packed(members: readonly Member[], count = 2): OfficialSet {
  const archive = gzipSync(tarOf(members))
  server.files.set('/packed.tgz', archive)
  const files = [published('packed.tgz', archive)]
  return { ...plain, name: 'packed', files, unpack: /^set\/((?:train|val)\/.+\.bin)$/, members: count }
}

let folder: string
beforeEach(() => {
  folder = path.join(temporaryFolder(), 'data')
  server.files.clear()
  server.requests.length = 0
  server.moods.length = 0
  server.files.set('/images.gz', images).set('/labels.gz', labels)
})

const context = (change: Partial<PullContext> = {}): PullContext => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  onLog: () => undefined,
  now: '2026-01-01T00:00:00.000Z',
  ...change,
})

const pull = (set: OfficialSet, sources = [server.address], change: Partial<PullContext> = {}): Promise<PulledSet> =>
  pullDataSet(set, folder, sources, context(change))

/** Paths below a folder. */
const tree = (root: string): string[] =>
  fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort()

function expectWhole(): void {
  expect(tree(folder)).toEqual(['dataset.json', 'images.gz', 'labels.gz'])
  expect(fs.readFileSync(path.join(folder, 'images.gz')).equals(images)).toBe(true)
  expect(fs.existsSync(`${folder}.partial`)).toBe(false)
}

describe('a data set', () => {
  it('is fetched with progress, stands whole under its name, and is not fetched twice', async () => {
    const seen: number[] = []
    const onProgress: PullContext['onProgress'] = ({ done, total, unit }) => {
      if (unit === 'bytes' && total === images.length) seen.push(done)
    }
    const size = images.length + labels.length
    await expect(pull(plain, undefined, { onProgress })).resolves.toEqual({ folder, sizeBytes: size, isNew: true })
    expectWhole()
    expect(seen.at(-1)).toBe(images.length)
    await expect(pull(plain, [])).resolves.toMatchObject({ isNew: false, sizeBytes: size })
    expect(server.requests).toHaveLength(2)
  })

  it('is known again by its digests where it was put there by hand', async () => {
    fs.mkdirSync(folder)
    fs.writeFileSync(path.join(folder, 'images.gz'), images)
    fs.writeFileSync(path.join(folder, 'labels.gz'), labels)
    await expect(pull(plain, [])).resolves.toMatchObject({ isNew: false })
  })

  it('fills an empty folder that is there, and leaves one that is not alone', async () => {
    fs.mkdirSync(folder)
    await pull(plain)
    expectWhole()
    fs.rmSync(path.join(folder, 'dataset.json'))
    fs.writeFileSync(path.join(folder, 'labels.gz'), 'mine')
    await expect(pull(plain)).rejects.toMatchObject({ code: 'file.exists' })
    expect(fs.readFileSync(path.join(folder, 'labels.gz'), 'utf8')).toBe('mine')
  })

  it('is fetched once by two at a time', async () => {
    const both = await Promise.all([pull(plain), pull(plain)])
    expect(both.map(({ isNew }) => isNew).sort()).toEqual([false, true])
    expectWhole()
    expect(server.requests).toHaveLength(2)
  })
})

describe('an archive', () => {
  it('is unpacked: what is wanted, and nothing else', async () => {
    const set = packed([
      { name: 'set/', type: '5' },
      { name: 'set/readme', content: Buffer.from('no') },
      { name: 'set/train/a.bin', content: Buffer.from('a') },
      { name: 'set/val/b.bin', content: Buffer.from('bb') },
      { name: 'set/val/link.bin', type: '2' },
    ])
    await expect(pull(set)).resolves.toMatchObject({ sizeBytes: 3 })
    expect(tree(folder)).toEqual(['dataset.json', 'train/a.bin', 'val/b.bin'])
    expect(fs.existsSync(`${folder}.partial`)).toBe(false)
  })

  it.each([
    ['a path that leaves the folder', [{ name: 'set/train/../../../evil.bin' }], 'file.unsafeArchive'],
    ['an absolute path', [{ name: '/etc/evil.bin' }], 'file.unsafeArchive'],
    ['too few members', [{ name: 'set/train/a.bin' }], 'file.invalidArchive'],
    ['one member twice', [{ name: 'set/train/a.bin' }, { name: 'set/train/a.bin' }], 'file.failed'],
  ])('with %s is refused, and nothing stands under the name', async (_, members, code) => {
    await expect(pull(packed(members))).rejects.toMatchObject({ code })
    expect(fs.existsSync(folder)).toBe(false)
    expect(tree(path.dirname(folder)).filter((name) => name.includes('evil'))).toEqual([])
  })

  it('that is no archive is refused', async () => {
    server.files.set('/packed.tgz', labels)
    const set = { ...packed([]), files: [published('packed.tgz', labels)] }
    server.files.set('/packed.tgz', labels)
    await expect(pull(set)).rejects.toMatchObject({ code: 'file.invalidArchive' })
  })
})

describe('a source that', () => {
  it('breaks off is gone on with', async () => {
    server.moods.push({ breakAfter: 100_000 })
    await expect(pull(plain)).rejects.toMatchObject({ code: 'file.downloadFailed' })
    expect(fs.existsSync(folder)).toBe(false)
    await pull(plain)
    expectWhole()
    expect(server.requests.map(({ range }) => range)).toEqual([null, 'bytes=100000-', null])
  })

  it('breaks off is gone on with at the next one', async () => {
    server.moods.push({ breakAfter: 100_000 })
    await pull(plain, [server.address, `${server.address}./`])
    expectWhole()
    expect(server.requests[1]).toMatchObject({ range: 'bytes=100000-' })
  })

  it('does not know ranges sends the whole again', async () => {
    server.moods.push({ breakAfter: 100_000 }, { ignoresRange: true })
    await expect(pull(plain)).rejects.toThrow()
    await pull(plain)
    expectWhole()
  })

  it('sends other bytes is not believed, and nothing of it is kept', async () => {
    server.files.set('/images.gz', Buffer.from(images).fill(1, 500, 501))
    await expect(pull(plain)).rejects.toMatchObject({
      code: 'file.downloadFailed',
      message: expect.stringMatching(/not the file that was published/),
    })
    server.files.set('/images.gz', images)
    await pull(plain)
    expectWhole()
    expect(server.requests.map(({ range }) => range)).toEqual([null, null, null])
  })

  it('offers another length is not waited for', async () => {
    server.files.set('/images.gz', Buffer.concat([images, images]))
    await expect(pull(plain)).rejects.toThrow(/600000 bytes are offered, 300000 were published/)
  })

  it('had left a part of something else: fetched once more from the start', async () => {
    fs.mkdirSync(`${folder}.partial`)
    fs.writeFileSync(path.join(`${folder}.partial`, 'images.gz.part'), 'something else')
    await pull(plain)
    expectWhole()
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=14-', null, null])
  })

  it('is not there, or has no such file, is passed over, and told when it was the last', async () => {
    const logs: string[] = []
    const onLog: PullContext['onLog'] = (_, message) => logs.push(message)
    await pull(plain, ['http://127.0.0.1:1/', `${server.address}missing/`, server.address], { onLog })
    expectWhole()
    expect(logs[0]).toMatch(/127\.0\.0\.1:1 \(.+\)/)
    expect(logs[1]).toMatch(/HTTP 404/)
    fs.rmSync(folder, { recursive: true })
    await expect(pull(plain, ['http://127.0.0.1:1/'])).rejects.toMatchObject({
      code: 'file.downloadFailed',
      message: expect.stringMatching(/images\.gz of plain .*127\.0\.0\.1:1/),
    })
  })
})

it('cancelled, it stops at once and goes on later', async () => {
  server.moods.push({ stallAfter: 120_000 })
  const abort = new AbortController()
  const onProgress: PullContext['onProgress'] = ({ done }) => {
    if (done >= 120_000) abort.abort(new Error('stopped by the user'))
  }
  await expect(pull(plain, undefined, { signal: abort.signal, onProgress })).rejects.toThrow('stopped by the user')
  expect(fs.existsSync(folder)).toBe(false)
  await pull(plain)
  expectWhole()
  expect(server.requests[1]).toMatchObject({ range: 'bytes=120000-' })
})

describe('a disk that', () => {
  it.skipIf(!fs.existsSync('/dev/full'))('is full is told as such, not as a bad network', async () => {
    fs.mkdirSync(`${folder}.partial`)
    fs.symlinkSync('/dev/full', path.join(`${folder}.partial`, 'images.gz.part'))
    await expect(pull(plain)).rejects.toMatchObject({ code: 'file.diskFull' })
  })

  it('does not take the file is told as such', async () => {
    fs.mkdirSync(path.join(`${folder}.partial`, 'images.gz.part'), { recursive: true })
    await expect(pull(plain)).rejects.toMatchObject({ code: 'file.notWritable' })
  })
})

describe('the list', () => {
  it.each(OFFICIAL_SETS.map((set) => [set.name, set] as const))('%s is well formed', (_, set) => {
    for (const source of set.sources) expect(new URL(source).pathname.endsWith('/')).toBe(true)
    for (const { sha256, bytes } of set.files) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(bytes).toBeGreaterThan(1000)
    }
    expect(set.unpack === null).toBe(set.members === null)
  })

  const members = (name: string): RegExp => OFFICIAL_SETS.find((set) => set.name === name)!.unpack!
  it.each([
    ['cifar10', 'cifar-10-batches-bin/data_batch_3.bin', 'data_batch_3.bin'],
    ['cifar10', 'cifar-10-batches-bin/readme.html', undefined],
    [
      'imagenette',
      'imagenette2-320/train/n01440764/ILSVRC2012_val_00000293.JPEG',
      'train/n01440764/ILSVRC2012_val_00000293.JPEG',
    ],
    ['imagenette', './imagenette2-320/val/n03888257/n03888257_10041.JPEG', 'val/n03888257/n03888257_10041.JPEG'],
    ['imagenette', 'imagenette2-320/val/n03888257/._n03888257_10041.JPEG', undefined],
    ['imagenette', 'imagenette2-320/noisy_imagenette.csv', undefined],
  ])('%s takes of %s: %s', (name, member, place) => {
    expect(members(name).exec(member)?.[1]).toBe(place)
  })
})
