import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { collect, type CalibrationBatch } from '../../calibration/collect.ts'
import { encodeCollection } from '../../calibration/collection-codec.ts'
import type { ProbePlan } from '../../calibration/instrument.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder, type Feeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import type { Session } from '../../engines/port.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { rangeOf, type Share } from './evaluate.ts'

/** One worker's share of a calibration. */
export interface CalibrateInput {
  /** path of the instrumented model */
  readonly model: string
  readonly plan: ProbePlan
  readonly data: DataSpec
  readonly split: DataSplit
  readonly seed: number
  /** positions of the shuffled order, of all shares together */
  readonly range: SampleRange
  readonly share: Share
  readonly preprocess: Preprocess | null
  /** samples in a batch; a model's fixed batch goes before it */
  readonly batch: number
  readonly threads: number
}

export interface CalibrateOutput {
  /** the collection of this share, as `encodeCollection` gives it */
  readonly collection: Uint8Array
  /** time inside `session.run`, in ms */
  readonly modelMs: number
  /** time of the loop over all samples, in ms */
  readonly loopMs: number
}

/** Runs the instrumented model over a share of the samples and gathers statistics. Null for an empty share. @throws Fault as `collect` */
export function createCalibrateTask(deps: TaskDeps): Task<CalibrateInput, CalibrateOutput | null> {
  return async (input, context) => {
    const source = await deps.openSamples(input.data, input.split)
    try {
      const session = await deps.engine.createSession(input.model, { threads: input.threads, optimization: 'all' })
      try {
        return await run(source, session, input, context)
      } finally {
        await session.release()
      }
    } finally {
      await source.close()
    }
  }
}

async function run(
  source: SampleSource,
  session: Session,
  input: CalibrateInput,
  context: TaskContext,
): Promise<CalibrateOutput | null> {
  const { plan, preprocess } = input
  const { signal, onProgress } = context
  const feeder = createFeeder(
    session.inputs.filter(({ name }) => name !== plan.phaseInput),
    preprocess,
  )
  const range = rangeOf(input.share, input.range, feeder.fixedBatch ?? input.batch)
  if (range.start >= range.end) return null
  const start = performance.now()
  const timed = timedSession(session)
  const batches = batchesOf(source, feeder, range, input, signal)
  const collection = await collect(timed, plan, batches, { signal, onProgress, total: range.end - range.start })
  return { collection: encodeCollection(collection), modelMs: timed.ms, loopMs: performance.now() - start }
}

function batchesOf(
  source: SampleSource,
  feeder: Feeder,
  range: SampleRange,
  { batch, seed }: CalibrateInput,
  signal: AbortSignal,
): AsyncIterable<CalibrationBatch> {
  return readBatches(source, { order: shuffledOrder(source.info.count, seed), range, batch, feeder, signal })
}

/** Bytes of dead outputs that may lie about: V8 alone collects them after some 32 MiB, a fifth of a worker's memory. */
const MOST_GARBAGE = 8 * 2 ** 20

/** The session, with the time spent in its runs; outputs of earlier runs do not pile up. */
function timedSession(session: Session): Session & { ms: number } {
  let garbage = 0
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    ms: 0,
    async run(feeds, fetches) {
      if (garbage > MOST_GARBAGE) {
        globalThis.gc?.()
        garbage = 0
      }
      const start = performance.now()
      const outputs = await session.run(feeds, fetches)
      this.ms += performance.now() - start
      for (const { data } of [...Object.values(feeds), ...Object.values(outputs)]) garbage += data.byteLength
      return outputs
    },
    release: () => session.release(),
    endProfiling: () => session.endProfiling(),
  }
}
