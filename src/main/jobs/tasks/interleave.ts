import type { Feeds, Session } from '../../engines/port.ts'
import { createRandom } from '../../data/random.ts'
import { medianOf, speedupOf, type Ratio, type Round } from './bench-statistics.ts'

/** When a comparison may stop. */
export interface BenchLimits {
  /** each model is run unmeasured for at least this long, and at least twice */
  readonly warmupMs: number
  readonly minRounds: number
  readonly minMs: number
  /** measuring stops after this time however wide the interval */
  readonly maxMs: number
  /** half-width of the ratio's interval, relative to the ratio, that is good enough */
  readonly precision: number
}

export const defaultBenchLimits: BenchLimits = {
  warmupMs: 200,
  minRounds: 15,
  minMs: 1500,
  maxMs: 20_000,
  precision: 0.015,
}

/** A session with what it is run on. */
export interface Contender {
  readonly session: Session
  readonly feeds: Feeds
}

export interface Interleaved {
  /** median over rounds of the block's median */
  readonly medianMs: number
  /** null without a reference */
  readonly referenceMedianMs: number | null
  /** reference time / model time with its interval, null without a reference */
  readonly speedup: Ratio | null
  readonly rounds: number
  /** measured runs of the model */
  readonly runs: number
}

/** A block of runs of one model lasts about this long: long enough that caches and threads are its own, short against drift. */
const blockMs = 15
const maxBlockRuns = 40

/**
 * Times a model, and a reference in turn with it, in blocks of runs: A B, B A, A B … so that what changes slowly (clock, temperature,
 * other load) meets both alike. The first run of a block finds the other model's data in the caches and its threads still spinning; it
 * is not counted where runs are short enough for that to matter.
 */
export async function timeInterleaved(
  model: Contender,
  reference: Contender | null,
  limits: BenchLimits,
  signal: AbortSignal,
  onRound: (elapsedMs: number) => void,
): Promise<Interleaved> {
  const modelRuns = await warmUp(model, limits, signal)
  const referenceRuns = reference ? await warmUp(reference, limits, signal) : 0
  const rounds: Round[] = []
  const start = performance.now()
  for (let checkAt = limits.minRounds; ;) {
    const isReferenceFirst = rounds.length % 2 === 1
    let referenceMs = 1 // without a reference the ratio's interval is that of the model's own time
    if (reference && isReferenceFirst) referenceMs = await runBlock(reference, referenceRuns, signal)
    const modelMs = await runBlock(model, modelRuns, signal)
    if (reference && !isReferenceFirst) referenceMs = await runBlock(reference, referenceRuns, signal)
    rounds.push({ modelMs, referenceMs })
    const elapsed = performance.now() - start
    onRound(elapsed)
    if (elapsed >= limits.maxMs && rounds.length >= 2) break
    if (rounds.length < checkAt || elapsed < limits.minMs) continue
    if (isPrecise(ratioOf(rounds), limits.precision)) break
    checkAt = Math.ceil(rounds.length * 1.25)
  }
  return {
    medianMs: medianOf(rounds.map(({ modelMs }) => modelMs)),
    referenceMedianMs: reference ? medianOf(rounds.map(({ referenceMs }) => referenceMs)) : null,
    speedup: reference ? ratioOf(rounds) : null,
    rounds: rounds.length,
    runs: rounds.length * modelRuns,
  }
}

function ratioOf(rounds: readonly Round[]): Ratio {
  const random = createRandom(rounds.length)
  return speedupOf(rounds, () => random.unit())
}

function isPrecise({ value, low, high }: Ratio, precision: number): boolean {
  return (high - low) / 2 <= precision * value
}

/** Gives the number of runs in a block. */
async function warmUp({ session, feeds }: Contender, { warmupMs }: BenchLimits, signal: AbortSignal): Promise<number> {
  const times: number[] = []
  const start = performance.now()
  while (times.length < 2 || performance.now() - start < warmupMs) {
    signal.throwIfAborted()
    const runStart = performance.now()
    await session.run(feeds)
    times.push(performance.now() - runStart)
  }
  return Math.max(1, Math.min(maxBlockRuns, Math.round(blockMs / medianOf(times))))
}

/** Runs a block and gives the median time of its counted runs. */
async function runBlock({ session, feeds }: Contender, runs: number, signal: AbortSignal): Promise<number> {
  const block: number[] = []
  if (runs > 1) await session.run(feeds)
  for (let i = 0; i < runs; i++) {
    signal.throwIfAborted()
    const start = performance.now()
    await session.run(feeds)
    block.push(performance.now() - start)
  }
  return medianOf(block)
}
