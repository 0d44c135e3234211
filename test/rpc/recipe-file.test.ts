import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { faultOf } from '../../src/shared/contract/api/base.ts'
import { testApplication } from '../builders/application.ts'

// A recipe of the user's own, as a window trains it.

const recipes = path.resolve(import.meta.dirname, '../../resources/recipes')
let outside: string
beforeAll(() => {
  outside = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-recipe-test-'))
})
afterAll(() => fs.rmSync(outside, { recursive: true, force: true }))

it('is read with the settings it trains with', async () => {
  const { connect, home } = testApplication()
  const file = path.join(home, 'mine.json')
  const text = JSON.parse(fs.readFileSync(path.join(recipes, 'lenet5.json'), 'utf8')) as Record<string, unknown>
  fs.writeFileSync(file, JSON.stringify({ ...text, title: 'Mine', train: { epochs: 77 } }))
  const found = await connect().training.recipeFile({ path: file })
  expect(found).toMatchObject({ name: file, title: 'Mine', options: { epochs: 77 } })
})

it.each([
  { why: 'that is no recipe', name: 'home/broken.json', text: '{"layers": 3}', code: 'format.recipe' },
  { why: 'too large for a recipe', name: 'home/large.json', text: ' '.repeat(2 ** 20 + 1), code: 'data.tooLarge' },
  { why: 'that is a folder', name: 'home/.', text: null, code: 'file.notFile' },
  { why: 'that is not there', name: 'home/none.json', text: null, code: 'file.notFound' },
  { why: 'outside the workspace', name: 'outside/mine.json', text: '{}', code: 'file.outsideWorkspace' },
])('a file $why is refused, asked for or trained', async ({ name, text, code }) => {
  const { connect, home } = testApplication()
  const client = connect()
  const [where, base] = name.split('/')
  const file = path.join(where === 'home' ? home : outside, base!)
  if (text !== null) fs.writeFileSync(file, text)
  await expect(
    client.training.recipeFile({ path: file }).catch((error: unknown) => faultOf(error)?.code),
  ).resolves.toBe(code)
  if (code !== 'file.outsideWorkspace') return
  const request = {
    kind: 'train' as const,
    start: { kind: 'recipeFile' as const, path: file },
    data: { kind: 'synthetic-digits' as const },
  }
  await expect(client.jobs.start(request).catch((error: unknown) => faultOf(error)?.code)).resolves.toBe(code)
})
