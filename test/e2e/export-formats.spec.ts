import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from './fixtures.ts'
import { findings } from './looks.ts'
import { LONG, openSample, pickFrom } from './window-ways.ts'

// What the export writes beside quantized ONNX files, as files on disk.

test.setTimeout(240_000)

interface Manifest {
  readonly format: string
  readonly weightsManifest: readonly {
    readonly weights: readonly { readonly name: string; readonly quantization?: { readonly dtype: string } }[]
  }[]
}

test('a layers-model with weights of one storage, and ONNX in float', async ({ window, host, folder }) => {
  test.skip(host === null, 'reads the exports of the browser host')
  await openSample(window)
  await window.keyboard.press('e')
  const dialog = window.getByRole('dialog', { name: 'Export' })
  await pickFrom(window, dialog.getByLabel('Format'), /layers-model/)
  await pickFrom(window, dialog.getByLabel('Weights'), /^float16/)
  const measured = dialog.getByRole('checkbox', { name: /measure it in TensorFlow.js itself/ })
  await expect(measured).toBeVisible()
  if (await measured.isEnabled()) await measured.uncheck()
  expect(await findings(window)).toEqual([])
  await dialog.getByRole('button', { name: 'Export', exact: true }).click()
  const written = dialog.getByRole('region', { name: 'What was written' })
  await expect(written).toContainText('float16', LONG)
  const exports = path.join(folder, 'home', 'exports')
  const text = fs.readFileSync(path.join(exports, 'digits-cnn.tfjs', 'model.json'), 'utf8')
  const { format, weightsManifest } = JSON.parse(text) as Manifest
  expect(format).toBe('layers-model')
  const kernels = weightsManifest.flatMap(({ weights }) => weights).filter(({ name }) => name.includes('kernel'))
  expect(kernels.length).toBeGreaterThan(5)
  expect(new Set(kernels.map(({ quantization }) => quantization?.dtype))).toEqual(new Set(['float16']))

  await pickFrom(window, dialog.getByLabel('Format'), /ONNX, in float/)
  await dialog.getByRole('checkbox', { name: 'measure it, beside the source' }).uncheck({ timeout: 15_000 })
  await dialog.getByRole('button', { name: 'Export', exact: true }).click()
  await expect(written).toContainText('digits-cnn.float.onnx', LONG)
  expect(fs.statSync(path.join(exports, 'digits-cnn.float.onnx')).size).toBeGreaterThan(100_000)
})
