import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Page } from '@playwright/test'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from './fixtures.ts'
import { look } from './looks.ts'
import { top1Of } from './squeezenet.ts'
import {
  answer,
  canvas,
  chooseFolder,
  goTo,
  goToFolder,
  inspector,
  LONG,
  openModel,
  pickFrom,
  planButton,
  saved,
  shownTop1,
  taken,
} from './window-ways.ts'

// A model that others trained, from the dialog that opens it to the file that ONNX Runtime loads, all in the window.

const SHARED = path.resolve(import.meta.dirname, '../../../shared')
const MODEL = path.join(SHARED, 'models', 'mnist-cntk.onnx')
const MNIST = path.join(SHARED, 'data', 'mnist')
const SQUEEZENET = path.join(SHARED, 'models', 'squeezenet1_1.onnx')
const IMAGENET = path.join(SHARED, 'data', 'imagenet-sample-200')
/** MNIST's test images */
const IMAGES = 10_000
const PIXELS = 28 * 28
/** The screen says percent with one digit: as near as that is the same. A ten-thousandth for the rounding of doubles. */
const HALF_DIGIT = 0.0501

test.use({ roots: [SHARED] })

/** Skips the test, and says why, where a model or its data are not on this machine. */
function needs(...paths: readonly string[]): void {
  const missing = paths.filter((file) => !fs.existsSync(file))
  const why = `not on this machine: ${missing.map((file) => path.relative(SHARED, file)).join(', ')} of ../shared`
  if (missing.length > 0) console.log(`skipped (real-model.spec.ts), ${why}`)
  test.skip(missing.length > 0, why)
}

/** An IDX file without its head: 16 bytes before images, 8 before labels. */
const idx = (name: string, head: number): Buffer => gunzipSync(fs.readFileSync(path.join(MNIST, name))).subarray(head)

/** Share of MNIST's test images that a file answers right, in ONNX Runtime in this process. */
async function accuracyOf(file: string): Promise<number> {
  const [images, labels] = [idx('t10k-images-idx3-ubyte.gz', 16), idx('t10k-labels-idx1-ubyte.gz', 8)]
  const session = await InferenceSession.create(file)
  let right = 0
  for (let i = 0; i < IMAGES; i++) {
    const pixels = Float32Array.from(images.subarray(i * PIXELS, (i + 1) * PIXELS))
    const outputs = await session.run({ [session.inputNames[0]!]: new Tensor('float32', pixels, [1, 1, 28, 28]) })
    const scores = outputs[session.outputNames[0]!]!.data as Float32Array
    if (scores.indexOf(Math.max(...scores)) === labels[i]) right++
  }
  await session.release()
  return right / IMAGES
}

const plansMeasured = (window: Page) =>
  window.getByRole('region', { name: 'Plans that were measured' }).getByRole('button', { name: /^Plan \d/ })
/** A colour of the theme as charts are drawn with it. */
const colourOf = (window: Page, name: string) =>
  window.evaluate((variable) => {
    const probe = document.body.appendChild(document.createElement('span'))
    probe.style.color = `var(${variable})`
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }, name)
async function atMost(window: Page, samples: string): Promise<void> {
  const field = window.getByRole('region', { name: 'Data' }).getByRole('spinbutton', { name: 'at most' })
  await field.fill(samples)
  await field.press('Tab')
}
const bars = (window: Page) => window.getByRole('figure', { name: /^(Local SQNR|Sensitivity) at/ })

