import { setImmediate } from 'node:timers/promises'
import type { Json } from '../../../shared/contract/runs.ts'
import { joined } from '../../graph/joined.ts'
import { endsRound, isSettled, type Population } from '../../search/racing.ts'
import { metricOf, ROW_LENGTH, scoreKindOf, type SampleRows } from '../../search/sample-rows.ts'
import type { MetricName } from '../../search/scores.ts'
import type { MeasurementContent } from '../../store/measurements.ts'
import type { Seat } from '../pool.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'
import { Slots, together } from '../together.ts'
import { runSeated } from './run-durably.ts'
import type { PrefixBlocks, Suffixes } from './suffixes.ts'
import { chunkContent, type SampleChunk, type SampleSettings, type Variant } from './variants.ts'

export interface SweepRequest {
  readonly study: Study
  readonly variants: readonly Variant[]
  readonly chunks: readonly SampleChunk[]
  readonly population: Population
  readonly settings: SampleSettings
  readonly metric: MetricName
  /** every layer takes every sample */
  readonly exact: boolean
  readonly tell: (change: SweepChange) => void
  /** called when a variant has rows of one more chunk */
  readonly onRows: (variant: Variant, rows: readonly SampleRows[]) => void
}

/** What a step of the sweep changed. */
export interface SweepChange {
  /** evaluations that are over: measured now, or found */
  readonly measured: number
  readonly found: number
  /** evaluations that will not be needed */
  readonly dropped: number
  /** samples of all these evaluations together */
  readonly samples: number
  /** time of those measured, in ms */
  readonly ms: number
}

/** Rows of a variant, chunk by chunk from the first sample on. */
export type VariantRows = ReadonlyMap<string, readonly SampleRows[]>

/**
 * Measures the variants of one group chunk by chunk. An evaluation is one variant on one chunk; its rows are in the store before the
 * worker takes the next one, and what is found there is not measured again. Decisions are made after whole rounds, from rows alone: the
 * result does not depend on the number of workers, nor on where an earlier run was cut off.
 */
export async function sweepVariants(
  request: SweepRequest,
  suffixes: Suffixes,
  services: Services,
): Promise<VariantRows> {
  const rows = new Map<string, SampleRows[]>(request.variants.map(({ key }) => [key, []]))
  if (request.exact) await sweepAll(request, rows, suffixes, services)
  else await sweepRounds(request, rows, suffixes, services)
  return rows
}

/**
 * Every variant on every chunk, as many chunks at a time as there are workers: each runs the base over its chunk and then all suffixes, and
 * holds what they read in memory. The largest chunks come first: what is left at the end is spread evenly.
 */
async function sweepAll(
  request: SweepRequest,
  rows: Map<string, SampleRows[]>,
  suffixes: Suffixes,
  services: Services,
): Promise<void> {
  const active = uniqueByKey(request.variants)
  const workers = new Slots(services.pool.size)
  const sizeOf = (i: number): number => request.chunks[i]!.positions.length
  const order = [...request.chunks.keys()].sort((a, b) => sizeOf(b) - sizeOf(a) || a - b)
  await together(
    services.signal,
    order.map(
      (i) => (signal) =>
        workers.run(() => sweepHeld({ request, active, index: i, rows, suffixes }, { ...services, signal })),
    ),
  )
}

/** Variants leave after the round that settles their rank. */
async function sweepRounds(
  request: SweepRequest,
  rows: Map<string, SampleRows[]>,
  suffixes: Suffixes,
  services: Services,
): Promise<void> {
  const { chunks } = request
  const evaluations = new Slots(services.pool.size)
  let seen = 0
  let active = uniqueByKey(request.variants)
  for (const [i, chunk] of chunks.entries()) {
    await sweepShared({ request, active, index: i, rows, suffixes }, evaluations, services)
    seen += chunk.positions.length
    if (i === chunks.length - 1 || !endsRound(seen)) continue
    const left = await unsettled(request, active, rows)
    const settled = active.length - left.length
    const rest = chunks.slice(i + 1)
    const samples = rest.reduce((sum, { positions }) => sum + positions.length, 0) * settled
    request.tell({ measured: 0, found: 0, dropped: rest.length * settled, samples, ms: 0 })
    active = left
    if (active.length === 0) break
  }
}

/** Different plans among variants: an arithmetic layer is the same whatever the bits of its weights. */
export function countPlans(variants: readonly Variant[]): number {
  return uniqueByKey(variants).length
}

/** Variants whose plans differ. */
export function uniqueByKey(variants: readonly Variant[]): Variant[] {
  return [...new Map(variants.map((variant) => [variant.key, variant])).values()]
}

/** Evaluations looked up in the store between two turns of the event loop: each takes some tenths of a millisecond. */
const LOOKUPS = 32

/** A chunk for the variants that are still in the race. */
interface ChunkSweep {
  readonly request: SweepRequest
  readonly active: readonly Variant[]
  /** of the chunk */
  readonly index: number
  readonly rows: Map<string, SampleRows[]>
  readonly suffixes: Suffixes
}

