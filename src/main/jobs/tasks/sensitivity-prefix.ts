import type { DataSpec, DataSplit, Preprocess } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import type { Feeds } from '../../engines/port.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import type { Block, BlockSample } from './frontier-block.ts'
import { BlockKeeper, shelfOf } from './kept-block.ts'
import { classesOf, comparable } from './outputs.ts'
import { rowsOf } from './rows.ts'
import { RunMemory } from './run-memory.ts'

export interface PrefixInput {
  /** the optimised base with the frontier exposed */
  readonly model: string
  /** the model's own outputs, beside what is exposed */
  readonly outputs: readonly string[]
  /** the float model as prepared; null where the base is the float model */
  readonly reference: string | null
  /** tensors to keep: outputs of `model`, or its inputs */
  readonly frontier: readonly string[]
  readonly data: DataSpec
  readonly split: DataSplit
  readonly dataHash: string
  readonly seed: number
  readonly preprocess: Preprocess | null
  /** positions of the order that `seed` gives */
  readonly positions: readonly number[]
  readonly batch: number
  readonly threads: number
  readonly output: Block
  /** bytes that it may take in memory, for tasks that follow in this process; beyond, or at 0, it goes into its folder */
  readonly keepBytes: number
}

export interface PrefixOutput {
  readonly sessionMs: number
  readonly runMs: number
}

/**
 * Runs the base once over some samples and keeps what the suffixes read, with the float model's outputs.
 * @throws Fault data.*, engine.*; data.labelOutOfRange
 */
export function createSensitivityPrefixTask(deps: TaskDeps): Task<PrefixInput, PrefixOutput> {
  const kept = new KeptRunner(deps)
  return async (input, { signal }) => {
    const { runner, sessionMs } = await kept.open(input)
    const keeper = new BlockKeeper(input.output, input.keepBytes, shelfOf(deps))
    try {
      return { sessionMs, runMs: await runBlock(runner, input, keeper, signal) }
    } finally {
      keeper.close()
    }
  }
}

interface PrefixRunner {
  readonly key: string
  readonly source: SampleSource
  /** position → index in the data set */
  readonly order: Uint32Array
  readonly base: RunMemory
  readonly float: RunMemory | null
}

/** Keeps the sessions and the data open from one block to the next: a chunk has several, and a sweep many chunks. */
class KeptRunner {
  readonly #deps: TaskDeps
  #runner: PrefixRunner | null = null

  constructor(deps: TaskDeps) {
    this.#deps = deps
  }

  /** @returns sessionMs: creating sessions just now */
  async open(input: PrefixInput): Promise<{ readonly runner: PrefixRunner; readonly sessionMs: number }> {
    const { model, reference, data, split, dataHash, seed, threads } = input
    const key = JSON.stringify([model, reference, data, split, dataHash, seed, threads])
    if (this.#runner?.key === key) return { runner: this.#runner, sessionMs: 0 }
    await this.#close()
    const { engine } = this.#deps
    const source = await this.#deps.openSamples(data, split, { knownHash: dataHash })
    const start = performance.now()
    const base = new RunMemory(await engine.createSession(model, { threads, optimization: 'disabled' }))
    const float = reference === null ? null : new RunMemory(await engine.createSession(reference, { threads }))
    const sessionMs = performance.now() - start
    this.#runner = { key, source, order: shuffledOrder(source.info.count, seed), base, float }
    return { runner: this.#runner, sessionMs }
  }

  async #close(): Promise<void> {
    const runner = this.#runner
    this.#runner = null
    await runner?.base.release()
    await runner?.float?.release()
    await runner?.source.close()
  }
}

/** @returns ms inside `session.run` */
async function runBlock(
  { source, order: shuffled, base, float }: PrefixRunner,
  input: PrefixInput,
  keeper: BlockKeeper,
  signal: AbortSignal,
): Promise<number> {
  const own = new Set(input.outputs)
  const frontier = new Set(input.frontier)
  const { inputs } = base.session
  const outputs = comparable((float ?? base).session.outputs).filter(({ name }) => own.has(name))
  const compared = new Set(outputs.map(({ name }) => name))
  const fetches = base.session.outputs
    .map(({ name }) => name)
    .filter((name) => frontier.has(name) || compared.has(name))
  const feeder = createFeeder(inputs, input.preprocess)
  const order = Uint32Array.from(input.positions, (position) => shuffled[position]!)
  const range = { start: 0, end: order.length }
  let classOutput: string | null = null
  let runMs = 0
  const request = { order, range, batch: input.batch, feeder, signal }
  for await (const { samples, feeds } of readBatches(source, request)) {
    const before = performance.now()
    const values = await base.run(feeds, fetches)
    const expected = float ? await float.run(feeds) : values
    runMs += performance.now() - before
    const reference = pick(expected, compared)
    const rows = feeder.fixedBatch ?? samples.length
    const [first] = rowsOf(reference, rows, samples.length)
    const lengths = new Map(Object.entries(first!).map(([name, row]) => [name, row.length]))
    const classes = classesOf(outputs, lengths, null)
    classOutput = classes?.output ?? null
    for (const sample of samples) checkLabel(sample, classes)
    const tensors = pick({ ...values, ...feeds }, frontier)
    const giveBack = (): void => {
      base.giveBack(values)
      float?.giveBack(expected)
    }
    keeper.add({ rows, samples, tensors, reference, giveBack })
  }
  keeper.finish(classOutput)
  return runMs
}

function pick(values: Feeds, names: ReadonlySet<string>): Feeds {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)))
}

function checkLabel({ name, label }: BlockSample, classes: { output: string; count: number } | null): void {
  if (label === null || classes === null || (label >= 0 && label < classes.count)) return
  throw new Fault(
    'data.labelOutOfRange',
    `Sample ${name} has label ${label}, but output '${classes.output}' has ${classes.count} classes (0 to ${classes.count - 1}). Check the labels.`,
    { sample: name, label, classes: classes.count },
  )
}
