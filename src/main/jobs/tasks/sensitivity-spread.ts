import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import { spreadOf } from '../../search/sample-rows.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { classesOf, comparable } from './outputs.ts'
import { rowsOf } from './rows.ts'

export interface SpreadInput {
  /** the float model */
  readonly model: string
  readonly data: DataSpec
  readonly split: DataSplit
  readonly dataHash: string
  readonly seed: number
  readonly preprocess: Preprocess | null
  readonly range: SampleRange
  readonly batch: number
  readonly threads: number
}

export interface SpreadOutput {
  /** of each sample; null for models that do not classify */
  readonly spread: Float64Array | null
  readonly sessionMs: number
  readonly runMs: number
}

/** Runs the float model and says how open its decision is on each sample (`spreadOf`). @throws Fault data.*, engine.* */
export function createSensitivitySpreadTask(deps: TaskDeps): Task<SpreadInput, SpreadOutput> {
  return async (input, { signal }) => {
    const source = await deps.openSamples(input.data, input.split, { knownHash: input.dataHash })
    try {
      const start = performance.now()
      const session = await deps.engine.createSession(input.model, { threads: input.threads })
      const sessionMs = performance.now() - start
      try {
        const outputs = comparable(session.outputs)
        const feeder = createFeeder(session.inputs, input.preprocess, { reuseBuffer: true })
        const order = shuffledOrder(source.info.count, input.seed)
        const spread: number[] = []
        let runMs = 0
        const { range, batch } = input
        for await (const { samples, feeds } of readBatches(source, { order, range, batch, feeder, signal })) {
          const before = performance.now()
          const found = await session.run(
            feeds,
            outputs.map(({ name }) => name),
          )
          runMs += performance.now() - before
          const rows = rowsOf(found, feeder.fixedBatch ?? samples.length, samples.length)
          const lengths = new Map(Object.entries(rows[0]!).map(([name, values]) => [name, values.length]))
          const classes = classesOf(outputs, lengths, null)
          if (classes === null) return { spread: null, sessionMs, runMs }
          for (const row of rows) spread.push(spreadOf(row[classes.output]!))
        }
        return { spread: Float64Array.from(spread), sessionMs, runMs }
      } finally {
        await session.release()
      }
    } finally {
      await source.close()
    }
  }
}
