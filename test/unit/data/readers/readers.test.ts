import fs from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { openSamples } from '../../../../src/main/data/registry.ts'
import type { Sample } from '../../../../src/main/data/port.ts'
import type { DataSpec, DataSplit } from '../../../../src/shared/contract/data.ts'
import { bytesOf, cifarBytes, idxBytes, npyBytes, writeMnist, zipBytes } from '../../../builders/data-files.ts'
import { sharedPath } from '../../../builders/shared.ts'
import { temporaryFolder } from '../../../builders/temporary.ts'

async function codeOf(spec: DataSpec, split: DataSplit = 'test'): Promise<{ code: string; message: string }> {
  try {
    const source = await openSamples(spec, split)
    for (let i = 0; i < source.info.count; i++) await source.read(i)
    return { code: 'none', message: `opened ${source.info.count}` }
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message }
  }
}

function pixelsOf(sample: Sample): number[] {
  return sample.content.kind === 'picture' ? [...sample.content.pixels] : []
}

async function jpeg(target: string, width: number, height: number, channels: 3 | 4 = 3): Promise<void> {
  fs.mkdirSync(path.dirname(target), { recursive: true })
  const picture = sharp({ create: { width, height, channels, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } })
  await (channels === 4 ? picture.png() : picture.jpeg()).toFile(target)
}

