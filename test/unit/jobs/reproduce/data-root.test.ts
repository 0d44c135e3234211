import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findData } from '../../../../src/main/jobs/reproduce/data-root.ts'

let root: string
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-data-root-'))
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

function place(folder: string, files: readonly string[]): void {
  fs.mkdirSync(path.join(root, folder), { recursive: true })
  for (const file of files) fs.writeFileSync(path.join(root, folder, file), '')
}
const MNIST = ['train', 't10k'].flatMap((part) => [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`])
const CIFAR = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat('test_batch.bin')

it('finds data sets by their folders, the archives’ own names too', async () => {
  place('mnist', MNIST)
  place('cifar-10-batches-bin', CIFAR)
  const found = await findData(root, ['mnist', 'cifar10'])
  expect(found.get('mnist')).toEqual({ spec: { kind: 'mnist', path: path.join(root, 'mnist') }, standIn: null })
  expect(found.get('cifar10')?.spec).toEqual({ kind: 'cifar10', path: path.join(root, 'cifar-10-batches-bin') })
})

it('takes CIFAR-10 for Imagenette, and says so', async () => {
  place('cifar10', CIFAR)
  const found = await findData(root, ['imagenette'])
  expect(found.get('imagenette')).toMatchObject({ spec: { kind: 'cifar10' }, standIn: 'cifar10' })
})

it('needs no folder for digits made here', async () => {
  expect((await findData(null, ['synthetic-digits'])).size).toBe(1)
})

it.each([
  {
    why: 'an empty root',
    folders: [] as string[],
    names: ['mnist', 'fashion-mnist'] as const,
    says: /needs mnist, fashion-mnist\..*data pull mnist/,
  },
  { why: 'a folder without the files', folders: ['cifar10'], names: ['cifar10'] as const, says: /data pull cifar10/ },
  { why: 'no stand-in either', folders: [], names: ['imagenette'] as const, says: /imagenette \(or cifar10/ },
])('says what is missing and how to get it: $why', async ({ folders, names, says }) => {
  for (const folder of folders) place(folder, ['readme.txt'])
  await expect(findData(root, names)).rejects.toMatchObject({
    code: 'data.missing',
    message: expect.stringMatching(says) as string,
  })
})

it('says that no root was given, and that a root is no folder', async () => {
  await expect(findData(null, ['mnist'])).rejects.toMatchObject({ code: 'data.missing' })
  await expect(findData(path.join(root, 'nowhere'), ['mnist'])).rejects.toMatchObject({ code: 'file.notFound' })
})
