import { expect, it } from 'vitest'
import { findAppBrowser } from '../../../../src/main/hosts/browser/app-window.ts'

const linux = { platform: 'linux', env: { PATH: '/usr/bin:/opt/bin', DISPLAY: ':0' }, isRoot: false } as const
const having =
  (...files: string[]) =>
  (file: string): boolean =>
    files.includes(file)

it.each([
  {
    why: 'Chromium on the path',
    machine: { ...linux, exists: having('/usr/bin/chromium') },
    found: '/usr/bin/chromium',
  },
  {
    why: 'Edge behind it',
    machine: { ...linux, exists: having('/opt/bin/microsoft-edge') },
    found: '/opt/bin/microsoft-edge',
  },
  { why: 'no browser', machine: { ...linux, exists: having() }, found: null },
  {
    why: 'no screen',
    machine: { ...linux, env: { PATH: '/usr/bin' }, exists: having('/usr/bin/chromium') },
    found: null,
  },
  {
    why: 'root, whom Chromium’s sandbox refuses',
    machine: { ...linux, isRoot: true, exists: having('/usr/bin/chromium') },
    found: null,
  },
  {
    why: 'Chrome on a Mac',
    machine: {
      platform: 'darwin',
      env: {},
      isRoot: false,
      exists: having('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'),
    } as const,
    found: '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  },
  {
    why: 'Edge on Windows',
    machine: {
      platform: 'win32',
      env: { 'PROGRAMFILES(X86)': 'C:\\Programs' },
      isRoot: false,
      exists: having('C:\\Programs\\Microsoft\\Edge\\Application\\msedge.exe'),
    } as const,
    found: 'C:\\Programs\\Microsoft\\Edge\\Application\\msedge.exe',
  },
])('shows the window with $why: $found', ({ machine, found }) => {
  expect(findAppBrowser(machine)).toBe(found)
})