describe('mnist', () => {
  it.each([false, true])('reads pictures and labels, gzip %s', async (gzip) => {
    const folder = temporaryFolder()
    writeMnist(folder, 12, { gzip })
    const source = await openSamples({ kind: 'mnist', path: folder }, 'test')
    expect(source.info).toMatchObject({ count: 12, labelled: true, pictureShape: [3, 2, 1] })
    const sample = await source.read(11)
    expect(sample.label).toBe(1)
    expect(pixelsOf(sample)).toEqual([66, 67, 68, 69, 70, 71])
  })

  it('the hash follows content and labels, not the path or the packing', async () => {
    const [plain, packed, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
    writeMnist(plain, 4)
    writeMnist(packed, 4, { gzip: true })
    writeMnist(other, 4)
    fs.writeFileSync(path.join(other, 't10k-labels-idx1-ubyte'), idxBytes(2049, [4], Uint8Array.of(0, 1, 2, 4)))
    const hashes = await Promise.all(
      [plain, packed, other].map(
        async (folder) => (await openSamples({ kind: 'mnist', path: folder }, 'test')).info.hash,
      ),
    )
    expect(hashes[0]).toBe(hashes[1])
    expect(hashes[0]).not.toBe(hashes[2])
  })

  it.each([
    { why: 'wrong magic', name: 'images-idx3', bytes: idxBytes(9999, [2, 3, 2], new Uint8Array(12)) },
    {
      why: 'fewer bytes than the header says',
      name: 'images-idx3',
      bytes: idxBytes(2051, [2, 3, 2], new Uint8Array(11)),
    },
    { why: 'absurd dims', name: 'images-idx3', bytes: idxBytes(2051, [4294967295, 65535, 65535], new Uint8Array(12)) },
    { why: 'labels that do not fit', name: 'labels-idx1', bytes: idxBytes(2049, [3], new Uint8Array(3)) },
    { why: 'a file cut within its header', name: 'images-idx3', bytes: Buffer.from([0, 0, 8]) },
  ])('$why is told with the file', async ({ name, bytes }) => {
    const folder = temporaryFolder()
    writeMnist(folder, 2)
    fs.writeFileSync(path.join(folder, `t10k-${name}-ubyte`), bytes)
    const { code, message } = await codeOf({ kind: 'mnist', path: folder })
    expect(code).toMatch(/^data\./)
    expect(message).toContain('t10k-')
  })

  it('a truncated gzip, an empty folder and a missing one are told', async () => {
    const folder = temporaryFolder()
    expect((await codeOf({ kind: 'mnist', path: folder })).code).toMatch(/^(data|file)\./)
    expect((await codeOf({ kind: 'mnist', path: path.join(folder, 'none') })).code).toMatch(/^file\./)
    writeMnist(folder, 400, { gzip: true })
    const file = path.join(folder, 't10k-images-idx3-ubyte.gz')
    fs.writeFileSync(file, fs.readFileSync(file).subarray(0, 60))
    expect(await codeOf({ kind: 'mnist', path: folder })).toMatchObject({
      code: expect.stringMatching(/^data\./) as string,
    })
  })

  it('reads the real files', async ({ skip }) => {
    const folder = sharedPath('data/mnist')
    if (!folder) return skip()
    const source = await openSamples({ kind: 'mnist', path: folder }, 'test')
    expect(source.info).toMatchObject({ count: 10_000, pictureShape: [28, 28, 1] })
    expect((await source.read(0)).label).toBe(7)
  })
})

describe('cifar10', () => {
  it('reads planes as interleaved pixels', async () => {
    const folder = temporaryFolder()
    fs.writeFileSync(path.join(folder, 'test_batch.bin'), cifarBytes(5))
    const source = await openSamples({ kind: 'cifar10', path: folder }, 'test')
    expect(source.info).toMatchObject({ count: 5, labelled: true, pictureShape: [32, 32, 3] })
    const sample = await source.read(3)
    expect(sample.label).toBe(3)
    expect(pixelsOf(sample).slice(0, 6)).toEqual([3, 103, 203, 3, 103, 203])
  })

  it.each([
    { why: 'a length that is no whole number of records', bytes: cifarBytes(2).subarray(0, 4000) },
    { why: 'a label beyond the ten classes', bytes: Buffer.concat([Buffer.of(77), cifarBytes(1).subarray(1)]) },
    { why: 'an empty file', bytes: Buffer.alloc(0) },
  ])('$why is told with the file', async ({ bytes }) => {
    const folder = temporaryFolder()
    fs.writeFileSync(path.join(folder, 'test_batch.bin'), bytes)
    const { code, message } = await codeOf({ kind: 'cifar10', path: folder })
    expect(code).toMatch(/^data\./)
    expect(message).toContain(folder)
  })

  it('says how to unpack .xz files', async () => {
    const folder = temporaryFolder()
    fs.writeFileSync(path.join(folder, 'test_batch.bin.xz'), 'x')
    expect((await codeOf({ kind: 'cifar10', path: folder })).message).toMatch(/xz/)
  })
})

describe('images', () => {
  it('takes class folders in the order of their names', async () => {
    const folder = temporaryFolder()
    await jpeg(path.join(folder, 'dog', 'a.jpg'), 8, 6)
    await jpeg(path.join(folder, 'cat', 'b.png'), 5, 7, 4)
    const source = await openSamples({ kind: 'images', path: folder }, 'test')
    expect(source.info).toMatchObject({ count: 2, labelled: true, classes: ['cat', 'dog'] })
    const samples = await Promise.all([source.read(0), source.read(1)])
    expect(samples.map(({ label }) => label)).toEqual([0, 1])
    expect(samples[0].content).toMatchObject({ kind: 'picture', width: 5, height: 7, channels: 3 })
  })

  it('a corrupt picture is named', async () => {
    const folder = temporaryFolder()
    fs.mkdirSync(path.join(folder, 'cat'))
    fs.writeFileSync(path.join(folder, 'cat', 'broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]))
    expect(await codeOf({ kind: 'images', path: folder })).toMatchObject({
      code: 'data.corruptImage',
      message: expect.stringContaining('broken.jpg') as string,
    })
  })

  it('reads the labelled sample of photographs', async ({ skip }) => {
    const folder = sharedPath('data/imagenet-sample-200')
    if (!folder) return skip()
    const source = await openSamples({ kind: 'images', path: folder }, 'test')
    expect(source.info).toMatchObject({ count: 200, labelled: true })
    const labels = await Promise.all([0, 1, 199].map(async (index) => (await source.read(index)).label))
    expect(new Set(labels).size).toBe(3)
  })
})

describe('npz', () => {
  const floats = bytesOf(Float32Array.from({ length: 12 }, (_, i) => i))

  function archive(entries: Parameters<typeof zipBytes>[0]): DataSpec {
    const file = path.join(temporaryFolder(), 'data.npz')
    fs.writeFileSync(file, zipBytes(entries))
    return { kind: 'npz', path: file }
  }

  it.each([1, 2, 3] as const)('reads arrays and labels, npy version %d', async (version) => {
    const spec = archive([
      { name: 'x.npy', bytes: npyBytes('<f4', [3, 4], floats, { version }) },
      { name: 'labels.npy', bytes: npyBytes('<i8', [3], bytesOf(BigInt64Array.of(2n, 0n, 1n))), deflate: true },
    ])
    const source = await openSamples(spec, 'test')
    expect(source.info).toMatchObject({ count: 3, labelled: true })
    const sample = await source.read(1)
    expect(sample.label).toBe(0)
    expect(sample.content.kind === 'tensors' && Object.values(sample.content.tensors)[0]).toMatchObject({
      dims: [4],
      dataType: 'float',
      data: Float32Array.of(4, 5, 6, 7),
    })
  })

  it.each([
    { why: 'fewer bytes than the shape needs', bytes: npyBytes('<f4', [300, 4], floats) },
    { why: 'a shape that overflows', bytes: npyBytes('<f4', [2 ** 40, 2 ** 20], floats) },
    { why: 'an object array', bytes: npyBytes('|O', [3, 4], floats) },
    { why: 'no npy at all', bytes: Buffer.from('nothing of the kind') },
    { why: 'a header that is no dictionary', bytes: npyBytes('<f4', [3, 4], floats, { header: '__import__("os")' }) },
  ])('$why is told', async ({ bytes }) => {
    const { code, message } = await codeOf(archive([{ name: 'x.npy', bytes }]))
    expect(code).toMatch(/^data\./)
    expect(message).toContain('data.npz')
  })

  it('headers that lie about sizes are told', async () => {
    const bytes = npyBytes('<f4', [3, 4], floats)
    const { code } = await codeOf(archive([{ name: 'x.npy', bytes, deflate: true, claimedBytes: 2 ** 31 }]))
    expect(code).toMatch(/^data\./)
  })
})

describe('synthetic-digits', () => {
  it('draws the same digits every time, others in the other split, and all ten classes', async () => {
    const spec: DataSpec = { kind: 'synthetic-digits' }
    const [test, again, train] = await Promise.all([
      openSamples(spec, 'test'),
      openSamples(spec, 'test'),
      openSamples(spec, 'train'),
    ])
    expect(pixelsOf(await test.read(5))).toEqual(pixelsOf(await again.read(5)))
    expect(pixelsOf(await test.read(5))).not.toEqual(pixelsOf(await train.read(5)))
    expect(test.info.hash).not.toBe(train.info.hash)
    const labels = await Promise.all(Array.from({ length: 100 }, async (_, i) => (await test.read(i)).label))
    expect(new Set(labels).size).toBe(10)
  })
})
