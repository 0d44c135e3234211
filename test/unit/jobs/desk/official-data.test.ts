import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listTables } from '../../../../src/main/jobs/desk/classic-tables.ts'
import { listOfficialSets } from '../../../../src/main/jobs/desk/official-data.ts'
import { officialSet } from '../../../../src/main/data/official-sets.ts'
import { dataSpec } from '../../../../src/shared/contract/data.ts'

let home: string
beforeEach(() => (home = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-sets-'))))
afterEach(() => fs.rmSync(home, { recursive: true }))

describe('the official data sets of a folder', () => {
  const stateOf = async (name: string): Promise<string | undefined> =>
    (await listOfficialSets(home)).find((set) => set.name === name)?.state

  const cases: readonly { why: string; files: Readonly<Record<string, string>>; state: string }[] = [
    { why: 'absent where nothing is', files: {}, state: 'absent' },
    { why: 'absent where its folder is empty', files: { 'cifar10/': '' }, state: 'absent' },
    { why: 'begun where a part of it lies beside', files: { 'cifar10.partial/': '' }, state: 'partial' },
    {
      why: 'whole where its note says so',
      files: { 'cifar10/dataset.json': '{"name":"cifar10","sizeBytes":7}' },
      state: 'whole',
    },
    {
      why: 'other files where the note is of another set',
      files: { 'cifar10/dataset.json': '{"name":"mnist","sizeBytes":7}' },
      state: 'other',
    },
    { why: 'other files where there is no note', files: { 'cifar10/test_batch.bin': '0' }, state: 'other' },
  ]
  it.each(cases)('are $why', async ({ files, state }) => {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.join(home, path.dirname(`${name}.`)), { recursive: true })
      if (!name.endsWith('/')) fs.writeFileSync(path.join(home, name), text)
    }
    expect(await stateOf('cifar10')).toBe(state)
  })

  it('are whole, too, where all their files have the published sizes', async () => {
    const { files } = officialSet('fashion-mnist')
    fs.mkdirSync(path.join(home, 'fashion-mnist'))
    for (const { name, bytes } of files) {
      fs.writeFileSync(path.join(home, 'fashion-mnist', name), '')
      fs.truncateSync(path.join(home, 'fashion-mnist', name), bytes)
    }
    expect(await stateOf('fashion-mnist')).toBe('whole')
    fs.truncateSync(path.join(home, 'fashion-mnist', files[0]!.name), 1)
    expect(await stateOf('fashion-mnist')).toBe('other')
  })

  it('can be taken as data as they are', async () => {
    for (const { spec, bytes, source } of await listOfficialSets(home)) {
      expect(dataSpec.parse(spec)).toEqual(spec)
      expect(bytes).toBeGreaterThan(1e6)
      expect(source).toMatch(/\./)
    }
  })

  it('hold every set that a classic table needs', async () => {
    const names = (await listOfficialSets(home)).map(({ name }) => name)
    for (const { data } of listTables()) expect(names).toEqual(expect.arrayContaining([...data]))
  })
})
