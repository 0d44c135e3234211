import { z } from 'zod'
import type { SweepPointView, SweepReferenceView } from '../../shared/contract/api/job-results.ts'
import type { Json } from '../../shared/contract/runs.ts'
import type { LineLevel, LinePoint, LineSeries } from '../components/charts/lines.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import { BITS_CURVES } from './bits-question.ts'

/** What the points of a sweep over bits are looked at by. */
export type BitsMeasure = 'top1' | 'close' | 'agreement' | 'sqnrDb' | 'bytes'

/** Drops beyond this many points leave the enlarged chart, as they do in the figure that is written. */
const CLOSE_POINTS = 5

/** Measures as they are offered. */
export const BITS_MEASURES: readonly {
  readonly value: BitsMeasure
  readonly label: string
  readonly axis: ChartAxis
}[] = [
  { value: 'top1', label: 'top-1', axis: { label: 'top-1', unit: '%', better: 'more' } },
  {
    value: 'close',
    label: `points lost, up to ${CLOSE_POINTS}`,
    axis: { label: 'lost against float', unit: 'points', better: 'less' },
  },
  { value: 'agreement', label: 'agreement', axis: { label: 'agreement with float', unit: '%', better: 'more' } },
  { value: 'sqnrDb', label: 'SQNR', axis: { label: 'SQNR of the output', unit: 'dB', better: 'more' } },
  { value: 'bytes', label: 'file size', axis: { label: 'file size', unit: 'kB', better: 'less' } },
]

/** Equal for points of the same curve and width. */
export function bitsKey({ what, bits }: Pick<SweepPointView, 'what' | 'bits'>): string {
  return `${what} ${bits}`
}

/** `weights, 4 bits`. */
export function bitsName({ what, bits }: Pick<SweepPointView, 'what' | 'bits'>): string {
  return `${what === 'both' ? 'weights and activations' : what}, ${bits === 1 ? '1 bit' : `${bits} bits`}`
}

const ORDER = BITS_CURVES.map(({ value }) => value)

/** Points with others over them, curve by curve, fewest bits first. */
export function mergePoints(
  points: readonly SweepPointView[],
  further: readonly SweepPointView[],
): readonly SweepPointView[] {
  const byKey = new Map([...points, ...further].map((point) => [bitsKey(point), point]))
  return [...byKey.values()].toSorted((a, b) => ORDER.indexOf(a.what) - ORDER.indexOf(b.what) || a.bits - b.bits)
}

/** The measures that some points have, the first of them the one to begin with. */
export function measuresOf(points: readonly SweepPointView[]): typeof BITS_MEASURES {
  const has: Readonly<Record<BitsMeasure, boolean>> = {
    top1: points.some(({ top1 }) => top1 !== null),
    close: points.some(({ drop }) => drop !== null),
    agreement: points.some(({ agreement }) => agreement !== null),
    sqnrDb: points.some(({ sqnrDb }) => sqnrDb !== null),
    bytes: true,
  }
  return BITS_MEASURES.filter(({ value }) => has[value])
}

/** A point in a measure, with its 95 % interval where it has one; null where it is not known or off the chart. */
export function valueOf(point: SweepPointView, measure: BitsMeasure): Omit<LinePoint, 'x' | 'name'> | null {
  const { top1, drop, agreement, sqnrDb, interval, bytes } = point
  const scaled = (y: number, low?: number, high?: number) =>
    low === undefined || high === undefined ? { y: 100 * y } : { y: 100 * y, low: 100 * low, high: 100 * high }
  switch (measure) {
    case 'top1':
      if (top1 === null) return null
      // the interval is that of the drop, paired over the samples
      return drop === null || interval === null
        ? scaled(top1)
        : scaled(top1, top1 + drop - interval.high, top1 + drop - interval.low)
    case 'close':
      if (drop === null || 100 * drop > CLOSE_POINTS) return null
      return scaled(drop, interval?.low, interval?.high)
    case 'agreement':
      if (agreement === null) return null
      return drop === null ? scaled(agreement, interval?.low, interval?.high) : scaled(agreement)
    case 'sqnrDb':
      return sqnrDb === null ? null : { y: sqnrDb }
    case 'bytes':
      return { y: bytes / 1000 }
  }
}

/** The curves of a measure; a curve that has nothing in it is left out. */
export function seriesOf(points: readonly SweepPointView[], measure: BitsMeasure): LineSeries[] {
  return ORDER.map((what): LineSeries => {
    const own = points.filter((point) => point.what === what)
    const drawn = own.flatMap((point): LinePoint[] => {
      const value = valueOf(point, measure)
      return value === null ? [] : [{ x: point.bits, ...value }]
    })
    return { id: what, label: what, dots: true, points: drawn }
  }).filter((series) => series.points.length > 0)
}

/** Where the float model lies. */
export function floatLevel(reference: SweepReferenceView | null, measure: BitsMeasure): LineLevel[] {
  if (reference === null) return []
  const of: Readonly<Partial<Record<BitsMeasure, number | null>>> = {
    top1: reference.top1 === null ? null : 100 * reference.top1,
    close: 0,
    bytes: reference.bytes / 1000,
  }
  const y = of[measure] ?? null
  return y === null ? [] : [{ y, label: 'float' }]
}

const storedPoint = z.object({
  what: z.enum(['weights', 'activations', 'both']),
  bits: z.int(),
  top1: z.number().nullable().default(null),
  loss: z.number().nullable().default(null),
  agreement: z.number().nullable().default(null),
  sqnr: z.number().nullable().default(null),
  drop: z.number().nullable().default(null),
  interval: z.tuple([z.number(), z.number()]).nullable().default(null),
  bytes: z.number(),
})
const stored = z.object({
  points: z.array(storedPoint),
  reference: z.object({
    top1: z.number().nullable().default(null),
    loss: z.number().nullable().default(null),
    bytes: z.number(),
  }),
})

/** The points that a stored sweep kept; none where it came to no end. */
export function pointsOfRun(results: Json): {
  readonly points: readonly SweepPointView[]
  readonly reference: SweepReferenceView | null
} {
  const found = stored.safeParse(results)
  if (!found.success) return { points: [], reference: null }
  const points = found.data.points.map(({ sqnr, interval, ...point }): SweepPointView => ({
    ...point,
    sqnrDb: sqnr,
    interval: interval && { low: interval[0], high: interval[1] },
  }))
  return { points: mergePoints([], points), reference: found.data.reference }
}
