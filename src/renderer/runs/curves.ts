import type { LinePoint, LineSeries, LinesX } from '../components/charts/lines.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import type { Json, LayerResult, RunDetail } from '../../shared/contract/runs.ts'
import { pointsOfRun, seriesOf } from '../insight/bits-points.ts'
import { metricText, metricValue } from '../plan/overlays.ts'
import { accuracySeries, lossSeries, type Curves } from '../training/curves.ts'
import { curvesOfRun } from '../training/outcome.ts'
import { isScan } from './compare.ts'

/** A run as curves name it. */
export interface NamedRun {
  readonly name: string
  readonly run: RunDetail
}

/** Curves of several runs that share their axes. */
export interface CurveSet {
  readonly id: 'loss' | 'accuracy' | 'bits' | 'damage' | 'times' | 'front'
  readonly title: string
  readonly x: LinesX
  readonly y: ChartAxis
  readonly series: readonly LineSeries[]
}

type Fields = { readonly [key: string]: Json }

/** All curves that some runs have to show, overlaid; none where they have none. */
export function curveSets(runs: readonly NamedRun[]): CurveSet[] {
  return [...trainingCurves(runs), bitCurves(runs), ...damageCurves(runs), timeCurves(runs), frontCurves(runs)].filter(
    (set) => set !== null && set.series.length > 0,
  ) as CurveSet[]
}

function fieldsOf(value: Json | undefined): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {}
}

