import { BITS_CURVES } from '../../search/bits.ts'
import type { SweepPoint, SweepReference } from '../sweep/point.ts'
import { curvesSvg, type Curve, type CurvePanel } from './curves-figure.ts'

/** What the figure of accuracy over bits says beside its points. */
export interface BitsFigure {
  readonly title: string
  readonly about: readonly string[]
  readonly points: readonly SweepPoint[]
  readonly reference: SweepReference
}

/** Drops beyond this many points leave the enlarged diagram: what is close to float would be a line at its bottom. */
const CLOSE_POINTS = 5

/** Accuracy over bits as an SVG file: top-1 where there are labels, else agreement with float and SQNR. */
export function bitsSvg({ title, about, points, reference }: BitsFigure): string {
  const panels = reference.top1 === null ? withoutLabels(points) : withLabels(points, reference.top1)
  return curvesSvg({ title, about, xTitle: 'bits', panels })
}

function withLabels(points: readonly SweepPoint[], float: number): CurvePanel[] {
  const rates: CurvePanel = {
    title: 'top-1 (%)',
    digits: 2,
    bounds: { low: 0, high: 100 },
    reference: { name: 'float', value: 100 * float },
    curves: curvesOf(points, ({ top1, interval }) =>
      top1 === null
        ? null
        : {
            y: 100 * top1,
            low: interval && 100 * (float - interval.high),
            high: interval && 100 * (float - interval.low),
          },
    ),
  }
  const drops = points.map(({ drop }) => 100 * (drop ?? 0))
  const isSpread = Math.max(...drops) > CLOSE_POINTS && drops.some((drop) => drop <= CLOSE_POINTS)
  return isSpread ? [rates, closeToFloat(points)] : [rates]
}

/** The same as drops, enlarged: tenths of a point decide, and show nowhere on a scale that starts at chance. */
function closeToFloat(points: readonly SweepPoint[]): CurvePanel {
  return {
    title: `drop of top-1 against float (points), up to ${CLOSE_POINTS}`,
    digits: 2,
    bounds: { low: -100, high: CLOSE_POINTS },
    reference: { name: 'float', value: 0 },
    curves: curvesOf(points, ({ drop, interval }) =>
      drop === null
        ? null
        : { y: 100 * drop, low: interval && 100 * interval.low, high: interval && 100 * interval.high },
    ),
  }
}

function withoutLabels(points: readonly SweepPoint[]): CurvePanel[] {
  const agreement: CurvePanel = {
    title: 'agreement of the best class with float (%)',
    digits: 2,
    bounds: { low: 0, high: 100 },
    reference: null,
    curves: curvesOf(points, ({ agreement: rate, interval }) =>
      rate === null
        ? null
        : { y: 100 * rate, low: interval && 100 * interval.low, high: interval && 100 * interval.high },
    ),
  }
  const sqnr: CurvePanel = {
    title: 'SQNR of the output (dB)',
    digits: 1,
    bounds: null,
    reference: null,
    curves: curvesOf(points, ({ sqnrDb }) => (sqnrDb === null ? null : { y: sqnrDb, low: null, high: null })),
  }
  return [agreement, sqnr].filter(({ curves }) => curves.length > 0)
}

type Value = Omit<Curve['points'][number], 'x'>

function curvesOf(points: readonly SweepPoint[], valueOf: (point: SweepPoint) => Value | null): Curve[] {
  const names = [...new Set(points.map(({ what }) => what))]
  const curves = names.map((what) => ({
    name: what,
    hue: BITS_CURVES.indexOf(what),
    points: points
      .filter((point) => point.what === what)
      .flatMap((point) => {
        const value = valueOf(point)
        return value === null ? [] : [{ x: point.bits, ...value }]
      }),
  }))
  return curves.filter((curve) => curve.points.length > 0)
}
