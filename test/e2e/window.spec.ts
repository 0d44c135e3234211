import { PRODUCT } from '../../src/shared/contract/product.ts'
import { expect, test } from './fixtures.ts'

test('opens, and its host opens the sample', async ({ window }) => {
  const problems: string[] = []
  window.on('pageerror', (error) => problems.push(error.stack ?? error.message))
  window.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${message.text()} (${message.location().url})`)
  })
  await expect(window).toHaveTitle(new RegExp(PRODUCT.name))
  await window.getByRole('button', { name: 'Open the built-in sample' }).click()
  await expect(window.getByText('digits-cnn').first()).toBeVisible()
  expect(problems).toEqual([])
})

test('a link works once, and only a window that was let in gets an answer', async ({ window, host, browser }) => {
  test.skip(host === null, 'Electron has no links')
  const used = await host!.link()
  const first = await browser.newContext()
  const page = await first.newPage()
  await page.goto(used)
  await expect(page).toHaveTitle(new RegExp(PRODUCT.name))
  const second = await browser.newContext()
  const stranger = await second.newPage()
  expect((await stranger.goto(used))!.status()).toBe(401)
  expect((await stranger.goto(host!.origin))!.status()).toBe(401)
  await expect(window).toHaveTitle(new RegExp(PRODUCT.name))
  await Promise.all([first.close(), second.close()])
})