function listOf(value: Json | undefined): readonly Fields[] {
  return Array.isArray(value) ? (value as readonly Json[]).map(fieldsOf) : []
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** `[low, high]`. */
function boundsOf(value: Json | undefined): readonly [number | null, number | null] {
  const [low, high] = Array.isArray(value) ? (value as readonly Json[]) : []
  return [numberOf(low), numberOf(high)]
}

/** Loss and accuracy of trainings, epoch by epoch. */
function trainingCurves(runs: readonly NamedRun[]): CurveSet[] {
  const trained = runs.map(({ name, run }) => ({ name, id: run.id, curves: curvesOfRun(run) }))
  const seriesOf = (draw: (curves: Curves) => readonly LineSeries[]): LineSeries[] =>
    trained.flatMap(({ name, id, curves }) =>
      draw(curves)
        .filter((one) => !one.id.endsWith(':steps'))
        .map((one) => ({ ...one, id: `${id}:${one.id}`, label: `${name} ${one.label}` })),
    )
  const x = { kind: 'value', label: 'epoch' } as const
  return [
    { id: 'loss', title: 'Loss', x, y: { label: 'loss', better: 'less' }, series: seriesOf(lossSeries) },
    {
      id: 'accuracy',
      title: 'Accuracy',
      x,
      y: { label: 'accuracy', unit: '%', better: 'more' },
      series: seriesOf(accuracySeries),
    },
  ]
}

/** Top-1 (agreement without labels) over the width of weights, activations or both. */
function bitCurves(runs: readonly NamedRun[]): CurveSet | null {
  const swept = runs
    .filter(({ run }) => run.kind === 'sweep')
    .map(({ name, run }) => ({ name, id: run.id, points: pointsOfRun(run.results).points }))
  const all = swept.flatMap(({ points }) => points)
  const measure = all.some(({ top1 }) => top1 !== null) ? 'top1' : 'agreement'
  const series = swept.flatMap(({ name, id, points }) => {
    const curves = seriesOf(points, measure)
    return curves.map((one) => ({
      ...one,
      id: `${id}:${one.id}`,
      label: curves.length > 1 ? `${name} ${one.label}` : name,
    }))
  })
  const y: ChartAxis = { label: measure === 'top1' ? 'top-1' : 'agreement', unit: '%', better: 'more' }
  return { id: 'bits', title: 'Quality over bits', x: { kind: 'value', label: 'bits' }, y, series }
}

const DAMAGES = ['loss', 'kl', 'top1', 'nsr', 'sqnrDb'] as const

function damageMetric(layers: readonly LayerResult[]): (typeof DAMAGES)[number] | null {
  return DAMAGES.find((name) => layers.some((layer) => layer.metrics[name] !== undefined)) ?? null
}

/** Damage of each layer, by the metric of the scan: scans in different metrics make curves of their own. */
function damageCurves(runs: readonly NamedRun[]): CurveSet[] {
  const scans = runs.filter(({ run }) => isScan(run))
  return DAMAGES.flatMap((metric) => {
    const own = scans.filter(({ run }) => damageMetric(run.layers) === metric)
    if (own.length === 0) return []
    const ids = [...new Set(own.flatMap(({ run }) => run.layers.map((layer) => layer.id)))]
    const series = own.flatMap(({ name, run }) => damageSeries(name, run, metric, ids))
    const { name, unit } = metricText(metric)
    const better = metric === 'sqnrDb' ? ('more' as const) : ('less' as const)
    const y = { label: name, unit: unit === '' ? undefined : unit, better }
    return [{ id: 'damage' as const, title: `Damage by layer: ${name}`, x: layerAxis(ids), y, series }]
  })
}

function damageSeries(
  name: string,
  run: RunDetail,
  metric: (typeof DAMAGES)[number],
  ids: readonly string[],
): LineSeries[] {
  const shown = (value: number | undefined): number | null => (value === undefined ? null : metricValue(metric, value))
  const configs = [...new Set(run.layers.map((layer) => layer.type))]
  return configs.map((config) => {
    const found = new Map(run.layers.filter(({ type }) => type === config).map((layer) => [layer.id, layer.metrics]))
    return {
      id: `${run.id}:${config}`,
      label: configs.length > 1 ? `${name} ${config}` : name,
      dots: ids.length <= 60,
      points: ids.map((id, x) => {
        const metrics = found.get(id)
        return {
          x,
          y: shown(metrics?.[metric]),
          low: shown(metrics?.['low']),
          high: shown(metrics?.['high']),
          name: id,
        }
      }),
    }
  })
}

function layerAxis(ids: readonly string[]): LinesX {
  return { kind: 'category', label: 'layer', categories: ids }
}

/** Time of each layer, for runs that timed them. */
function timeCurves(runs: readonly NamedRun[]): CurveSet | null {
  const timed = runs.filter(({ run }) => !isScan(run) && run.layers.some(({ ms }) => ms !== null))
  if (timed.length === 0) return null
  const ids = [...new Set(timed.flatMap(({ run }) => run.layers.map((layer) => layer.id)))]
  const series = timed.map(({ name, run }) => {
    const found = new Map(run.layers.map((layer) => [layer.id, layer.ms]))
    const points = ids.map((id, x) => ({ x, y: found.get(id) ?? null, name: id }))
    return { id: run.id, label: name, dots: ids.length <= 60, points }
  })
  return {
    id: 'times',
    title: 'Time by layer',
    x: layerAxis(ids),
    y: { label: 'time', unit: 'ms', better: 'less' },
    series,
  }
}

/** The measured fronts of searches: drop over size. */
function frontCurves(runs: readonly NamedRun[]): CurveSet | null {
  const searches = runs.filter(({ run }) => run.kind === 'search')
  const series = searches.map(({ name, run }) => ({
    id: run.id,
    label: name,
    dots: true,
    points: listOf(fieldsOf(run.results)['front'])
      .flatMap(frontPoint)
      .toSorted((a, b) => a.x - b.x),
  }))
  return {
    id: 'front',
    title: 'Fronts of searches',
    x: { kind: 'value', label: 'size', unit: 'MB', better: 'less' },
    y: { label: 'drop', unit: 'points', better: 'less' },
    series: series.filter(({ points }) => points.length > 0),
  }
}

function frontPoint(point: Fields): LinePoint[] {
  const bytes = numberOf(point['bytes'])
  const drop = numberOf(point['drop'])
  if (bytes === null || drop === null) return []
  const [low, high] = boundsOf(point['dropInterval'])
  const bounds = low === null || high === null ? {} : { low: low * 100, high: high * 100 }
  const floats = numberOf(point['floatLayers'])
  return [
    {
      x: bytes / 1e6,
      y: drop * 100,
      ...bounds,
      ...(floats === null ? {} : { name: `${(bytes / 1e6).toFixed(3)} MB, ${floats} float layers` }),
    },
  ]
}
