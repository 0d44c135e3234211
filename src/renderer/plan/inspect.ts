import type { GraphView } from '../../shared/contract/graph-view.ts'
import type { Dim } from '../../shared/contract/tensor.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { SensitivityRow } from '../../shared/contract/api/job-results.ts'
import { countText, bytesText } from '../format.ts'
import { shapeText, valueText } from '../graph/text.ts'
import type { DamageTable, LayerRun } from './knowledge.ts'
import { metricText, metricValue } from './overlays.ts'

interface Fact {
  readonly name: string
  readonly value: string
}

/** What a layer is, in names and values. */
export function layerFacts(layer: LayerInfo, inputs: readonly (readonly Dim[] | null)[]): Fact[] {
  const shapes = inputs.map(shapeText).filter((text) => text !== '')
  return [
    { name: 'input', value: shapes.join(', ') || 'unknown' },
    { name: 'output', value: shapeText(layer.outputShape) || 'unknown' },
    ...(layer.parameters > 0 ? [{ name: 'parameters', value: countText(layer.parameters) }] : []),
    ...(layer.macs === null || layer.macs === 0 ? [] : [{ name: 'MACs', value: countText(layer.macs) }]),
  ]
}

/** Shapes of what a layer is fed: constants aside. */
export function inputShapes(layer: LayerInfo, view: GraphView | null): (readonly Dim[] | null)[] {
  const tensors = new Map(view?.tensors.map((tensor) => [tensor.name, tensor]))
  return layer.inputs.flatMap((name) => {
    const found = tensors.get(name)
    return found && found.constantBytes === null ? [found.shape] : []
  })
}

interface NodeView {
  readonly id: string
  readonly op: string
  readonly attributes: readonly { readonly name: string; readonly text: string }[]
  readonly tensors: readonly {
    readonly role: 'input' | 'output'
    readonly name: string
    readonly text: string
    readonly isConstant: boolean
  }[]
}

/** The nodes of a layer with their attributes and tensors, as the panel lists them. */
export function nodesOf(layer: LayerInfo, view: GraphView): NodeView[] {
  const own = new Set(layer.nodes)
  const tensors = new Map(view.tensors.map((tensor) => [tensor.name, tensor]))
  const describe = (role: 'input' | 'output', name: string): NodeView['tensors'][number] => {
    const found = tensors.get(name)
    const bytes = found?.constantBytes ?? null
    const parts = [found?.dataType ?? '', shapeText(found?.shape ?? null), bytes === null ? '' : bytesText(bytes)]
    return { role, name, text: parts.filter((part) => part !== '').join(' '), isConstant: bytes !== null }
  }
  return view.nodes
    .filter(({ id }) => own.has(id))
    .map(({ id, op, attributes, inputs, outputs }) => ({
      id,
      op,
      attributes,
      tensors: [
        ...inputs.filter((name) => name !== '').map((name) => describe('input', name)),
        ...outputs.filter((name) => name !== '').map((name) => describe('output', name)),
      ],
    }))
}

/** One damage of a layer, ready to show. */
export interface DamageLine {
  readonly config: string
  readonly text: string
  readonly unit: string
  readonly name: string
  readonly value: number
  readonly interval: readonly [number, number] | null
  /** largest of the whole model in this configuration: the end of the scale */
  readonly most: number
  readonly rank: number | null
  /** layers ranked with it */
  readonly of: number
  readonly samples: number
}

/** A layer's damages, one for each configuration that was measured. */
export function damageLines(table: DamageTable | null, layer: string): DamageLine[] {
  if (table === null) return []
  const { name, unit } = metricText(table.metric)
  return table.configs.flatMap((config): DamageLine[] => {
    const row = table.rows.get(layer)?.get(config)
    if (!row) return []
    const all = [...table.rows.values()].flatMap((rows) => rows.get(config) ?? [])
    return [
      {
        config,
        name,
        unit,
        value: metricValue(row.metric, row.value),
        text: damageText(row),
        interval: row.interval && [metricValue(row.metric, row.interval[0]), metricValue(row.metric, row.interval[1])],
        most: all.reduce((most, one) => Math.max(most, metricValue(one.metric, one.value)), 0),
        rank: row.rank,
        of: all.length,
        samples: row.samples,
      },
    ]
  })
}

/** A damage with its interval: `0.031 (0.024 … 0.040)`. */
export function damageText({ metric, value, interval }: SensitivityRow): string {
  const text = (one: number): string => minus(valueText(metricValue(metric, one), ''))
  return interval === null ? text(value) : `${text(value)} (${text(interval[0])} … ${text(interval[1])})`
}

/** A true minus sign. */
export function minus(text: string): string {
  return text.replaceAll(/-(?=[\d.])/g, '−')
}

/** How a layer ran, in words: `int8, 0.41 → 0.15 ms`. */
export function timeText({ ms, referenceMs }: LayerRun): string | null {
  if (ms === null) return null
  const own = valueText(ms, 'ms')
  return referenceMs === null ? own : `${valueText(referenceMs, '')} → ${own}`
}

/** Sums over several layers; MACs null where one of them is unknown. */
export function sumsOf(layers: readonly LayerInfo[]): {
  readonly parameters: number
  readonly macs: number | null
  readonly ops: readonly { readonly op: string; readonly count: number }[]
} {
  const ops = new Map<string, number>()
  for (const { op } of layers) ops.set(op, (ops.get(op) ?? 0) + 1)
  return {
    parameters: layers.reduce((sum, { parameters }) => sum + parameters, 0),
    macs: layers.some(({ macs, role }) => macs === null && role === 'weighted')
      ? null
      : layers.reduce((sum, { macs }) => sum + (macs ?? 0), 0),
    ops: [...ops].map(([op, count]) => ({ op, count })).sort((a, b) => b.count - a.count),
  }
}
