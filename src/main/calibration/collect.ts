import { Fault } from '../../shared/contract/fault.ts'
import type { OnProgress } from '../../shared/contract/progress.ts'
import type { EngineTensor, Feeds, Session } from '../engines/port.ts'
import type { Collection } from './collection.ts'
import { phaseOf, withPhase, type Probe, type ProbePlan } from './instrument.ts'
import { boundsOfRows, TensorObserver, type BatchBounds } from './observer.ts'

/** A batch of samples in the order of the calibration. */
export interface CalibrationBatch {
  /** position of its first sample */
  readonly start: number
  /** the samples, for messages; tensors may hold more rows than these (a fixed batch that was filled up), which do not count */
  readonly samples: readonly { readonly name: string }[]
  readonly feeds: Feeds
}

export interface CollectOptions {
  /** looked at before every batch */
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
  /** samples expected, for the progress */
  readonly total?: number
}

/**
 * Runs an instrumented model over batches and gathers the statistics of its probes. What it holds does not grow with the samples.
 * @throws Fault data.nonFiniteActivation naming tensor and sample; data.empty without any sample; the signal's reason when aborted
 */
export async function collect(
  session: Session,
  plan: ProbePlan,
  batches: AsyncIterable<CalibrationBatch>,
  options: CollectOptions = {},
): Promise<Collection> {
  const observers = plan.probes.map(({ tensor, stride }) => new TensorObserver(tensor, stride))
  let samples = 0
  for await (const batch of batches) {
    options.signal?.throwIfAborted()
    const outputs = await session.run(withPhase(batch.feeds, plan, batch.start), plan.fetches)
    for (let i = 0; i < observers.length; i++) {
      if (observe(observers[i]!, plan.probes[i]!, batch, outputs)) continue
      throw nonFinite(plan.probes[i]!, await findSample(session, plan, plan.probes[i]!, batch))
    }
    samples += batch.samples.length
    options.onProgress?.({ stage: 'calibrate', done: samples, total: options.total ?? null, unit: 'samples' })
  }
  if (samples === 0)
    throw new Fault('data.empty', 'There is no sample to calibrate on. Give a range with at least one sample.')
  const tensors = new Map(observers.map((observer) => [observer.name, observer.statistics()]))
  return { samples, elementsPerSample: plan.elementsPerSample, tensors }
}

/** False when the tensor holds a NaN or an infinity. */
function observe(observer: TensorObserver, probe: Probe, batch: CalibrationBatch, outputs: Feeds): boolean {
  const tensor = probe.source === 'feed' ? batch.feeds[probe.elements] : outputs[probe.elements]
  const elements = validElements(floatsOf(tensor, probe), tensor!, probe, batch)
  if (elements.length === 0) return true
  const bounds = probe.bounds
    ? boundsOfOutputs(probe.bounds, outputs, batch)
    : boundsOfElements(elements, tensor!, batch)
  if (!observer.addBounds(bounds)) return false
  if (probe.thinned) return observer.addElements(elements)
  return observer.addElements(elements, phaseOf(batch.start) % probe.stride, probe.stride)
}

function floatsOf(tensor: EngineTensor | undefined, probe: Probe): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data
  throw new Error(
    `${probe.tensor}: the run gave ${tensor?.dataType ?? 'nothing'} for ${probe.elements}, expected float`,
  )
}

/** Rows the feeds hold: as many as there are samples, or more where a fixed batch was filled up. */
function fedRows(batch: CalibrationBatch): number {
  const [first] = Object.values(batch.feeds)
  return first?.dims[0] ?? 1
}

/** The elements without those of rows that only fill a fixed batch. */
function validElements(
  values: Float32Array,
  tensor: EngineTensor,
  probe: Probe,
  batch: CalibrationBatch,
): Float32Array {
  const rows = fedRows(batch)
  if (rows <= batch.samples.length) return values
  const share = batch.samples.length / rows
  if (!probe.thinned) return tensor.dims[0] === rows ? values.subarray(0, values.length * share) : values
  if (probe.length === null) return values
  const start = phaseOf(batch.start) % probe.stride
  return values.subarray(0, Math.max(0, Math.ceil((probe.length * share - start) / probe.stride)))
}

function boundsOfElements(elements: Float32Array, tensor: EngineTensor, batch: CalibrationBatch): BatchBounds {
  return boundsOfRows(elements, tensor.dims[0] === fedRows(batch) ? batch.samples.length : 1)
}

function boundsOfOutputs(
  { min, max, channels }: NonNullable<Probe['bounds']>,
  outputs: Feeds,
  batch: CalibrationBatch,
): BatchBounds {
  const low = outputs[min]!
  const high = outputs[max]!
  const rows = low.dims[0] ?? 1
  const perRow = low.data.length / rows
  const valid = rows === fedRows(batch) ? batch.samples.length : rows
  const data = { min: low.data as Float32Array, max: high.data as Float32Array }
  if (channels) return { ...data, observations: valid, channels: perRow }
  return { ...data, observations: valid, channels: 1 }
}

/** The sample of a batch that makes a tensor non-finite: its samples are run one by one where the model allows it. */
async function findSample(session: Session, plan: ProbePlan, probe: Probe, batch: CalibrationBatch): Promise<string> {
  const { samples } = batch
  const all = samples.length === 1 ? samples[0]!.name : `${samples[0]!.name} … ${samples.at(-1)!.name}`
  if (samples.length === 1) return all
  for (let row = 0; row < samples.length; row++) {
    const alone = oneRow(batch, row)
    const outputs = await session.run(withPhase(alone.feeds, plan, batch.start), plan.fetches).catch(() => null)
    if (outputs === null) return all
    if (!observe(new TensorObserver(probe.tensor, probe.stride), probe, alone, outputs)) return samples[row]!.name
  }
  return all
}

function oneRow(batch: CalibrationBatch, row: number): CalibrationBatch {
  const rows = fedRows(batch)
  const feeds = Object.entries(batch.feeds).map(([name, tensor]): [string, EngineTensor] => {
    if (tensor.dims[0] !== rows) return [name, tensor]
    const length = tensor.data.length / rows
    return [
      name,
      { ...tensor, dims: [1, ...tensor.dims.slice(1)], data: tensor.data.slice(row * length, (row + 1) * length) },
    ]
  })
  return { start: batch.start + row, samples: [batch.samples[row]!], feeds: Object.fromEntries(feeds) }
}

function nonFinite({ tensor, source }: Probe, sample: string): Fault {
  const found = source === 'feed' ? `The input '${tensor}'` : `The tensor '${tensor}'`
  const todo =
    source === 'feed'
      ? 'Check the sample and the preprocessing.'
      : 'Check the sample, the preprocessing and the weights before it.'
  return new Fault(
    'data.nonFiniteActivation',
    `${found} holds NaN or infinite values for the sample ${sample}, so it has no range. ${todo}`,
    {
      tensor,
      sample,
    },
  )
}
