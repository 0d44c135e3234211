import fs from 'node:fs'
import path from 'node:path'
import { FileServer } from '../builders/file-server.ts'
import { sharedPath } from '../builders/shared.ts'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { goTo, goToFolder, LONG, openModel } from './window-ways.ts'

// MNIST fetched through the window: a mirror on loopback hands out the makers' own files, which the published digests hold for.

const mnist = sharedPath('data/mnist')
const model = sharedPath('models/mnist-cntk.onnx')
const WHY = '../shared/data/mnist or ../shared/models/mnist-cntk.onnx is not here'
const mirror = new FileServer()
test.beforeAll(() => mirror.start())
test.afterAll(() => mirror.stop())
test.use({ roots: model === null ? [] : [path.dirname(model)] })
test.setTimeout(300_000)

test('MNIST is fetched from a mirror into a folder, goes on after a break, and is what is calibrated and trained on', async ({
  window,
  folder,
}) => {
  test.skip(mnist === null || model === null, WHY)
  for (const name of fs.readdirSync(mnist!)) mirror.files.set(`/${name}`, fs.readFileSync(path.join(mnist!, name)))
  await openModel(window, model!)
  await goTo(window, 'Calibrate')
  await window.getByRole('button', { name: 'Official data sets…' }).click()
  const dialog = window.getByRole('dialog', { name: 'Official data sets' })
  const sets = path.join(folder, 'sets of a rather long name, so that it has to be cut in a dialog of this width')
  fs.mkdirSync(sets)
  await dialog.getByRole('button', { name: 'Choose the folder…' }).click()
  await goToFolder(window, sets)
  await window.getByRole('button', { name: 'Use this folder' }).click()
  await expect(dialog.getByText(sets)).toBeVisible()

  await dialog.getByLabel('mirror').fill('somewhere')
  await expect(dialog.getByRole('alert')).toContainText('An address begins with http:// or https://')
  await expect(dialog.getByRole('button', { name: 'Fetch mnist', exact: true })).toBeDisabled()
  await dialog.getByLabel('mirror').fill(mirror.address)

  // the largest file stops coming: cancelled there, its first part is kept
  mirror.moods.push({ stallAfter: 100_000 })
  await dialog.getByRole('button', { name: 'Fetch mnist', exact: true }).click()
  await expect(dialog.getByRole('status')).toContainText('train-images-idx3-ubyte.gz', LONG)
  const found = await look(window, 'data-fetching')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await dialog.getByRole('button', { name: 'Go on with mnist' }).click(LONG)
  await expect(dialog.getByText('here', { exact: true })).toBeVisible(LONG)
  expect(mirror.requests.some(({ range }) => range === 'bytes=100000-')).toBe(true)
  expect(fs.readdirSync(path.join(sets, 'mnist'))).toContain('dataset.json')
  found.push(...(await look(window, 'data-fetched')))
  expect(found).toEqual([])

  await dialog.getByRole('button', { name: 'Use mnist' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(window.getByText(path.join(sets, 'mnist'))).toBeVisible()
  await expect(window.getByText('Samples as they are → as the model sees them')).toBeVisible(LONG)

  await goTo(window, 'Train')
  await expect(window.getByText(path.join(sets, 'mnist')).first()).toBeVisible()
  await expect(window.getByText(/60,000 samples \(train\)/)).toBeVisible(LONG)
})
