/** A key that a screen's canvas or table takes for itself while it has the focus. */
export interface ScreenKey {
  readonly title: string
  readonly keys: readonly string[]
}

const KEYS: Readonly<Record<string, readonly ScreenKey[]>> = {
  graph: [
    { title: 'Walk along the edges', keys: ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] },
    { title: 'Walk and extend the selection', keys: ['Shift+ArrowUp', 'Shift+ArrowDown'] },
    { title: 'First and last layer', keys: ['Home', 'End'] },
    { title: 'Move the view', keys: ['Alt+ArrowUp', 'Alt+ArrowDown'] },
    { title: 'Larger, smaller', keys: ['Plus', '-'] },
    { title: 'Open or fold a block', keys: ['Enter', 'Shift+Enter'] },
    { title: 'Menu of the layer', keys: ['Shift+F10'] },
  ],
  runs: [
    { title: 'Walk and select', keys: ['ArrowUp', 'ArrowDown'] },
    { title: 'Extend the selection', keys: ['Shift+ArrowUp', 'Shift+ArrowDown'] },
    { title: 'Take in or out', keys: ['Space'] },
    { title: 'Open; pin as the baseline', keys: ['Enter', 'P'] },
    { title: 'Note, tags', keys: ['N', 'T'] },
    { title: 'Move to the trash', keys: ['Delete'] },
    { title: 'In the head: move a column, change its width', keys: ['Alt+ArrowRight', 'Alt+Shift+ArrowRight'] },
  ],
}

/** What is said of a screen in the list of keys, beside its commands. */
export function keysOfScreen(screen: string): readonly ScreenKey[] {
  return KEYS[screen] ?? []
}
