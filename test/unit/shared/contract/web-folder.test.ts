import { expect, it } from 'vitest'
import { webFolderOf } from '../../../../src/shared/contract/web-folder.ts'

it.each([
  { why: 'gets its slash', text: 'http://127.0.0.1:80/mnist', address: 'http://127.0.0.1/mnist/' },
  { why: 'keeps its slash', text: ' https://example.org/a/ ', address: 'https://example.org/a/' },
  { why: 'of a file system is none', text: 'file:///etc', address: null },
  { why: 'of another kind is none', text: 'ftp://example.org/', address: null },
  { why: 'without a kind is none', text: 'example.org/a', address: null },
  { why: 'that is empty is none', text: '', address: null },
])('an address that $why', ({ text, address }) => {
  expect(webFolderOf(text)).toBe(address)
})
