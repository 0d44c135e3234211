import fs from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, SAMPLE, test } from './fixtures.ts'
import { findings } from './looks.ts'

// The frame of the window: keys, palette, file dialog, drops, settings, what it does when the host goes away.

/** Lets go of a file over the window, as the system would. */
async function drop(window: Page, files: readonly { readonly name: string; readonly bytes: Buffer }[]): Promise<void> {
  const given = files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') }))
  await window.evaluate((list) => {
    const transfer = new DataTransfer()
    for (const { name, text } of list) {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
      transfer.items.add(new File([bytes], name))
    }
    globalThis.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
  }, given)
}

test('opens the sample by keys alone, and shows it', async ({ window }) => {
  await expect(window.getByRole('heading', { name: 'Drop a model here' })).toBeVisible()
  await window.keyboard.press('ControlOrMeta+k')
  await expect(window.getByRole('combobox', { name: /^Commands/ })).toBeFocused()
  await window.keyboard.type('sample')
  await window.keyboard.press('Enter')
  await expect(window).toHaveURL(/#\/graph/)
  await expect(window).toHaveTitle(/^digits-cnn\.onnx – Graph/)
  await window.keyboard.press('ControlOrMeta+k')
  await window.keyboard.type('@gem')
  await expect(window.getByRole('option', { selected: true })).toContainText(/gemm|fc|classifier/i)
  await window.keyboard.press('Escape')
  await window.keyboard.press('?')
  await expect(window.getByRole('dialog', { name: 'Keys' })).toBeVisible()
  await window.keyboard.press('Escape')
  await expect(window.getByRole('dialog')).toHaveCount(0)
})

test('its file dialog is walked by keys, and remembers the folder', async ({ window, folder, host }) => {
  test.skip(host === null, 'Electron shows the dialog of the system')
  fs.mkdirSync(path.join(folder, 'nets', 'deep'), { recursive: true })
  fs.copyFileSync(SAMPLE, path.join(folder, 'nets', 'deep', 'mine.onnx'))
  await expect(window.getByRole('heading', { name: 'Drop a model here' })).toBeVisible()
  await window.keyboard.press('ControlOrMeta+o')
  const place = window.getByRole('textbox', { name: /^Folder/ })
  await expect(place).not.toHaveValue('')
  await place.fill(path.join(folder, 'nets'))
  await place.press('Enter')
  await expect(window.getByRole('option', { name: /deep/ })).toBeVisible()
  await window.keyboard.press('Enter')
  await expect(window.getByRole('option', { name: /mine\.onnx/ })).toBeVisible()
  await window.keyboard.press('Backspace')
  await expect(window.getByRole('option', { name: /deep/ })).toHaveAttribute('aria-selected', 'true')
  await window.keyboard.press('ArrowRight')
  await expect(window.getByRole('option', { name: /mine\.onnx/ })).toBeVisible()
  await window.keyboard.type('mi')
  await window.keyboard.press('Enter')
  await expect(window).toHaveTitle(/^mine\.onnx/)
  await window.keyboard.press('ControlOrMeta+o')
  await expect(window.getByRole('option', { name: /mine\.onnx/ })).toBeVisible()
  await place.fill('/etc')
  await place.press('Enter')
  await expect(window.getByRole('dialog').getByRole('alert')).toContainText('/etc')
})

const whole = fs.readFileSync(SAMPLE)
const BAD: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: 'empty.onnx', bytes: Buffer.alloc(0) },
  { name: 'text.onnx', bytes: Buffer.from('This is a shopping list.\n') },
  { name: 'cut-off.onnx', bytes: whole.subarray(0, whole.length >> 1) },
  { name: 'noise.onnx', bytes: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + 13) % 251)) },
  { name: 'picture.png', bytes: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex') },
  { name: 'model.json', bytes: Buffer.from('{"modelTopology": 3}') },
  { name: 'notes.txt', bytes: Buffer.from('hello') },
]

test('takes a file that is dropped the moment the window stands, before the host has said how', async ({
  window,
  host,
}) => {
  test.skip(host === null, 'Electron takes real paths from the system, which a test cannot drop')
  await window.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector('h1')) return
      observer.disconnect()
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File([], 'early.onnx'))
      globalThis.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    })
    observer.observe(document, { childList: true, subtree: true })
  })
  await window.reload()
  await expect(window.getByRole('alert')).toContainText('early.onnx is empty')
})