test('a real model is calibrated, scanned, searched, edited, measured and exported; the file is as good as the screen says', async ({
  window,
  folder,
  host,
}) => {
  needs(MODEL, MNIST)
  test.skip(host === null, 'its dialogs are the system’s in Electron')
  test.setTimeout(600_000)
  const found: string[] = []

  await test.step('open', () => openModel(window, MODEL))

  await test.step('calibrate', async () => {
    await goTo(window, 'Calibrate')
    await window.getByRole('button', { name: 'MNIST…' }).click()
    await chooseFolder(window, MNIST)
    const preview = window.getByRole('region', { name: 'Preprocessing' })
    await expect(preview.getByRole('img').first()).toBeVisible()
    await pickFrom(window, preview.getByRole('combobox').first(), /^raw/)
    await expect(window.getByText('Data, preprocessing and model go together')).toBeVisible()
    await expect(preview.locator('figure img').first()).toHaveAttribute('src', /^data:image\/png/)
    // a thousand images are enough to choose by; what is exported is measured on all of them
    await atMost(window, '1000')
    await window.getByRole('button', { name: 'Calibrate', exact: true }).first().click()
    await expect(window.getByRole('heading', { name: /activations, and the range/ })).toBeVisible({ timeout: 180_000 })
    await expect(
      window
        .getByRole('region', { name: 'Method' })
        .getByText(/clipped/)
        .first(),
    ).toBeVisible()
    found.push(...(await look(window, 'calibrate-histograms')))
  })

  await test.step('quick scan', async () => {
    await goTo(window, 'Sensitivity')
    await window.getByRole('radio', { name: 'Quick scan' }).click()
    await window.getByRole('button', { name: 'Scan', exact: true }).click()
    await expect(bars(window)).toBeVisible(LONG)
    const reasons = window.getByRole('region', { name: 'Why the worst layers suffer' })
    await expect(reasons.getByRole('button').first()).toBeVisible(LONG)
    found.push(...(await look(window, 'sensitivity-quick')))
  })

  await test.step('exact sweep', async () => {
    await window.getByRole('radio', { name: 'Exact sweep' }).click()
    await window.getByRole('button', { name: 'Add', exact: true }).click()
    await window.getByRole('button', { name: /^4 ?4-bit/ }).click()
    await window.keyboard.press('Escape')
    await window.getByRole('button', { name: 'Sweep', exact: true }).click()
    await expect(window.getByText(/evaluations measured/)).toBeVisible(LONG)
    await expect(window.getByRole('figure', { name: 'Layers × configurations' })).toBeVisible()
    found.push(...(await look(window, 'sensitivity-exact')))
  })

  await test.step('search', async () => {
    await goTo(window, 'Search')
    await window.getByRole('button', { name: 'Search', exact: true }).click()
    await expect(plansMeasured(window).nth(0)).toBeVisible(LONG)
    await window.getByRole('button', { name: 'Pause', exact: true }).click()
    await expect(window.getByRole('button', { name: 'Go on', exact: true })).toBeVisible()
    found.push(...(await look(window, 'search-paused')))
    await window.getByRole('button', { name: 'Go on', exact: true }).click()
    await expect(window.getByText(/ plans in /)).toBeVisible(LONG)
    found.push(...(await look(window, 'search-front')))
  })

  await test.step('a point of the front is clicked: its plan is on the graph', async () => {
    // the front in the colour of the theme, the best in that of what is good
    const chart = window.getByRole('figure', { name: 'Plans' })
    const best = chart.locator(`svg path[fill="${await colourOf(window, '--good')}"]`)
    await best.first().click()
    await expect(taken(window)).toContainText('best')
    await expect(taken(window)).toContainText('int4')
    await goTo(window, 'Graph')
    await expect(planButton(window)).toContainText('edited')
    await expect(inspector(window)).toContainText(/quantized|float/)
  })

  await test.step('a layer is toggled: the estimate follows', async () => {
    await canvas(window).focus()
    await window.keyboard.press('ArrowDown')
    await window.keyboard.press('ArrowDown')
    const before = await answer(window).innerText()
    const float = inspector(window).getByRole('radio', { name: 'float' })
    const wasFloat = await float.isChecked()
    await window.keyboard.press('Space')
    await expect(float).toBeChecked({ checked: !wasFloat })
    await expect(answer(window)).not.toHaveText(before, { useInnerText: true })
    await expect(answer(window).getByText('est.').first()).toBeVisible()
    found.push(...(await look(window, 'graph-edited')))
  })

  await test.step('all test images', async () => {
    await goTo(window, 'Calibrate')
    await atMost(window, '')
    await expect(window.getByText('0 … 10000 (10000 samples)')).toBeVisible()
    await goTo(window, 'Graph')
  })

  const exported = path.join(folder, 'exported.onnx')
  await test.step('measure and export', async () => {
    await window.getByRole('button', { name: 'Measure', exact: true }).first().click()
    await expect(answer(window).getByText(/^measured/)).toHaveCount(3, LONG)
    found.push(...(await look(window, 'graph-measured')))
    await window.keyboard.press('e')
    const dialog = window.getByRole('dialog', { name: 'Export' })
    await dialog.getByRole('button', { name: 'Export', exact: true }).click()
    await expect(dialog.getByText('Really integer')).toBeVisible(LONG)
    found.push(...(await look(window, 'export-written')))
    await saved(window, () => dialog.getByRole('button', { name: 'Download' }).click(), exported)
    await window.keyboard.press('Escape')
  })

  await test.step('ONNX Runtime on the downloaded file agrees with the screen', async () => {
    const [float, quantized] = [await accuracyOf(MODEL), await accuracyOf(exported)]
    const shown = await shownTop1(window)
    expect(Math.abs(shown.float - 100 * float)).toBeLessThanOrEqual(HALF_DIGIT)
    expect(Math.abs(shown.plan - 100 * quantized)).toBeLessThanOrEqual(HALF_DIGIT)
  })
  expect(found).toEqual([])
})

