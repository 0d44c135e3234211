import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import { runJob, testApplication } from '../builders/application.ts'
import { FileServer } from '../builders/file-server.ts'
import { sharedPath } from '../builders/shared.ts'

// Official data sets as a window fetches them, from a mirror on loopback that hands out the real files.

const real = sharedPath('data/mnist')
const mirror = new FileServer()
beforeAll(() => mirror.start())
afterAll(() => mirror.stop())

it.skipIf(real === null)(
  'a set is fetched from a mirror into a folder, and is data then',
  async () => {
    for (const name of fs.readdirSync(real!))
      mirror.files.set(`/files/${name}`, fs.readFileSync(path.join(real!, name)))
    const { connect, home } = testApplication()
    const client = connect()
    const folder = path.join(home, 'sets')
    const stateOf = async (): Promise<string | undefined> =>
      (await client.data.official({ folder })).find(({ name }) => name === 'mnist')?.state
    expect(await stateOf()).toBe('absent')
    const request = { kind: 'pullData' as const, name: 'mnist', folder, mirror: `${mirror.address}files` }
    const last = (await runJob(client, request)).at(-1)!
    if (last.kind !== 'done' || last.result.kind !== 'pullData') throw new Error(`ended as ${last.kind}`)
    expect(last.result).toMatchObject({ isNew: true, spec: { kind: 'mnist', path: path.join(folder, 'mnist') } })
    expect(mirror.requests).toHaveLength(4)
    expect(await stateOf()).toBe('whole')
    const { info, splits } = await client.data.describe({ spec: last.result.spec, split: 'train' })
    expect(info).toMatchObject({ count: 60_000, labelled: true, pictureShape: [28, 28, 1] })
    expect(splits).toEqual(['train', 'test'])
  },
  120_000,
)

it.each([
  { why: 'a folder outside the workspace', change: { folder: '/elsewhere' }, code: 'file.outsideWorkspace' },
  { why: 'a mirror that is no web address', change: { mirror: 'file:///etc' }, code: 'usage.request' },
])('$why is refused before anything runs', async ({ change, code }) => {
  const client = testApplication().connect()
  const refused = await client.jobs
    .start({ kind: 'pullData', name: 'mnist', ...change })
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Error)
  expect(faultOf(refused)?.code).toBe(code)
  expect(await client.jobs.list()).toEqual([])
})

it('a folder outside the workspace is not looked into', async () => {
  const looked = testApplication().connect().data.official({ folder: '/elsewhere' })
  expect(faultOf(await looked.catch((error: unknown) => error))?.code).toBe('file.outsideWorkspace')
})