test('says of every bad file what is wrong with it, and goes on', async ({ window, host }) => {
  test.skip(host === null, 'Electron takes real paths from the system, which a test cannot drop')
  await expect(window.getByRole('heading', { name: 'Drop a model here' })).toBeVisible()
  for (const file of BAD) {
    await drop(window, [file])
    const alert = window.getByRole('alert').filter({ hasText: file.name })
    await expect(alert, file.name).toBeVisible()
    expect((await alert.innerText()).length, file.name).toBeGreaterThan(30)
    await alert.getByRole('button', { name: 'Dismiss' }).click()
    await expect(window.getByRole('alert')).toHaveCount(0)
  }
  await drop(window, [{ name: 'good.onnx', bytes: whole }])
  await expect(window).toHaveTitle(/^good\.onnx – Graph/)
})

test('keeps a picture of each model, its recent models, theme and model over a reload', async ({ window }) => {
  await window.getByRole('button', { name: 'Open the built-in sample' }).click()
  await expect(window).toHaveTitle(/^digits-cnn/)
  await window.getByRole('link', { name: 'Models' }).click()
  const card = window.getByRole('button', { name: /digits-cnn\.onnx.*13 layers/s })
  await expect(card.locator('img')).toHaveAttribute('src', /^data:image\/png/)
  await window.getByRole('link', { name: 'Settings' }).click()
  await window.getByRole('radio', { name: 'Dark' }).click()
  await expect(window.locator('html')).toHaveAttribute('data-theme', 'dark')
  await window.reload()
  await expect(window.locator('html')).toHaveAttribute('data-theme', 'dark')
  await expect(window.getByRole('button', { name: 'digits-cnn.onnx' })).toBeVisible()
  await window.getByRole('link', { name: 'Models' }).click()
  await window.getByRole('button', { name: /^Forget digits-cnn/ }).click()
  await expect(card).toHaveCount(0)
})

test('lists jobs with their progress and log, holds them, ends them, and leads to their run', async ({ window }) => {
  await window.getByRole('button', { name: 'Open the built-in sample' }).click()
  await expect(window).toHaveURL(/#\/graph/)
  await window.keyboard.press('m')
  await window.getByRole('button', { name: /^Dock; jobs under way: 1/ }).click()
  const job = window.getByRole('list', { name: 'Jobs, newest first' }).getByRole('listitem').first()
  await expect(job).toContainText('Measure a plan of digits-cnn.onnx')
  // held at once: on the sample it takes seconds only
  await job.getByRole('button', { name: /^Pause/ }).click()
  await expect(job.getByText('paused', { exact: true })).toBeVisible()
  await job.getByRole('button', { name: 'Go on' }).click()
  await expect(job.getByText('running', { exact: true })).toBeVisible()
  await job.getByRole('button', { name: 'Cancel' }).click()
  await expect(job.getByText('cancelled', { exact: true })).toBeVisible()
  await job.getByRole('button', { name: 'Show the log' }).click()
  await expect(job.getByRole('list', { name: /^Log of/ })).toContainText(/\w/)
  await job.getByRole('button', { name: 'Show run' }).click()
  await expect(window).toHaveURL(/#\/runs\?run=/)
  await window.getByRole('button', { name: 'Take ended jobs off the list' }).click()
  await expect(window.getByRole('heading', { name: 'No jobs' })).toBeVisible()
})

test('says that the host is gone, and when a new one does not know it', async ({ window, host }) => {
  test.skip(host === null, 'on the desktop window and host are one application')
  await expect(window.getByRole('heading', { name: 'Drop a model here' })).toBeVisible()
  await host!.stop('SIGKILL')
  await expect(window.getByText(/reconnecting/)).toBeVisible()
  await host!.start()
  await expect(window.getByText(/reconnecting/)).toHaveCount(0, { timeout: 180_000 })
})

for (const scheme of ['light', 'dark'] as const) {
  test(`has no findings of axe in the ${scheme} theme`, async ({ window }) => {
    await window.emulateMedia({ colorScheme: scheme })
    await window.getByRole('button', { name: 'Open the built-in sample' }).click()
    await expect(window).toHaveTitle(/^digits-cnn/)
    await window.getByRole('link', { name: 'Models' }).click()
    await window.getByRole('button', { name: /^Dock/ }).click()
    await expect(window.getByRole('heading', { name: 'No jobs' })).toBeVisible()
    expect(await findings(window)).toEqual([])
    await window.keyboard.press('ControlOrMeta+k')
    await expect(window.getByRole('option').first()).toBeVisible()
    expect(await findings(window)).toEqual([])
    await window.keyboard.press('Escape')
    await window.keyboard.press('?')
    await expect(window.getByRole('dialog', { name: 'Keys' })).toBeVisible()
    expect(await findings(window)).toEqual([])
    await window.keyboard.press('Escape')
    await window.getByRole('link', { name: 'Settings' }).click()
    await expect(window.getByText('onnxruntime').first()).toBeVisible()
    expect(await findings(window)).toEqual([])
  })
}
