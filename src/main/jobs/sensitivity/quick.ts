import { join } from 'node:path'
import type { SampleRange } from '../../../shared/contract/data.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import { gridLayers, type Configuration } from '../../search/grid.ts'
import { scanSums } from '../../search/quick-scan.ts'
import { EQUAL_SQNR_DB } from '../evaluate-run.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'
import { together } from '../together.ts'
import type { ScanBuildInput, ScanBuildOutput, ScanRunInput, ScanRunOutput } from '../tasks/quick-scan.ts'
import { runDurably } from './run-durably.ts'
import { chunkContent, gridVariants, type VariantGroup } from './variants.ts'

/** What one pass tells of a layer by itself: how far its output moves when its input, weights and output are quantized. */
export interface QuickLayer {
  readonly id: string
  readonly config: string
  /** from 1, the lowest SQNR of its configuration first */
  readonly rank: number
  /** float output against the output computed from quantized input and weights, in dB */
  readonly sqnrDb: number
  /** of its weights, rounded to nearest; null without weights */
  readonly weightSqnrDb: number | null
  /** noise to signal of its output that clipping to the calibrated range makes; null where the output is not quantized */
  readonly clippingNsr: number | null
  /** the same for rounding within the range */
  readonly roundingNsr: number | null
}

export interface QuickScan {
  readonly layers: readonly QuickLayer[]
  readonly samples: number
  /** instrumented passes over the samples: one a configuration */
  readonly passes: number
  readonly wallMs: number
}

/** Samples a pass takes at most: the errors of a layer are sums over thousands of elements a sample, and settle early. */
const MOST_SAMPLES = 512
/** Samples of one task; the same for any number of workers, since sums are added in this order. */
const SHARE = 64
const BATCH = 8

/** Numbers of a layer without its rank. */
type Unranked = Omit<QuickLayer, 'rank'>

/**
 * The quick scan (DESIGN section 6): for each configuration one pass of a model that holds every layer twice, in float and quantized.
 * @throws Fault as `applyPlan`; engine.*, data.*; the signal's reason
 */
export async function runQuickScan(
  folder: string,
  study: Study,
  configurations: readonly Configuration[],
  services: Services,
): Promise<QuickScan> {
  const start = performance.now()
  const { evaluation } = study.chosen!.ranges
  const range = { start: evaluation.start, end: Math.min(evaluation.end, evaluation.start + MOST_SAMPLES) }
  const layers: QuickLayer[] = []
  for (const [i, configuration] of configurations.entries()) {
    const [group] = gridVariants(
      { layers: gridLayers(study.summary.layers), configurations: [configuration], base: 'float' },
      study.summary.layers,
    )
    const scanned = await scanOnce(join(folder, `scan-${i}.onnx`), study, group!, configuration, range, services)
    const ranked = [...scanned].sort((a, b) => a.sqnrDb - b.sqnrDb)
    layers.push(...ranked.map((layer, rank) => ({ ...layer, rank: rank + 1 })))
  }
  const samples = range.end - range.start
  return { layers, samples, passes: configurations.length, wallMs: performance.now() - start }
}

async function scanOnce(
  path: string,
  study: Study,
  { variants }: VariantGroup,
  configuration: Configuration,
  range: SampleRange,
  services: Services,
): Promise<readonly Unranked[]> {
  if (variants.length === 0) return []
  const isDynamic = configuration.override.mode === 'dynamic'
  const batch = isDynamic ? 1 : BATCH // ranges taken at run time depend on the batch
  const all = variants.map(({ layerId, plan }) => ({ layerId: layerId!, plan }))
  const settings = { batch, threads: 1 }
  const content = {
    ...chunkContent(study, variants[0]!, { positions: [], range }, settings, services),
    kind: 'quickScan',
    plan: all as unknown as Json,
  }
  const kept = services.store.measurements.find(content)
  if (kept !== null) return kept as unknown as readonly Unranked[]
  const built = await runDurably<ScanBuildInput, ScanBuildOutput>(services, 'scanBuild', {
    prepared: study.preparedPath,
    layers: study.summary.layers,
    plans: all,
    hash: study.summary.hash,
    collection: study.statistics!.path,
    output: path,
  })
  const sums = await sumsOver(path, study, range, settings, services)
  const result = built.layers.map((layer, i) => layerOf(layer, configuration.name, sums.subarray(i * 4, i * 4 + 4)))
  services.store.measurements.keep(content, result, services.now())
  return result
}

/** Spread over workers in shares, whose sums are added in the order of the samples. */
async function sumsOver(
  model: string,
  study: Study,
  range: SampleRange,
  { batch, threads }: { batch: number; threads: number },
  services: Services,
): Promise<Float64Array> {
  const chosen = study.chosen!
  const total = range.end - range.start
  const starts = Array.from({ length: Math.ceil(total / SHARE) }, (_, i) => range.start + i * SHARE)
  let done = 0
  const parts = await together(
    services.signal,
    starts.map((from) => async (signal) => {
      const end = Math.min(range.end, from + SHARE)
      const { sums } = await runDurably<ScanRunInput, ScanRunOutput>({ ...services, signal }, 'scanRun', {
        model,
        data: chosen.spec,
        split: chosen.evaluation.split,
        dataHash: chosen.evaluation.hash,
        seed: chosen.seed,
        preprocess: chosen.preprocess,
        range: { start: from, end },
        batch,
        threads,
      })
      services.onProgress({ stage: 'scan', done: (done += end - from), total, unit: 'samples' })
      return sums
    }),
  )
  return parts.reduce((sum, part) => sum.map((value, i) => value + part[i]!))
}

function layerOf(layer: ScanBuildOutput['layers'][number], config: string, numbers: Float64Array): Unranked {
  const [{ signal, noise, clipping, rounding } = { signal: 0, noise: 0, clipping: 0, rounding: 0 }] = scanSums(numbers)
  const ratio = (value: number): number | null => (Number.isNaN(value) ? null : value === 0 ? 0 : value / signal)
  return {
    id: layer.id,
    config,
    sqnrDb: decibels(signal, noise),
    weightSqnrDb: layer.weightSqnrDb === null ? null : Math.min(EQUAL_SQNR_DB, layer.weightSqnrDb),
    clippingNsr: ratio(clipping),
    roundingNsr: ratio(rounding),
  }
}

/** Bounded on both sides: JSON has no infinities. */
function decibels(signal: number, noise: number): number {
  if (noise === 0) return EQUAL_SQNR_DB
  return Math.max(-EQUAL_SQNR_DB, Math.min(EQUAL_SQNR_DB, 10 * Math.log10(signal / noise)))
}
