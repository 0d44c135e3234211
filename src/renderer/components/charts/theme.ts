import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'

/** The window's colours as a chart needs them: resolved, because neither a canvas nor a saved SVG knows CSS variables. */
export interface ChartTheme {
  readonly text: string
  readonly quiet: string
  readonly line: string
  readonly lineStrong: string
  readonly surface: string
  readonly selected: string
  readonly accent: string
  readonly good: string
  readonly bad: string
  readonly warning: string
  /** the one sequential scale, least to most */
  readonly scale: readonly string[]
  /** for series without a hue of their own */
  readonly series: readonly string[]
  readonly font: string
  /** false where the system asks for no motion */
  readonly motion: boolean
  /** any CSS colour, also `var(--name)`, as one that a canvas understands */
  resolve(colour: string): string
}

/** Ten hues that stay apart with colour-blind eyes, each at least 3:1 on its ground. Source: after Okabe and Ito, and Tol's "muted". */
export const SERIES = [
  'light-dark(#0064b0, #64b0f0)',
  'light-dark(#c05000, #f5a04e)',
  'light-dark(#007a5e, #4cc8a4)',
  'light-dark(#a8417f, #ea92c4)',
  'light-dark(#6b6b00, #d8cf55)',
  'light-dark(#5b4fb3, #aea4f5)',
  'light-dark(#a3262a, #f28b82)',
  'light-dark(#117a8b, #6fd3e2)',
  'light-dark(#5c5f66, #b6bac2)',
  'light-dark(#7a4a1e, #cfa276)',
] as const

const DARK = '(prefers-color-scheme: dark)'
const STILL = '(prefers-reduced-motion: reduce)'

/** Reads the theme as it is now; the probe is an element that only lends its computed colour. */
function readTheme(): ChartTheme {
  const probe = document.createElement('span')
  probe.style.display = 'none'
  document.body.append(probe)
  const known = new Map<string, string>()
  const resolve = (colour: string): string => {
    const found = known.get(colour)
    if (found !== undefined) return found
    if (!probe.isConnected) document.body.append(probe)
    probe.style.color = ''
    probe.style.color = colour
    const resolved = getComputedStyle(probe).color
    probe.remove()
    known.set(colour, resolved)
    return resolved
  }
  const named = (name: string): string => resolve(`var(--${name})`)
  return {
    text: named('text'),
    quiet: named('text-quiet'),
    line: named('line'),
    lineStrong: named('line-strong'),
    surface: named('surface'),
    selected: named('selected'),
    accent: named('accent'),
    good: named('good'),
    bad: named('bad'),
    warning: named('warning'),
    scale: [0, 1, 2, 3, 4, 5].map((step) => named(`scale-${step}`)),
    series: SERIES.map(resolve),
    font: getComputedStyle(document.body).fontFamily,
    motion: !matchMedia(STILL).matches,
    resolve,
  }
}

let shared: ShallowRef<ChartTheme> | null = null
let users = 0
let stop: (() => void) | null = null

function watchTheme(theme: ShallowRef<ChartTheme>): () => void {
  const renew = (): void => {
    theme.value = readTheme()
  }
  const observer = new MutationObserver(renew)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class', 'style'] })
  const queries = [matchMedia(DARK), matchMedia(STILL)]
  for (const query of queries) query.addEventListener('change', renew)
  return () => {
    observer.disconnect()
    for (const query of queries) query.removeEventListener('change', renew)
  }
}

/** The theme, read anew whenever it changes; one watch for all charts of the window. */
export function useChartTheme(): Readonly<ShallowRef<ChartTheme>> {
  shared ??= shallowRef(readTheme())
  if (users++ === 0) {
    shared.value = readTheme()
    stop = watchTheme(shared)
  }
  onScopeDispose(() => {
    if (--users > 0) return
    stop?.()
    stop = null
  })
  return shared
}
