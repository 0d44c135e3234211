import { expect, SAMPLE, test } from './fixtures.ts'

// What the browser host promises to its windows.

test('a host that crashed and was started anew is found again by its window', async ({ window, host }) => {
  test.skip(host === null, 'Electron’s windows end with it')
  await window.getByRole('button', { name: 'Open the built-in sample' }).first().click()
  await expect(window.getByText('digits-cnn').first()).toBeVisible()
  await host!.stop('SIGKILL')
  await expect(window.getByText(/reconnecting/).first()).toBeVisible()
  await host!.start()
  await expect(window.getByText(/reconnecting/)).toHaveCount(0, { timeout: 180_000 })
  await window.goto(`${host!.origin}/#/models`)
  await expect(window.getByText('digits-cnn').first()).toBeVisible()
})

test('two windows are one application', async ({ window, host, context }) => {
  test.skip(host === null, 'one window is opened in Electron')
  const second = await context.newPage()
  await second.goto(host!.origin)
  await window.getByRole('button', { name: 'Open the built-in sample' }).first().click()
  await expect(window.getByText('digits-cnn').first()).toBeVisible()
  await second.bringToFront()
  await expect(second.getByText('digits-cnn').first()).toBeVisible() // among its recent models
})

test('a file dropped into the window is sent to the host and opened', async ({ window, host }) => {
  test.skip(host === null, 'Electron sees real paths, which a test cannot drop')
  const bytes = (await import('node:fs')).readFileSync(SAMPLE).toString('base64')
  const transfer = await window.evaluateHandle((content) => {
    const data = new DataTransfer()
    const binary = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
    data.items.add(new File([binary], 'dropped-net.onnx'))
    return data
  }, bytes)
  await window.dispatchEvent('body', 'dragenter', { dataTransfer: transfer })
  await window.dispatchEvent('body', 'dragover', { dataTransfer: transfer })
  await window.dispatchEvent('body', 'drop', { dataTransfer: transfer })
  await expect(window.getByText('dropped-net').first()).toBeVisible()
})
