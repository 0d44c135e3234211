import { expect, it } from 'vitest'
import {
  allowsPermission,
  CONTENT_SECURITY_POLICY,
  isOwnPage,
  rendererPage,
} from '../../../../src/main/hosts/electron/security.ts'

const built = { kind: 'file', path: '/opt/quantbench/renderer/index.html' } as const
const served = { kind: 'url', url: 'http://localhost:5173' } as const

it.each([
  { why: 'the built page itself', url: 'file:///opt/quantbench/renderer/index.html', page: built, own: true },
  {
    why: 'the built page with a route',
    url: 'file:///opt/quantbench/renderer/index.html#/runs',
    page: built,
    own: true,
  },
  { why: 'another file', url: 'file:///etc/passwd', page: built, own: false },
  { why: 'a web page', url: 'https://example.org/opt/quantbench/renderer/index.html', page: built, own: false },
  { why: 'the development server', url: 'http://localhost:5173/src/main.ts', page: served, own: true },
  { why: 'another port', url: 'http://localhost:5174/', page: served, own: false },
  { why: 'not a URL', url: 'nonsense', page: served, own: false },
])('$why: $own', ({ url, page, own }) => {
  expect(isOwnPage(url, page)).toBe(own)
})

it('loads the built page unless a development server is named, and forbids foreign content', () => {
  expect(rendererPage('http://localhost:1')).toEqual({ kind: 'url', url: 'http://localhost:1' })
  expect(rendererPage(undefined)).toMatchObject({
    kind: 'file',
    path: expect.stringMatching(/renderer.index\.html$/) as string,
  })
  expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'")
  expect(CONTENT_SECURITY_POLICY).not.toContain('unsafe-eval')
})

it('lets the page copy, and nothing else', () => {
  expect(allowsPermission('clipboard-sanitized-write')).toBe(true)
  for (const other of ['clipboard-read', 'media', 'geolocation', 'notifications', 'openExternal', 'fileSystem'])
    expect(allowsPermission(other)).toBe(false)
})
