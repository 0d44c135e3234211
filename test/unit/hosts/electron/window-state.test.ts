import { expect, it } from 'vitest'
import { createCrashPolicy } from '../../../../src/main/hosts/electron/crash-policy.ts'
import { restoredState } from '../../../../src/main/hosts/electron/window-state.ts'

const screens = [
  { x: 0, y: 0, width: 1920, height: 1080 },
  { x: 1920, y: 0, width: 1280, height: 1024 },
]
const kept = { x: 2000, y: 100, width: 1000, height: 700, isMaximized: false }

it.each([
  { why: 'nothing was kept', state: null, is: { width: 1440, height: 900, isMaximized: false } },
  { why: 'what was kept is damaged', state: { x: 'left' }, is: { width: 1440, height: 900, isMaximized: false } },
  { why: 'its screen is there', state: kept, is: kept },
  { why: 'its screen is gone', state: { ...kept, x: 5000 }, is: { width: 1000, height: 700, isMaximized: false } },
  {
    why: 'it hung above the screens',
    state: { ...kept, y: -600 },
    is: { width: 1000, height: 700, isMaximized: false },
  },
  { why: 'it was maximized', state: { ...kept, isMaximized: true }, is: { ...kept, isMaximized: true } },
])('a window opens in its place when $why', ({ state, is }) => {
  expect(restoredState(state, screens)).toEqual(is)
})

it('reloads a page that crashed, but not for ever', () => {
  let clock = 0
  const after = createCrashPolicy(() => clock)
  expect(after('clean-exit')).toBe('ignore')
  expect([after('crashed'), after('oom'), after('killed'), after('crashed')]).toEqual([
    'reload',
    'reload',
    'reload',
    'giveUp',
  ])
  clock = 61_000
  expect(after('crashed')).toBe('reload')
})
