import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { isFault } from '../../../src/shared/contract/fault.ts'
import { assertWritable, writeFileAtomic, writeFilesAtomic, writeTextFile } from '../../../src/main/jobs/atomic-file.ts'
import { asFileFault } from '../../../src/main/jobs/file-fault.ts'
import { ownProcess } from '../../../src/main/store/owner.ts'
import { endedProcess } from '../../builders/owners.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const read = (folder: string): Record<string, string> =>
  Object.fromEntries(fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]))

describe('writing', () => {
  it('leaves the file and nothing else', async () => {
    const folder = temporaryFolder()
    await writeTextFile(path.join(folder, 'a.txt'), 'grüße')
    expect(read(folder)).toEqual({ 'a.txt': 'grüße' })
  })

  it('takes chunks one by one, several files together', async () => {
    const folder = temporaryFolder()
    async function* later(): AsyncGenerator<Uint8Array> {
      yield text('c')
      yield await Promise.resolve(text('d'))
    }
    await writeFilesAtomic([
      { path: path.join(folder, 'one'), chunks: [text('a'), new Uint8Array(0), text('b')] },
      { path: path.join(folder, 'two'), chunks: later() },
    ])
    expect(read(folder)).toEqual({ one: 'ab', two: 'cd' })
  })

  it('keeps the order of chunks whatever their sizes', async () => {
    const folder = temporaryFolder()
    const sizes = [3, 200_000, 0, 100_000, 1, 2 ** 18, 2 ** 18 + 1, 5, 70_000]
    const chunks = sizes.map((size, i) => new Uint8Array(size).fill(i + 1))
    const file = path.join(folder, 'a')
    await writeFilesAtomic([{ path: file, chunks }])
    expect(Buffer.compare(fs.readFileSync(file), Buffer.concat(chunks))).toBe(0)
  })

  it('clears what killed processes left in the folder, of this file or another', async () => {
    const folder = temporaryFolder()
    const left = [
      `.plan.json.${endedProcess()}.0123456789ab.tmp`,
      `.group1-shard1of1-a9b.${endedProcess()}.0123456789ab.tmp`,
    ]
    const kept = [
      `.plan.json.${ownProcess()}.0123456789ab.tmp`,
      `.plan.json.${endedProcess()}.tmp`,
      `plan.json.${endedProcess()}.0123456789ab.tmp`,
      'notes.tmp',
    ]
    for (const name of [...left, ...kept]) fs.writeFileSync(path.join(folder, name), 'half')
    await assertWritable(path.join(folder, 'plan.json'))
    expect(Object.keys(read(folder)).sort()).toEqual(kept.sort())
  })

  it('replaces only when told to', async () => {
    const folder = temporaryFolder()
    const file = path.join(folder, 'a')
    await writeTextFile(file, 'old')
    await expect(writeTextFile(file, 'new')).rejects.toMatchObject({ code: 'file.exists' })
    await expect(assertWritable(file)).rejects.toMatchObject({ code: 'file.exists' })
    expect(read(folder)).toEqual({ a: 'old' })
    await writeTextFile(file, 'new', { force: true })
    expect(read(folder)).toEqual({ a: 'new' })
  })

  it('a file beside it that is there stops the whole', async () => {
    const folder = temporaryFolder()
    await writeTextFile(path.join(folder, 'two'), 'old')
    const files = ['one', 'two'].map((name) => ({ path: path.join(folder, name), chunks: [text('new')] }))
    await expect(writeFilesAtomic(files)).rejects.toMatchObject({ code: 'file.exists' })
    expect(read(folder)).toEqual({ two: 'old' })
  })

  it('takes names as long as the file system does', async () => {
    const folder = temporaryFolder()
    const name = 'n'.repeat(255)
    await writeTextFile(path.join(folder, name), 'x')
    expect(read(folder)).toEqual({ [name]: 'x' })
    await expect(writeTextFile(path.join(folder, `${name}n`), 'x')).rejects.toMatchObject({ code: 'file.badName' })
  })
})

