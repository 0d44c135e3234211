import { describe, expect, it, vi } from 'vitest'
import type { Command } from '../../../src/renderer/commands.ts'
import { commandFor, isTaken, keyOf, keyText } from '../../../src/renderer/keys.ts'

const NONE = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }

describe('keys as commands write them', () => {
  it.each([
    { why: 'a letter is written large', press: { ...NONE, key: 'm' }, keys: 'M' },
    { why: 'Ctrl is Mod', press: { ...NONE, key: 'k', ctrlKey: true }, keys: 'Mod+K' },
    {
      why: 'Shift with a letter counts',
      press: { ...NONE, key: 'Z', ctrlKey: true, shiftKey: true },
      keys: 'Mod+Shift+Z',
    },
    { why: 'Shift that only makes a sign does not', press: { ...NONE, key: '?', shiftKey: true }, keys: '?' },
    { why: 'Shift with an arrow counts', press: { ...NONE, key: 'ArrowUp', shiftKey: true }, keys: 'Shift+ArrowUp' },
    { why: 'the space has a name', press: { ...NONE, key: ' ' }, keys: 'Space' },
    { why: 'a digit is itself', press: { ...NONE, key: '8' }, keys: '8' },
    { why: 'Alt counts', press: { ...NONE, key: 'ArrowLeft', altKey: true }, keys: 'Alt+ArrowLeft' },
  ])('$why', ({ press, keys }) => {
    expect(keyOf(press, false)).toBe(keys)
  })

  it('takes the command key on a Mac, and leaves Ctrl to itself there', () => {
    expect(keyOf({ ...NONE, key: 'k', metaKey: true }, true)).toBe('Mod+K')
    expect(keyOf({ ...NONE, key: 'k', ctrlKey: true }, true)).toBe('Ctrl+K')
    expect(keyOf({ ...NONE, key: 'k', metaKey: true }, false)).toBe('K')
  })

  it('shows them as the system does', () => {
    expect(keyText('Mod+Shift+Z', false)).toBe('Ctrl+Shift+Z')
    expect(keyText('Mod+Shift+Z', true)).toBe('⌘⇧Z')
    expect(keyText('Shift+ArrowUp', false)).toBe('Shift+↑')
  })
})

/** An element as far as `isTaken` asks it: which of its selectors hold, by a word in them. */
function focused(word: string): Element {
  return { closest: (selector: string) => (selector.includes(word) ? {} : null) } as unknown as Element
}

describe('what the focused control keeps for itself', () => {
  it.each([
    { why: 'letters, in a text field', keys: 'M', on: 'textarea', taken: true },
    { why: 'undo, in a text field', keys: 'Mod+Z', on: 'textarea', taken: true },
    { why: 'not the palette, in a text field', keys: 'Mod+K', on: 'textarea', taken: false },
    { why: 'Space, on a button', keys: 'Space', on: 'button', taken: true },
    { why: 'not a letter, on a button', keys: 'M', on: 'button', taken: false },
    { why: 'arrows, on a slider', keys: 'ArrowUp', on: 'role=slider', taken: true },
    { why: 'not a digit, on a slider', keys: '8', on: 'role=slider', taken: false },
  ])('$why', ({ keys, on, taken }) => {
    expect(isTaken(keys, focused(on))).toBe(taken)
  })

  it('nothing, where nothing has the focus', () => {
    expect(isTaken('Space', null)).toBe(false)
  })
})

it('finds the command of a key that can be run now', () => {
  const command = (id: string, enabled?: boolean): Command => ({
    id,
    title: id,
    group: 'g',
    keys: ['M'],
    enabled,
    run: vi.fn(),
  })
  expect(commandFor('M', [command('one', false), command('two')])?.id).toBe('two')
  expect(commandFor('M', [command('one', false)])).toBeNull()
  expect(commandFor('N', [command('one')])).toBeNull()
})