test('SqueezeNet is quantized on photographs, a layer spared, measured and exported; its file is as good as the screen says', async ({
  window,
  folder,
  host,
}) => {
  needs(SQUEEZENET, IMAGENET)
  test.skip(host === null, 'its dialogs are the system’s in Electron')
  test.setTimeout(900_000)
  const found: string[] = []

  await test.step('open, and choose the photographs', async () => {
    await openModel(window, SQUEEZENET)
    await goTo(window, 'Calibrate')
    await window.getByRole('button', { name: 'Folder of images…' }).click()
    // a folder that holds another one is taken by its button: Enter would go on into `images`
    await goToFolder(window, IMAGENET)
    await window.getByRole('dialog').getByRole('button', { name: 'Use this folder' }).click()
    await expect(window.getByText('Data, preprocessing and model go together')).toBeVisible(LONG)
    // ranges of undivided data: the first 30 % for calibration, the rest to measure on
    await expect(window.getByText('60 … 200 (140 samples)')).toBeVisible()
    found.push(...(await look(window, 'calibrate-photographs')))
  })

  await test.step('a layer is left in float', async () => {
    await goTo(window, 'Graph')
    await canvas(window).focus()
    await window.keyboard.press('ArrowDown')
    await window.keyboard.press('ArrowDown')
    const float = inspector(window).getByRole('radio', { name: 'float' })
    await expect(float).not.toBeChecked()
    await window.keyboard.press('Space')
    await expect(float).toBeChecked()
    await expect(planButton(window)).toContainText('edited')
  })

  const exported = path.join(folder, 'exported.onnx')
  await test.step('measure and export', async () => {
    await window.keyboard.press('m')
    await expect(answer(window).getByText(/^measured/)).toHaveCount(3, { timeout: 240_000 })
    found.push(...(await look(window, 'graph-squeezenet')))
    await window.keyboard.press('e')
    const dialog = window.getByRole('dialog', { name: 'Export' })
    await dialog.getByRole('button', { name: 'Export', exact: true }).click()
    await expect(dialog.getByText('Really integer')).toBeVisible(LONG)
    await saved(window, () => dialog.getByRole('button', { name: 'Download' }).click(), exported)
    await window.keyboard.press('Escape')
  })

  await test.step('ONNX Runtime on the downloaded file agrees with the screen', async () => {
    const [float, quantized] = await top1Of([SQUEEZENET, exported], IMAGENET, 60)
    const shown = await shownTop1(window)
    expect(Math.abs(shown.float - 100 * float!)).toBeLessThanOrEqual(HALF_DIGIT)
    expect(Math.abs(shown.plan - 100 * quantized!)).toBeLessThanOrEqual(HALF_DIGIT)
  })
  expect(found).toEqual([])
})