describe('when it cannot', () => {
  it('names the folder that is not there, the folder in the place of a file, a name that is none', async () => {
    const folder = temporaryFolder()
    await writeTextFile(path.join(folder, 'file'), 'x')
    await expect(writeTextFile(path.join(folder, 'no', 'a'), 'x')).rejects.toMatchObject({ code: 'file.folderMissing' })
    await expect(writeTextFile(folder, 'x', { force: true })).rejects.toMatchObject({ code: 'file.isFolder' })
    await expect(writeTextFile(path.join(folder, 'file', 'a'), 'x')).rejects.toMatchObject({ code: 'file.notFound' })
    await expect(writeTextFile(path.join(folder, 'a\0b'), 'x')).rejects.toMatchObject({ code: 'file.badName' })
    await expect(assertWritable(path.join(folder, 'no', 'a'))).rejects.toMatchObject({ code: 'file.folderMissing' })
    await assertWritable(path.join(folder, 'fine'))
    expect(read(folder)).toEqual({ file: 'x' })
  })

  it('an abort leaves nothing', async () => {
    const folder = temporaryFolder()
    const stop = new AbortController()
    function* chunks(): Generator<Uint8Array> {
      yield text('a')
      stop.abort(new Error('stopped'))
      yield text('b')
    }
    await expect(
      writeFilesAtomic([{ path: path.join(folder, 'a'), chunks: chunks() }], { signal: stop.signal }),
    ).rejects.toThrow('stopped')
    expect(read(folder)).toEqual({})
  })

  it('a failure half-way leaves what was there before', async () => {
    const folder = temporaryFolder()
    const file = path.join(folder, 'a')
    await writeTextFile(file, 'old')
    function* chunks(): Generator<Uint8Array> {
      yield text('half')
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    await expect(writeFilesAtomic([{ path: file, chunks: chunks() }], { force: true })).rejects.toMatchObject({
      code: 'file.diskFull',
    })
    expect(read(folder)).toEqual({ a: 'old' })
  })

  it.skipIf(process.platform === 'win32')(
    'a real limit of the system, in a process of its own, is told as a full disk',
    () => {
      const folder = temporaryFolder()
      const module = path.resolve(import.meta.dirname, '../../../src/main/jobs/atomic-file.ts')
      const program = `import { writeFileAtomic } from ${JSON.stringify(module)}
      await writeFileAtomic(${JSON.stringify(path.join(folder, 'a'))}, new Uint8Array(4_000_000)).then(() => console.log('written'), (error) => console.log(error.code))`
      // files of at most 100 blocks; the signal that comes with it is ignored, so that the write fails as on a full disk
      const shell = 'trap "" XFSZ; ulimit -f 100; exec "$0" --input-type=module -e "$1"'
      const { stdout, stderr } = spawnSync('bash', ['-c', shell, process.execPath, program], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      expect([stdout.trim(), stderr]).toEqual(['file.diskFull', expect.any(String)])
      expect(read(folder)).toEqual({})
    },
  )

  it('bytes are written as they are', async () => {
    const file = path.join(temporaryFolder(), 'b')
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256)
    await writeFileAtomic(file, bytes.subarray(10))
    expect(new Uint8Array(fs.readFileSync(file))).toEqual(bytes.subarray(10))
  })
})

describe('system errors in words', () => {
  it.each([
    ['ENOENT', 'read', 'file.notFound'],
    ['ENOENT', 'write', 'file.folderMissing'],
    ['EACCES', 'read', 'file.notReadable'],
    ['EPERM', 'write', 'file.notWritable'],
    ['EROFS', 'write', 'file.notWritable'],
    ['ENOSPC', 'write', 'file.diskFull'],
    ['EDQUOT', 'write', 'file.diskFull'],
    ['EISDIR', 'read', 'file.isFolder'],
    ['EMFILE', 'read', 'file.tooManyOpen'],
    ['ENAMETOOLONG', 'write', 'file.badName'],
    ['EIO', 'read', 'file.failed'],
  ] as const)('%s while one tries to %s: %s', (system, action, code) => {
    const fault = asFileFault(Object.assign(new Error('x'), { code: system }), 'the/file', action)
    expect(isFault(fault) && [fault.code, fault.data.system]).toEqual([code, system])
    expect(String(fault)).toContain('the/file')
  })

  it('other errors stay what they are', () => {
    const bug = new TypeError('a bug')
    expect(asFileFault(bug, 'f', 'read')).toBe(bug)
  })
})
