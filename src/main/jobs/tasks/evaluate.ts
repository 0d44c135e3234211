import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { BatchReader, readBatches, type Batch, type BatchRequest, type SampleTag } from '../../data/batches.ts'
import { createFeeder, type Feeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import type { Engine, OptimizationLevel, Session } from '../../engines/port.ts'
import {
  EvaluationAccumulator,
  type EvaluationSpec,
  type EvaluationState,
  type SampleOutputs,
} from '../../quant/accumulator.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { classesOf, comparable, matchOutputs, type OutputMatch } from './outputs.ts'
import { rowsOf } from './rows.ts'

/** One worker's share of an evaluation. */
export interface EvaluateInput {
  readonly model: string
  /** the float model to compare with, null without one */
  readonly reference: string | null
  readonly data: DataSpec
  readonly split: DataSplit
  /** the data's hash where it is known: spares reading every file once more */
  readonly dataHash: string | null
  readonly seed: number
  /** positions of the shuffled order, of all shares together */
  readonly range: SampleRange
  readonly share: Share
  /** null for data that are tensors already */
  readonly preprocess: Preprocess | null
  readonly batch: number
  readonly threads: number
  readonly optimization: OptimizationLevel
  /** what runs the model; the reference always runs in ONNX Runtime */
  readonly engine: EvaluationEngine
  /** output that holds the class scores; found by its shape when null */
  readonly classOutput: string | null
}

/** What a model can be measured in: ONNX Runtime, or TensorFlow.js itself for its own files. */
export type EvaluationEngine = 'onnxruntime' | 'tfjs'

/** Part `index` of `count`. */
export interface Share {
  readonly index: number
  readonly count: number
}

export interface EvaluateOutput {
  readonly spec: EvaluationSpec
  readonly state: EvaluationState
  /** samples in a batch as run: the model's fixed batch, or the one asked for */
  readonly batch: number
  /** time inside `session.run` of the model, in ms */
  readonly modelMs: number
  readonly referenceMs: number
  /** time of the loop over all samples, in ms; what exceeds the two above is reading, preprocessing and metrics */
  readonly loopMs: number
}

/** A session with how its input is filled and how long it ran. */
interface Runner {
  readonly session: Session
  readonly feeder: Feeder
  readonly fetches: readonly string[]
  ms: number
}

/** Takes one sample's outputs of the model and, where there is one, the reference. */
type TakeRow = (tag: SampleTag, outputs: SampleOutputs, reference: SampleOutputs | null) => void

/** Evaluates a range of samples: model and reference run on the same batches, one row of metrics a sample. Null for an empty share. */
export function createEvaluateTask(deps: TaskDeps): Task<EvaluateInput, EvaluateOutput | null> {
  return async (input, context) => {
    const source = await deps.openSamples(input.data, input.split, { knownHash: input.dataHash ?? undefined })
    const runners: Runner[] = []
    try {
      const model = await openRunner(await engineOf(deps, input), input, input.model)
      runners.push(model)
      const reference = input.reference === null ? null : await openRunner(deps.engine, input, input.reference)
      if (reference) runners.push(reference)
      return await evaluate(source, model, reference, input, context)
    } finally {
      for (const { session } of runners) await session.release()
      await source.close()
    }
  }
}

async function engineOf(deps: TaskDeps, { engine }: EvaluateInput): Promise<Engine> {
  if (engine === 'onnxruntime') return deps.engine
  // loaded where it is asked for: TensorFlow takes seconds and 200 MB
  return (await import('../tfjs-engine.ts')).createTfjsEngine()
}

async function openRunner(engine: Engine, input: EvaluateInput, path: string): Promise<Runner> {
  const session = await engine.createSession(path, { threads: input.threads, optimization: input.optimization })
  try {
    const fetches = comparable(session.outputs).map(({ name }) => name)
    return { session, feeder: createFeeder(session.inputs, input.preprocess, { reuseBuffer: true }), fetches, ms: 0 }
  } catch (error) {
    await session.release()
    throw error
  }
}

async function evaluate(
  source: SampleSource,
  model: Runner,
  reference: Runner | null,
  input: EvaluateInput,
  context: TaskContext,
): Promise<EvaluateOutput | null> {
  const match = reference ? matchOutputs(model.session.outputs, reference.session.outputs) : null
  checkRange(input.range, source)
  const batch = model.feeder.fixedBatch ?? input.batch
  const range = rangeOf(input.share, input.range, lcm(batch, reference?.feeder.fixedBatch ?? batch))
  const total = range.end - range.start
  const order = shuffledOrder(source.info.count, input.seed)
  const start = performance.now()
  let accumulator: EvaluationAccumulator | null = null
  const take: TakeRow = (tag, outputs, referenceRow) => {
    const referenceOutputs = referenceRow && match ? renamed(referenceRow, match) : null
    accumulator ??= new EvaluationAccumulator(specOf(model, outputs, match, input.classOutput))
    checkLabel(tag, accumulator.spec)
    if (referenceOutputs) checkLengths(outputs, referenceOutputs)
    accumulator.add(tag.index, tag.label, outputs, referenceOutputs)
    context.onProgress({ stage: 'evaluate', done: accumulator.size, total, unit: 'samples' })
  }
  const request = { order, range, batch, signal: context.signal }
  if (reference && !takesSameFeeds(model, reference)) await runApart(source, model, reference, request, take)
  else await runTogether(source, model, reference, request, take)
  return outputOf(accumulator, batch, model, reference, start)
}

function outputOf(
  accumulator: EvaluationAccumulator | null,
  batch: number,
  model: Runner,
  reference: Runner | null,
  start: number,
): EvaluateOutput | null {
  return (
    accumulator && {
      spec: accumulator.spec,
      state: accumulator.state(),
      batch,
      modelMs: model.ms,
      referenceMs: reference?.ms ?? 0,
      loopMs: performance.now() - start,
    }
  )
}

/**
 * The positions of a share. Shares meet at multiples of `alignment` from the start of the whole range, so that every batch holds
 * the same samples whatever the number of shares. Shares can be empty.
 */
export function rangeOf({ index, count }: Share, range: SampleRange, alignment: number): SampleRange {
  const blocks = Math.ceil((range.end - range.start) / alignment)
  const at = (i: number): number => Math.min(range.end, range.start + Math.floor((i * blocks) / count) * alignment)
  return { start: at(index), end: at(index + 1) }
}

function checkRange({ start, end }: SampleRange, { info }: SampleSource): void {
  if (start >= 0 && end <= info.count) return
  throw new Fault(
    'usage.range',
    `The range ${start}:${end} does not fit: the ${info.split} split has ${info.count} samples.`,
    { count: info.count },
  )
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return (a / x) * b
}

/** Both models take the same batches: samples are read and prepared once. */
async function runTogether(
  source: SampleSource,
  model: Runner,
  reference: Runner | null,
  request: Omit<BatchRequest, 'feeder'>,
  take: TakeRow,
): Promise<void> {
  const reader = new BatchReader(source, { ...request, feeder: model.feeder })
  for (;;) {
    const next = reader.next()
    const batch = next instanceof Promise ? await next : next
    if (batch === null) return
    const rows = await runBatch(model, batch)
    const referenceRows = reference ? await runBatch(reference, batch) : null
    for (let i = 0; i < rows.length; i++) take(batch.samples[i]!, rows[i]!, referenceRows?.[i] ?? null)
  }
}

/** The models take different batches: each reads for itself, and rows are paired by their order. */
async function runApart(
  source: SampleSource,
  model: Runner,
  reference: Runner,
  request: Omit<BatchRequest, 'feeder'>,
  take: TakeRow,
): Promise<void> {
  const references = inferRows(reference, readBatches(source, { ...request, feeder: reference.feeder }))
  for await (const batch of readBatches(source, { ...request, feeder: model.feeder })) {
    const rows = await runBatch(model, batch)
    for (let i = 0; i < rows.length; i++) {
      const next = await references.next()
      if (next.done) throw new Error('the reference gave fewer rows than the model')
      take(batch.samples[i]!, rows[i]!, next.value)
    }
  }
}

async function* inferRows(runner: Runner, batches: AsyncIterable<Batch>): AsyncGenerator<SampleOutputs, void, void> {
  for await (const batch of batches) yield* await runBatch(runner, batch)
}

async function runBatch(runner: Runner, { feeds, samples }: Batch): Promise<SampleOutputs[]> {
  const start = performance.now()
  const outputs = await runner.session.run(feeds, runner.fetches)
  runner.ms += performance.now() - start
  return rowsOf(outputs, runner.feeder.fixedBatch ?? samples.length, samples.length)
}

function takesSameFeeds(a: Runner, b: Runner): boolean {
  if (a.feeder.fixedBatch !== b.feeder.fixedBatch) return false
  const shapeOf = ({ session }: Runner): string =>
    JSON.stringify(
      session.inputs.map(({ name, dataType, shape }) => [
        name,
        dataType,
        shape?.map((dim) => (typeof dim === 'number' ? dim : null)),
      ]),
    )
  return shapeOf(a) === shapeOf(b)
}

function specOf(
  model: Runner,
  outputs: SampleOutputs,
  match: readonly OutputMatch[] | null,
  classOutput: string | null,
): EvaluationSpec {
  const lengths = new Map(Object.entries(outputs).map(([name, values]) => [name, values.length]))
  const classes = classesOf(model.session.outputs, lengths, classOutput)
  return {
    outputs: match?.map(({ model: name }) => name) ?? [],
    classOutput: classes?.output ?? null,
    classes: classes?.count ?? 0,
  }
}

/** The reference's outputs under the model's names. */
function renamed(outputs: SampleOutputs, match: readonly OutputMatch[]): SampleOutputs {
  return Object.fromEntries(match.map(({ model, reference }) => [model, outputs[reference]!]))
}

function checkLengths(model: SampleOutputs, reference: SampleOutputs): void {
  for (const [name, values] of Object.entries(reference)) {
    const own = model[name]!.length
    if (own === values.length) continue
    const sentence = `Output '${name}' has ${own} values a sample in the model and ${values.length} in the reference.`
    throw new Fault('model.outputsDiffer', `${sentence} Compare with the float model it was made from.`, {
      tensor: name,
    })
  }
}

function checkLabel({ name, label }: SampleTag, { classOutput, classes }: EvaluationSpec): void {
  if (label === null || classOutput === null || (label >= 0 && label < classes)) return
  const sentence = `Sample ${name} has label ${label}, but output '${classOutput}' has ${classes} classes (0 to ${classes - 1}).`
  throw new Fault('data.labelOutOfRange', `${sentence} Check the labels, or name the class output.`, {
    sample: name,
    label,
    classes,
  })
}
