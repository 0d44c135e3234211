import type { Step } from '../../graph/walk.ts'

/** What a key asks the graph to do; null: the key is not the graph's. */
export type GraphKey =
  | { readonly action: 'walk'; readonly step: Step; readonly extends: boolean }
  | { readonly action: 'pan'; readonly dx: number; readonly dy: number }
  | {
      readonly action:
        'zoomIn' | 'zoomOut' | 'fit' | 'toggle' | 'open' | 'find' | 'clear' | 'menu' | 'selectAll' | 'fold'
    }
  | { readonly action: 'frame' }
  | { readonly action: 'bits'; readonly bits: number }

const STEPS: Readonly<Record<string, Step>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  Home: 'first',
  End: 'last',
}

/** A press of an arrow with Alt moves the view this far; px. */
const PAN = 80

type Press = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>

/** The keys of SCREENS: arrows walk, Shift extends, Space toggles, 1–8 set bits, + − 0 zoom, F finds, Z shows the selection, Shift Enter folds. */
export function graphKey({ key, shiftKey, ctrlKey, metaKey, altKey }: Press): GraphKey | null {
  const step = STEPS[key]
  if (ctrlKey || metaKey) {
    if (key === 'f') return { action: 'find' }
    return key === 'a' ? { action: 'selectAll' } : null
  }
  if (altKey) return step ? panned(step) : null
  if (step) return { action: 'walk', step, extends: shiftKey }
  if (key === 'F10' && shiftKey) return { action: 'menu' }
  if (/^[1-8]$/.test(key)) return { action: 'bits', bits: Number(key) }
  switch (key) {
    case '+':
    case '=':
      return { action: 'zoomIn' }
    case '-':
    case '−':
      return { action: 'zoomOut' }
    case '0':
      return { action: 'fit' }
    case ' ':
      return { action: 'toggle' }
    case 'Enter':
      return { action: shiftKey ? 'fold' : 'open' }
    case 'f':
    case 'F':
      return { action: 'find' }
    case 'z':
      return { action: 'frame' }
    case 'Escape':
      return { action: 'clear' }
    case 'ContextMenu':
      return { action: 'menu' }
    default:
      return null
  }
}

function panned(step: Step): GraphKey | null {
  switch (step) {
    case 'up':
      return { action: 'pan', dx: 0, dy: PAN }
    case 'down':
      return { action: 'pan', dx: 0, dy: -PAN }
    case 'left':
      return { action: 'pan', dx: PAN, dy: 0 }
    case 'right':
      return { action: 'pan', dx: -PAN, dy: 0 }
    case 'first':
    case 'last':
      return null
  }
}