/** A chunk on one worker: again from where it was on another where that one dies. */
async function sweepHeld(sweep: ChunkSweep, services: Services): Promise<void> {
  const missing = await prepareMissing(sweep, services)
  if (missing.length === 0) return
  const { request, index, rows, suffixes } = sweep
  const work = async (seat: Seat): Promise<void> => {
    const blocks = await suffixes.runHeld(request.chunks[index]!.positions, missing.map(variantOf), seat)
    while (missing.length > 0) {
      services.signal.throwIfAborted() // another chunk has failed
      await evaluate(sweep, missing[0]!, blocks, services)
      missing.shift()
    }
    await suffixes.remove(blocks)
  }
  await runSeated(services, work, () => [...rows.values()].reduce((sum, parts) => sum + Object.keys(parts).length, 0))
}

/**
 * A chunk on all workers.
 * @param evaluations room for as many as there are workers: whoever takes the next one has kept the one before
 */
async function sweepShared(sweep: ChunkSweep, evaluations: Slots, services: Services): Promise<void> {
  const missing = await prepareMissing(sweep, services)
  if (missing.length === 0) return
  const { request, index, suffixes } = sweep
  const blocks = await suffixes.runShared(request.chunks[index]!.positions, missing.map(variantOf))
  await together(
    services.signal,
    missing.map((each) => () => evaluations.run(() => evaluate(sweep, each, blocks, services))),
  )
  suffixes.release(blocks)
}

/** An evaluation that is to be made, and what it will be found by. */
interface Missing {
  readonly variant: Variant
  readonly content: MeasurementContent
}

const variantOf = ({ variant }: Missing): Variant => variant

/** Takes what is kept of a chunk; gives the variants that are to be measured, their suffixes made. */
async function prepareMissing(
  { request, active, index, rows, suffixes }: ChunkSweep,
  services: Services,
): Promise<Missing[]> {
  const { study, settings, tell } = request
  const chunk = request.chunks[index]!
  const missing: Missing[] = []
  for (const [i, variant] of active.entries()) {
    if (i % LOOKUPS === LOOKUPS - 1) await setImmediate()
    const content = chunkContent(study, variant, chunk, settings, services)
    const kept = keptRows(services.store.measurements.find(content))
    if (kept === null) missing.push({ variant, content })
    else addRows(request, variant, index, kept, rows)
  }
  const found = active.length - missing.length
  if (found > 0) tell({ measured: 0, found, dropped: 0, samples: found * chunk.positions.length, ms: 0 })
  if (missing.length > 0)
    await suffixes.prepare(active, (done, total) =>
      services.onProgress({ stage: 'cut', done, total, unit: 'variants' }),
    )
  return missing
}

/** Measures a variant on a chunk, and keeps it. */
async function evaluate(
  { request, index, rows, suffixes }: ChunkSweep,
  { variant, content }: Missing,
  blocks: PrefixBlocks,
  services: Services,
): Promise<void> {
  const start = performance.now()
  const measured = await suffixes.evaluate(variant, blocks)
  services.store.measurements.keep(content, storedRows(measured), services.now())
  addRows(request, variant, index, measured, rows)
  const samples = request.chunks[index]!.positions.length
  request.tell({ measured: 1, found: 0, dropped: 0, samples, ms: performance.now() - start })
}

function addRows(
  { onRows }: SweepRequest,
  variant: Variant,
  index: number,
  measured: SampleRows,
  rows: ReadonlyMap<string, SampleRows[]>,
): void {
  const own = rows.get(variant.key)!
  own[index] = measured
  onRows(variant, own)
}

function storedRows(rows: SampleRows): Json {
  return { rows: Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength).toString('base64') }
}

/** Null where nothing is kept, or what is kept is not rows. */
function keptRows(kept: Json): SampleRows | null {
  const text = (kept as { rows?: unknown } | null)?.rows
  if (typeof text !== 'string') return null
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % (8 * ROW_LENGTH) !== 0) return null
  return new Float64Array(new Uint8Array(bytes).buffer)
}

/** The variants whose rank is open still. Candidates of one configuration race each other; the base itself races nobody. */
async function unsettled(
  { variants, metric, population }: SweepRequest,
  active: readonly Variant[],
  rows: ReadonlyMap<string, readonly SampleRows[]>,
): Promise<Variant[]> {
  const kind = scoreKindOf([...rows.values()].flat())
  const values = new Map([...rows].map(([key, parts]) => [key, valuesOf(parts, metric, kind)]))
  const open = new Set<string>()
  for (const config of new Set(variants.map((variant) => variant.config))) {
    const racers = variants.filter((variant) => variant.config === config && variant.layerId !== null)
    const race = racers.map(({ key }) => values.get(key)!)
    const running = new Set(active.map(({ key }) => key))
    for (const [i, { key }] of racers.entries()) {
      if (!running.has(key)) continue
      if (!isSettled(race, i, population, metric === 'top1')) open.add(key)
      await setImmediate() // thousands of comparisons: the event loop has its turn between them
    }
  }
  if (open.size === 0) return []
  return active.filter(({ key, layerId }) => layerId === null || open.has(key))
}

/** One metric of all rows of a variant, in the order of the samples. */
export function valuesOf(
  parts: readonly SampleRows[],
  metric: MetricName,
  kind: ReturnType<typeof scoreKindOf>,
): Float64Array {
  const values = parts.map((part) => metricOf(part, metric, kind))
  return joined(Float64Array, values)
}
