/** What a layer's numbers are held in: float, 16, 8 or 4 bits, or any other count. One fixed hue each, everywhere. */
export type PrecisionKind = 'float' | 'bits16' | 'bits8' | 'bits4' | 'other'

export type ThemeName = 'light' | 'dark'

/**
 * Hues of the precisions (DESIGN section 11), told apart by people with colour-blindness too, and never alone: chips carry their text.
 * Text on a chip is white in the light theme and near-black in the dark one, with a contrast of at least 4.5.
 */
export const PRECISION_COLOURS: Readonly<Record<ThemeName, Readonly<Record<PrecisionKind, string>>>> = {
  light: { float: '#646a73', bits16: '#7551a8', bits8: '#00786a', bits4: '#a85800', other: '#a8326e' },
  dark: { float: '#a9afb8', bits16: '#bba3e6', bits8: '#4fc0ae', bits4: '#efa94f', other: '#ee8fbb' },
}

/** Colours of the drawing; ground, text and accent are those of styles/base.css, which a canvas and an exported file cannot name. */
export interface GraphTheme {
  readonly name: ThemeName
  readonly page: string
  readonly card: string
  readonly cardEdge: string
  readonly frame: string
  readonly frameEdge: string
  readonly text: string
  readonly textQuiet: string
  readonly edge: string
  readonly accent: string
  readonly changed: string
  readonly chipText: string
  readonly precision: Readonly<Record<PrecisionKind, string>>
  /** stops of the sequential scale, least to most */
  readonly scale: readonly string[]
}

/** ColorBrewer's YlGnBu, safe for the colour-blind; dark themes run from dark to light. Source: colorbrewer2.org, sequential. */
const LIGHT_SCALE = ['#ffffe0', '#c7e9b4', '#7fcdbb', '#41a5c4', '#225ea8', '#0c2c84']
const DARK_SCALE = ['#16264d', '#1f4e96', '#2a83b5', '#57b8ac', '#b0e0a8', '#ffffd9']

export const GRAPH_THEMES: Readonly<Record<ThemeName, GraphTheme>> = {
  light: {
    name: 'light',
    page: '#f4f5f6',
    card: '#ffffff',
    cardEdge: '#b9bcc2',
    frame: '#eaecef',
    frameEdge: '#d3d6db',
    text: '#1c1d1f',
    textQuiet: '#595d64',
    edge: '#8d9198',
    accent: '#1f5fbf',
    changed: '#a8326e',
    chipText: '#ffffff',
    precision: PRECISION_COLOURS.light,
    scale: LIGHT_SCALE,
  },
  dark: {
    name: 'dark',
    page: '#191a1c',
    card: '#2a2c30',
    cardEdge: '#54575e',
    frame: '#212225',
    frameEdge: '#3a3c42',
    text: '#e6e7e9',
    textQuiet: '#a7abb2',
    edge: '#7d828b',
    accent: '#7aaaf0',
    changed: '#ee8fbb',
    chipText: '#17181a',
    precision: PRECISION_COLOURS.dark,
    scale: DARK_SCALE,
  },
}

type Rgb = readonly [number, number, number]

function parse(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/** The colour at `share` (0–1) of a scale, as `#rrggbb`. */
export function scaleColour(stops: readonly string[], share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const index = Math.min(stops.length - 2, Math.floor(place))
  const a = parse(stops[index]!)
  const b = parse(stops[index + 1]!)
  const mixed = a.map((channel, i) => Math.round(channel + (b[i]! - channel) * (place - index)))
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Relative luminance, 0–1. Source: WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = parse(hex).map((channel) => {
    const value = channel / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Contrast of two colours, 1–21. Source: WCAG 2.2, contrast ratio. */
export function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const DARK_TEXT = '#000000'
const LIGHT_TEXT = '#ffffff'

/** Black or white, whichever is read more easily on a colour. */
export function textOn(background: string): string {
  return contrast(background, DARK_TEXT) >= contrast(background, LIGHT_TEXT) ? DARK_TEXT : LIGHT_TEXT
}
