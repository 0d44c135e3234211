import type { SampleRange } from '../../../shared/contract/data.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import {
  chunksOf,
  chunkSize,
  evenChunksOf,
  OWN_SIZES,
  screened,
  SHARED_SIZES,
  wholePopulation,
  type Population,
} from '../../search/racing.ts'
import type { MetricName } from '../../search/scores.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'
import { together } from '../together.ts'
import type { SpreadInput, SpreadOutput } from '../tasks/sensitivity-spread.ts'
import { runDurably } from './run-durably.ts'
import type { SweepTime } from './suffixes.ts'
import type { SampleChunk, SampleSettings } from './variants.ts'

interface ScreenSettings extends SampleSettings {
  /** is told what the runs took */
  readonly time: SweepTime
}

export interface ScreenRequest {
  readonly range: SampleRange
  /** of all layers' outputs; null where a shape is not known */
  readonly bytesPerSample: number | null
  readonly metric: MetricName
  readonly exact: boolean
  readonly settings: ScreenSettings
}

/** Bytes of frontier tensors of one chunk on disk, about: what the page cache holds without writing it out. */
const CHUNK_BYTES = 2 ** 30

/** Bytes of layers' outputs of one chunk that a worker holds in its memory, about. */
const HELD_CHUNK_BYTES = 2 ** 29

/** Samples of one task of the screening, the same for any number of workers. */
const SHARE = 64

/**
 * Which samples a sweep takes, in which order, cut into chunks. An exact one takes all in their order. Otherwise one pass of the float
 * model finds those whose decision is open (see `screened`); where that does not tell, all are taken in their order: for models without
 * class scores, and for the loss, which moves most on samples that the float model is sure of and wrong about (ResNet-20 in 4 bits, 1,024
 * samples: 20 of 30 intervals from screened samples held the loss over all, of the KL 28, of top-1 30).
 * @throws Fault data.*, engine.*; the signal's reason
 */
export async function chooseChunks(
  study: Study,
  { range, bytesPerSample, metric, exact, settings }: ScreenRequest,
  services: Services,
): Promise<{ chunks: readonly SampleChunk[]; population: Population }> {
  const count = range.end - range.start
  const goesBySpread = metric === 'kl' || metric === 'top1'
  const spread = exact || !goesBySpread ? null : await spreadOver(study, range, settings, services)
  const size = chunkSize(bytesPerSample, CHUNK_BYTES, SHARED_SIZES)
  if (spread === null) {
    const parts = exact
      ? evenChunksOf(range, chunkSize(bytesPerSample, HELD_CHUNK_BYTES, OWN_SIZES))
      : chunksOf(range, size)
    const chunks = parts.map((chunk) => ({ positions: positionsOf(chunk), range: chunk }))
    return { chunks, population: wholePopulation(count) }
  }
  const chosen = screened(spread)
  const chunks = chunksOf({ start: 0, end: chosen.length }, size).map(({ start, end }) => ({
    positions: chosen.slice(start, end).map((index) => range.start + index),
    range: null,
  }))
  const sizes = Float64Array.from(chosen, (index) => spread[index]!)
  return { chunks, population: { sizes, total: spread.reduce((sum, value) => sum + value, 0), count } }
}

/** Samples that tell whether a model classifies. */
const PROBE = 2

/**
 * Whether the model gives class scores, as its first samples show: declared shapes need not tell.
 * @param meanwhile work for the other workers while this is found out; not begun where it is known from before
 * @throws Fault data.*, engine.*; what `meanwhile` throws
 */
export async function isClassifier(
  study: Study,
  { start, end }: SampleRange,
  settings: ScreenSettings,
  services: Services,
  meanwhile: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const range = { start, end: Math.min(end, start + PROBE) }
  const isKnown = services.store.measurements.find(spreadContent(study, range, settings, services)) !== null
  let found = false
  await together(services.signal, [
    async (signal) => {
      found = (await spreadOver(study, range, settings, { ...services, signal })) !== null
    },
    ...(isKnown ? [] : [meanwhile]),
  ])
  return found
}

function positionsOf({ start, end }: SampleRange): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}

/** How open the float model's decision is on each sample, kept by content; null for models that do not classify. */
async function spreadOver(
  study: Study,
  range: SampleRange,
  settings: ScreenSettings,
  services: Services,
): Promise<Float64Array | null> {
  const shares = chunkEvenly(range)
  let done = 0
  const parts = await together(
    services.signal,
    shares.map((share) => async (signal) => {
      const content = spreadContent(study, share, settings, services)
      const kept = services.store.measurements.find(content) as { spread: number[] | null } | null
      const found = kept ?? (await measureSpread(study, share, settings, { ...services, signal }))
      if (kept === null) services.store.measurements.keep(content, found, services.now())
      const total = range.end - range.start
      services.onProgress({ stage: 'screen', done: (done += share.end - share.start), total, unit: 'samples' })
      return found.spread
    }),
  )
  if (parts.some((part) => part === null)) return null
  return Float64Array.from(parts.flatMap((part) => part!))
}

function chunkEvenly({ start, end }: SampleRange): SampleRange[] {
  return Array.from({ length: Math.ceil((end - start) / SHARE) }, (_, i) => {
    const from = start + i * SHARE
    return { start: from, end: Math.min(end, from + SHARE) }
  })
}

async function measureSpread(
  study: Study,
  range: SampleRange,
  { batch, threads, time }: ScreenSettings,
  services: Services,
): Promise<{ spread: number[] | null }> {
  const { spec, evaluation, seed, preprocess } = study.chosen!
  const { spread, sessionMs, runMs } = await runDurably<SpreadInput, SpreadOutput>(services, 'sensitivitySpread', {
    model: study.preparedPath,
    data: spec,
    split: evaluation.split,
    dataHash: evaluation.hash,
    seed,
    preprocess,
    range,
    batch,
    threads,
  })
  time.sessionMs += sessionMs
  time.runMs += runMs
  return { spread: spread === null ? null : [...spread] }
}

function spreadContent(
  study: Study,
  range: SampleRange,
  { batch, threads }: SampleSettings,
  { environment }: Pick<Services, 'environment'>,
): { kind: string; model: string } & Record<string, Json> {
  const { evaluation, seed, preprocess } = study.chosen!
  return {
    kind: 'spread',
    model: study.summary.hash,
    prepared: study.preparedHash,
    data: evaluation.hash,
    split: evaluation.split,
    range: [range.start, range.end],
    seed,
    preprocess,
    batch,
    threads,
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
  }
}
