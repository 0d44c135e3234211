import { z } from 'zod'
import type { JobResult, SensitivityRow } from '../../shared/contract/api/job-results.ts'
import type { Execution } from '../../shared/contract/model.ts'
import { layerOverride, repairNames } from '../../shared/contract/plan.ts'
import type { Json, RunDetail } from '../../shared/contract/runs.ts'

/** One table of damages: rows by layer, then by configuration; all of one metric. */
export interface DamageTable {
  readonly run: string
  readonly metric: SensitivityRow['metric']
  /** in the order they were asked for */
  readonly configs: readonly string[]
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, SensitivityRow>>
}

/** How a layer ran when it was last timed. */
export interface LayerRun {
  readonly execution: Execution | null
  readonly ms: number | null
  /** of the float model */
  readonly referenceMs: number | null
  /** why it is not integer; null where it is, or nothing is known */
  readonly reason: string | null
}

/** Layers as a run found them. */
export interface ExecutionTable {
  readonly run: string
  readonly layers: ReadonlyMap<string, LayerRun>
}

const finding = z.object({ text: z.string() })
const remedy = z.union([
  z.object({ repair: z.enum(repairNames), text: z.string() }),
  z.object({ layer: z.string(), override: layerOverride, text: z.string() }),
])
const explanation = z.object({
  layer: z.string(),
  config: z.string(),
  findings: z.array(finding),
  remedies: z.array(remedy),
})

/** What helps a layer: a repair of the plan, or what the plan would say of a layer (not always the one that suffers). */
export type Remedy = z.infer<typeof remedy>

/** Why a layer suffers from a configuration, in sentences, and what would help. */
export interface LayerExplanation {
  readonly config: string
  readonly findings: readonly string[]
  readonly remedies: readonly Remedy[]
}

const METRICS = ['loss', 'kl', 'top1', 'nsr', 'sqnrDb'] as const

/** A table of rows; null without any. Where a run asked in several metrics, that of the first row counts. */
export function damageTable(run: string, rows: readonly SensitivityRow[]): DamageTable | null {
  const [first] = rows
  if (!first) return null
  const table = new Map<string, Map<string, SensitivityRow>>()
  const configs = new Set<string>()
  for (const row of rows) {
    if (row.metric !== first.metric) continue
    configs.add(row.config)
    const own = table.get(row.layer)
    if (own) own.set(row.config, row)
    else table.set(row.layer, new Map([[row.config, row]]))
  }
  return { run, metric: first.metric, configs: [...configs], rows: table }
}

/** The rows that a stored sensitivity run or quick scan kept. */
export function rowsOfRun({ layers }: Pick<RunDetail, 'layers'>): SensitivityRow[] {
  return layers.flatMap(({ id, type, metrics }) => {
    const metric = METRICS.find((name) => metrics[name] !== undefined)
    if (metric === undefined) return []
    const { low, high, samples, rank } = metrics
    return [
      {
        layer: id,
        config: type,
        metric,
        value: metrics[metric]!,
        interval: low === undefined || high === undefined ? null : ([low, high] as const),
        samples: samples ?? 0,
        rank: rank ?? null,
      },
    ]
  })
}

/** True for a run of the quick scan, which the store keeps as a sensitivity too. */
export function isQuickScan({ layers }: Pick<RunDetail, 'layers'>): boolean {
  return layers.some(({ metrics }) => metrics['sqnrDb'] !== undefined)
}

/** True for a sweep that started from a quantized model: its rows say what a layer gains, not what it suffers. */
export function isReverted({ parameters }: Pick<RunDetail, 'parameters'>): boolean {
  return (
    parameters !== null && typeof parameters === 'object' && 'base' in parameters && parameters['base'] === 'quantized'
  )
}

/** How the layers ran in a stored run; null where it did not look. */
export function executionOfRun({ id, layers }: Pick<RunDetail, 'id' | 'layers'>): ExecutionTable | null {
  const found = layers.filter(({ execution }) => execution !== null)
  if (found.length === 0) return null
  return {
    run: id,
    layers: new Map(
      found.map(({ id: layer, execution, ms, metrics, reason }) => [
        layer,
        { execution, ms, referenceMs: metrics['referenceMs'] ?? null, reason },
      ]),
    ),
  }
}

/** How the layers ran in what a job has just measured; null for jobs that do not look. */
export function executionOfResult(result: JobResult): ExecutionTable | null {
  switch (result.kind) {
    case 'measurePlan':
      if (result.speed === null) return null
      return table(
        result.run,
        result.speed.layers.map((layer) => ({ ...layer, reason: null })),
      )
    case 'bench':
      return table(result.run, result.bench.layers)
    case 'quantize':
      return table(
        result.run,
        result.layers.map((layer) => ({ ...layer, referenceMs: null })),
      )
    default:
      return null
  }
}

function table(run: string, layers: readonly (LayerRun & { readonly id: string })[]): ExecutionTable | null {
  const found = layers.filter(({ execution }) => execution !== null)
  if (found.length === 0) return null
  return {
    run,
    layers: new Map(
      found.map(({ id, execution, ms, referenceMs, reason }) => [id, { execution, ms, referenceMs, reason }]),
    ),
  }
}

/** What is known of how layers ran, the newer table over the older: what it does not say (reasons, float times) stays. */
export function mergeExecution(older: ExecutionTable | null, newer: ExecutionTable): ExecutionTable {
  const layers = new Map(
    [...newer.layers].map(([id, run]) => {
      const before = older?.layers.get(id)
      const isSame = before?.execution === run.execution
      return [
        id,
        {
          ...run,
          ms: run.ms ?? (isSame ? (before?.ms ?? null) : null),
          referenceMs: run.referenceMs ?? before?.referenceMs ?? null,
          reason: run.reason ?? (isSame ? (before?.reason ?? null) : null),
        },
      ] as const
    }),
  )
  return { run: newer.run, layers }
}

/** The explanations a stored run carries, by layer; what does not look like one is left out. */
export function explanationsOf(results: Json): ReadonlyMap<string, readonly LayerExplanation[]> {
  const raw =
    results !== null && typeof results === 'object' && 'explanations' in results ? results['explanations'] : []
  const parsed = z.array(explanation).safeParse(raw)
  const all = parsed.success ? parsed.data : []
  const byLayer = new Map<string, LayerExplanation[]>()
  for (const { layer, config, findings, remedies } of all) {
    const own = { config, findings: findings.map(({ text }) => text), remedies }
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), own])
  }
  return byLayer
}
