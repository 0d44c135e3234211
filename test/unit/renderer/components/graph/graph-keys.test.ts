import { expect, it } from 'vitest'
import { graphKey, type GraphKey } from '../../../../../src/renderer/components/graph/graph-keys.ts'

const plain = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false }

it.each<{ why: string; press: Partial<typeof plain> & { key: string }; key: GraphKey | null }>([
  { why: 'arrows walk', press: { key: 'ArrowDown' }, key: { action: 'walk', step: 'down', extends: false } },
  {
    why: 'Shift extends',
    press: { key: 'ArrowUp', shiftKey: true },
    key: { action: 'walk', step: 'up', extends: true },
  },
  { why: 'Home is the first', press: { key: 'Home' }, key: { action: 'walk', step: 'first', extends: false } },
  { why: 'Alt moves the view', press: { key: 'ArrowDown', altKey: true }, key: { action: 'pan', dx: 0, dy: -80 } },
  { why: 'digits set bits', press: { key: '4' }, key: { action: 'bits', bits: 4 } },
  { why: '0 is the whole graph, not bits', press: { key: '0' }, key: { action: 'fit' } },
  { why: '9 is nothing', press: { key: '9' }, key: null },
  { why: 'plus zooms in, also without Shift', press: { key: '=' }, key: { action: 'zoomIn' } },
  { why: 'Space toggles', press: { key: ' ' }, key: { action: 'toggle' } },
  { why: 'Ctrl F finds', press: { key: 'f', ctrlKey: true }, key: { action: 'find' } },
  { why: '⌘ F finds', press: { key: 'f', metaKey: true }, key: { action: 'find' } },
  { why: 'Ctrl K is the palette’s', press: { key: 'k', ctrlKey: true }, key: null },
  { why: 'Ctrl 4 is not the graph’s', press: { key: '4', ctrlKey: true }, key: null },
  { why: 'Shift F10 opens the menu', press: { key: 'F10', shiftKey: true }, key: { action: 'menu' } },
  { why: 'Enter opens', press: { key: 'Enter' }, key: { action: 'open' } },
  { why: 'Shift Enter folds', press: { key: 'Enter', shiftKey: true }, key: { action: 'fold' } },
  { why: 'M is the shell’s', press: { key: 'm' }, key: null },
])('$why', ({ press, key }) => {
  expect(graphKey({ ...plain, ...press })).toEqual(key)
})
