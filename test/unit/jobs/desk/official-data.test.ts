import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listTables } from '../../../../src/main/jobs/desk/classic-tables.ts'
import { listOfficialSets } from '../../../../src/main/jobs/desk/official-data.ts'
import { dataSpec } from '../../../../src/shared/contract/data.ts'

let home: string
beforeEach(() => (home = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-sets-'))))
afterEach(() => fs.rmSync(home, { recursive: true }))

describe('the official data sets of a store', () => {
  it('are absent, begun or whole, by their folders', async () => {
    fs.mkdirSync(path.join(home, 'data', 'mnist'), { recursive: true })
    fs.mkdirSync(path.join(home, 'data', 'cifar10.partial'))
    const sets = await listOfficialSets(home)
    expect(Object.fromEntries(sets.map(({ name, state }) => [name, state]))).toEqual({
      mnist: 'whole',
      'fashion-mnist': 'absent',
      cifar10: 'partial',
      imagenette: 'absent',
    })
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
