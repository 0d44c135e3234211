import { describe, expect, it } from 'vitest'
import { readTar, safeMemberPath } from '../../../../src/main/engines/tf/tar.ts'
import { tarOf } from '../../../builders/tar.ts'

/** The archive in chunks that cut headers and contents anywhere. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size)
    yield await Promise.resolve(bytes.subarray(start, start + size))
}

async function readAll(bytes: Uint8Array, chunk = 100): Promise<{ name: string; type: string; text: string }[]> {
  const found = []
  for await (const entry of readTar(chunksOf(bytes, chunk), 'a.tar')) {
    const parts: Uint8Array[] = []
    for await (const part of entry.data) parts.push(part)
    found.push({ name: entry.name, type: entry.type, text: Buffer.concat(parts).toString() })
  }
  return found
}

const content = Buffer.from('x'.repeat(700))

describe('reading a tar stream', () => {
  it.each([1, 100, 511, 512, 513, 100_000])('gives members whole, in chunks of %i bytes', async (chunk) => {
    const archive = tarOf([
      { name: 'a/b.txt', content: Buffer.from('hello') },
      { name: 'c', type: '5' },
      { name: 'd', content },
    ])
    expect(await readAll(archive, chunk)).toEqual([
      { name: 'a/b.txt', type: 'file', text: 'hello' },
      { name: 'c', type: 'directory', text: '' },
      { name: 'd', type: 'file', text: content.toString() },
    ])
  })

  it('gives long names', async () => {
    const name = `${'folder/'.repeat(30)}file`
    expect((await readAll(tarOf([{ name, content }])))[0]!.name).toBe(name)
  })

  it('tells links from files', async () => {
    expect((await readAll(tarOf([{ name: 'l', type: '2' }])))[0]!.type).toBe('link')
  })

  it('passes over what is not read', async () => {
    const names = []
    for await (const { name } of readTar(
      chunksOf(
        tarOf([
          { name: 'a', content },
          { name: 'b', content },
        ]),
        64,
      ),
      'a.tar',
    ))
      names.push(name)
    expect(names).toEqual(['a', 'b'])
  })

  it('says that a cut archive is cut', async () => {
    await expect(readAll(tarOf([{ name: 'a', content }]).subarray(0, 900))).rejects.toMatchObject({
      code: 'file.invalidArchive',
    })
  })

  it('says that a header is damaged', async () => {
    const archive = tarOf([{ name: 'a', content }])
    archive[3] = 65
    await expect(readAll(archive)).rejects.toMatchObject({ code: 'file.invalidArchive' })
  })
})

describe('where a member may go', () => {
  it.each(['../x', 'a/../../x', '/etc/passwd', 'C:/x', 'a\\..\\x', 'a\0b', ''])('refuses %j', (name) => {
    expect(() => safeMemberPath('/root', name, 'a.tar')).toThrow(
      expect.objectContaining({ code: 'file.unsafeArchive' }),
    )
  })

  it.each([
    ['a/b', '/root/a/b'],
    ['./a/./b', '/root/a/b'],
    ['a..b', '/root/a..b'],
  ])('takes %s', (name, expected) => {
    expect(safeMemberPath('/root', name, 'a.tar')).toBe(expected)
  })
})
