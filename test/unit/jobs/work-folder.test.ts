import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { sweepWorkFolders, withWorkFolder } from '../../../src/main/jobs/work-folder.ts'
import { ownProcess } from '../../../src/main/store/owner.ts'
import { endedProcess } from '../../builders/owners.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

it('hands out a folder, and removes it with what is in it', async () => {
  const seen = await withWorkFolder('test', async (folder) => {
    fs.mkdirSync(path.join(folder, 'a'))
    fs.writeFileSync(path.join(folder, 'a', 'b'), 'c')
    return folder
  })
  expect(path.basename(seen)).toContain(ownProcess())
  expect(fs.existsSync(seen)).toBe(false)
})

it('removes it when the work fails', async () => {
  let seen = ''
  const work = withWorkFolder('test', (folder) => {
    seen = folder
    throw new Error('bad luck')
  })
  await expect(work).rejects.toThrow('bad luck')
  expect(fs.existsSync(seen)).toBe(false)
})

it('clears what processes that have ended left, and nothing else', async () => {
  const parent = temporaryFolder()
  const left = `quantbench-search-${endedProcess()}-aB3dEf`
  const kept = [
    `quantbench-search-${ownProcess()}-aB3dEf`,
    `quantbench-search-${endedProcess().replace(/_[0-9a-f]{8}_/, '_00000000_')}-aB3dEf`, // of another machine
    `quantbench-mine-${endedProcess()}`,
    `other-search-${endedProcess()}-aB3dEf`,
    'quantbench-search-aB3dEf',
  ]
  for (const name of [left, ...kept]) fs.mkdirSync(path.join(parent, name, 'below'), { recursive: true })
  await sweepWorkFolders(parent)
  expect(fs.readdirSync(parent).sort()).toEqual([...kept].sort())
})

it('does without a folder that cannot be read', async () => {
  await sweepWorkFolders(path.join(temporaryFolder(), 'absent'))
})
