import type { Command } from './commands.ts'

/** True where ⌘ takes the place of Ctrl. */
export const IS_MAC = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform)

type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** A key press as commands write it: `Mod+Shift+Z`, `M`, `?`, `Space`. Shift is left out where it only makes the character, as in `?`. */
export function keyOf(event: KeyPress, isMac = IS_MAC): string {
  const letter = /^\p{L}$/u.test(event.key)
  const name = event.key === ' ' ? 'Space' : letter ? event.key.toUpperCase() : event.key
  const parts = [
    (isMac ? event.metaKey : event.ctrlKey) ? 'Mod' : null,
    isMac && event.ctrlKey ? 'Ctrl' : null,
    event.altKey ? 'Alt' : null,
    event.shiftKey && (letter || event.key.length > 1 || event.key === ' ') ? 'Shift' : null,
    name,
  ]
  return parts.filter((part) => part !== null).join('+')
}

const MAC_SIGNS: Readonly<Record<string, string>> = { Mod: '⌘', Shift: '⇧', Alt: '⌥', Ctrl: '⌃' }
const NAMES: Readonly<Record<string, string>> = {
  Mod: 'Ctrl',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Plus: '+',
  Delete: 'Del',
}

/** Keys as they are shown: `Ctrl+K`, `⌘K`. */
export function keyText(keys: string, isMac = IS_MAC): string {
  const parts = keys
    .split('+')
    .map((part) => (isMac ? (MAC_SIGNS[part] ?? NAMES[part] ?? part) : (NAMES[part] ?? part)))
  return parts.join(isMac ? '' : '+')
}

const TYPING = 'input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]'
/** what Space and Enter mean something to already */
const PRESSABLE =
  'button, a[href], summary, [role=radio], [role=checkbox], [role=switch], [role=tab], [role=menuitem], [role=option]'
/** what arrows, Home and End mean something to already */
const WALKABLE =
  '[role=radio], [role=tab], [role=slider], [role=separator], [role=spinbutton], [role=listbox], [role=grid], [role=tree]'
const OVERLAYS = '[role=dialog], [role=alertdialog], [role=menu], [role=listbox][data-state=open]'
/** keys of a text field itself */
const EDITING = new Set(['Mod+A', 'Mod+C', 'Mod+V', 'Mod+X', 'Mod+Z', 'Mod+Y', 'Mod+Shift+Z'])

/** Whether what has the focus wants this key for itself. */
export function isTaken(keys: string, target: Element | null): boolean {
  if (target === null) return false
  if (target.closest(TYPING)) return EDITING.has(keys) || !/^(Mod|Alt|Ctrl|F\d)/.test(keys)
  if (target.closest(PRESSABLE) && (keys === 'Space' || keys === 'Enter')) return true
  return target.closest(WALKABLE) !== null && /(Arrow|Home|End|Page)/.test(keys)
}

/** The command that a key means; null where there is none, or it cannot be run now. */
export function commandFor(keys: string, commands: readonly Command[]): Command | null {
  return commands.find((command) => command.enabled !== false && command.keys?.includes(keys)) ?? null
}

/**
 * Runs commands by their keys. What a focused control or an open dialog needs for itself is left to it.
 * @returns ends it
 */
export function listenForKeys(commands: () => readonly Command[]): () => void {
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    const keys = keyOf(event)
    const target = event.target instanceof Element ? event.target : null
    if (isTaken(keys, target) || (document.querySelector(OVERLAYS) && keys !== 'Mod+K')) return
    const command = commandFor(keys, commands())
    if (!command) return
    event.preventDefault()
    command.run()
  }
  window.addEventListener('keydown', onKey)
  return () => window.removeEventListener('keydown', onKey)
}
