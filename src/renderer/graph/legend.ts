import { domainOf, type GraphDecor, type SequentialOverlay } from './decor.ts'
import { scaleColour, type GraphTheme, type PrecisionKind } from './palette.ts'
import { valueText } from './text.ts'

/** The sequential scale with its ends and its middle. */
export interface LegendRamp {
  readonly name: string
  /** unit and kind of scale, '' for neither */
  readonly unit: string
  /** colours at even distances, as the axis runs: least number first */
  readonly stops: readonly string[]
  readonly ticks: readonly string[]
  readonly hasMeasured: boolean
  readonly hasEstimated: boolean
  /** a colour of the scale to show the difference with */
  readonly strong: string
}

/** A colour and what it stands for. */
export interface LegendEntry {
  readonly label: string
  readonly colour: string
  /** layers it is on; null where nobody counts them */
  readonly count: number | null
}

/** What the colours on a graph mean; in the window and on exported pictures. */
export interface Legend {
  readonly ramp: LegendRamp | null
  readonly categories: {
    readonly name: string
    /** what the states are of, where it is not the plan on screen */
    readonly of: string | null
    readonly entries: readonly LegendEntry[]
  } | null
  readonly precisions: readonly LegendEntry[]
  /** colour of the outline of layers that differ between two plans; null: no comparison */
  readonly changed: string | null
}

const NAMES: Readonly<Record<PrecisionKind, string>> = {
  float: 'float',
  bits16: '16 bits',
  bits8: '8 bits',
  bits4: '4 bits',
  other: 'other',
}

const STOPS = 9

function rampOf(overlay: SequentialOverlay, theme: GraphTheme): LegendRamp {
  const [low, high] = domainOf(overlay)
  const middle = overlay.scale === 'log' ? Math.sqrt(low * high) : (low + high) / 2
  const values = [...overlay.values.values()]
  return {
    name: overlay.name,
    unit: [overlay.unit, overlay.of ?? '', overlay.scale === 'log' ? 'log scale' : ''].filter(Boolean).join(', '),
    stops: Array.from({ length: STOPS }, (_, i) => {
      const share = i / (STOPS - 1)
      return scaleColour(theme.scale, overlay.isLowStrong ? 1 - share : share)
    }),
    ticks: [low, middle, high].map((value) => valueText(value, '')),
    hasEstimated: values.some(({ estimated }) => estimated),
    hasMeasured: values.some(({ estimated }) => !estimated),
    strong: scaleColour(theme.scale, 0.7),
  }
}

/** The legend of what is laid over a graph. */
export function legendOf(
  { overlay, precisions, changed }: Pick<GraphDecor, 'overlay' | 'precisions' | 'changed'>,
  theme: GraphTheme,
): Legend {
  const counts = new Map<PrecisionKind, number>()
  for (const { kind } of precisions.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const kinds = (Object.keys(NAMES) as PrecisionKind[]).filter((kind) => counts.has(kind))
  return {
    ramp: overlay?.kind === 'sequential' ? rampOf(overlay, theme) : null,
    categories:
      overlay?.kind === 'categories'
        ? {
            name: overlay.name,
            of: overlay.of ?? null,
            entries: overlay.categories.map(({ label, hue }) => ({
              label,
              colour: theme.precision[hue],
              count: null,
            })),
          }
        : null,
    precisions: kinds.map((kind) => ({
      label: NAMES[kind],
      colour: theme.precision[kind],
      count: counts.get(kind)!,
    })),
    changed: changed === null ? null : theme.changed,
  }
}

/** Whether there is anything to explain. */
export function isEmptyLegend({ ramp, categories, precisions, changed }: Legend): boolean {
  return ramp === null && categories === null && precisions.length === 0 && changed === null
}
