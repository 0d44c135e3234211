import type { SamplePreview } from '../../../../shared/contract/api/data.ts'
import type { LinearHistogram } from '../../../../shared/contract/api/models.ts'
import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../../shared/contract/data.ts'
import type { ValueSpec } from '../../../../shared/contract/tensor.ts'
import { createFeeder } from '../../../data/feeder.ts'
import { shuffledOrder } from '../../../data/order.ts'
import { encodePng } from '../../../data/png.ts'
import type { Picture, Sample } from '../../../data/port.ts'
import type { EngineTensor } from '../../../engines/port.ts'
import { joined } from '../../../graph/joined.ts'
import { histogramOf } from '../../desk/linear-histogram.ts'
import type { Task } from '../../worker-host.ts'
import type { TaskDeps } from '../deps.ts'

export interface PreviewDataInput {
  readonly inputs: readonly ValueSpec[]
  readonly data: DataSpec
  readonly dataHash: string
  readonly split: DataSplit
  readonly seed: number
  readonly range: SampleRange
  readonly preprocess: Preprocess | null
  readonly classes: readonly string[] | null
}

export interface PreviewDataOutput {
  readonly samples: readonly SamplePreview[]
  readonly input: string
  readonly histogram: LinearHistogram
}

/** Longer side of a picture as it is shown; larger ones are made smaller. */
const SHOWN_PIXELS = 160
const BINS = 64

/** Reads a few samples and feeds them as a session would be fed. @throws Fault data.*, file.* */
export function createPreviewDataTask(deps: Pick<TaskDeps, 'openSamples'>): Task<PreviewDataInput, PreviewDataOutput> {
  return async (request, { signal }) => {
    const source = await deps.openSamples(request.data, request.split, { knownHash: request.dataHash, signal })
    try {
      const feeder = createFeeder(request.inputs, request.preprocess)
      const order = shuffledOrder(source.info.count, request.seed)
      const samples: SamplePreview[] = []
      const values: Float32Array[] = []
      let input = request.inputs[0]?.name ?? ''
      for (let position = request.range.start; position < request.range.end; position++) {
        signal.throwIfAborted()
        const sample = await source.read(order[position]!)
        const feeds = feeder.toFeeds([await feeder.prepare(sample)])
        const fed = fedInput(feeds, request.inputs)
        if (fed === null) continue
        input = fed.name
        values.push(fed.values)
        samples.push(await previewOf(sample, position, fed, request))
      }
      return { samples, input, histogram: histogramOf(joined(Float32Array, values), BINS) }
    } finally {
      await source.close()
    }
  }
}

interface Fed {
  readonly name: string
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** The largest input: the picture, where a model has small ones beside it. A model's fixed batch is cut to the one sample. */
function fedInput(feeds: Readonly<Record<string, EngineTensor>>, inputs: readonly ValueSpec[]): Fed | null {
  const found = inputs.flatMap(({ name }) => (feeds[name] ? [{ name, tensor: feeds[name] }] : []))
  found.sort((a, b) => b.tensor.data.length - a.tensor.data.length)
  const [first] = found
  if (!first) return null
  const { dims, data } = first.tensor
  const length = data.length / (dims[0] || 1)
  return {
    name: first.name,
    dims: dims.slice(1),
    values: Float32Array.from(data.subarray(0, length) as ArrayLike<number>, Number),
  }
}

async function previewOf(
  sample: Sample,
  position: number,
  fed: Fed,
  request: PreviewDataInput,
): Promise<SamplePreview> {
  const { index, label, name, content } = sample
  const { low, high } = histogramOf(fed.values, 1)
  const after = request.preprocess === null ? null : drawn(fed, request.preprocess, low, high)
  return {
    position,
    index,
    name,
    label,
    className: label === null ? null : (request.classes?.[label] ?? null),
    before: content.kind === 'picture' ? await encodePng(content, SHOWN_PIXELS) : null,
    after: after && (await encodePng(after, SHOWN_PIXELS)),
    min: low,
    max: high,
    mean: fed.values.reduce((sum, value) => sum + value, 0) / Math.max(1, fed.values.length),
  }
}

/** The model's input as a picture: its values stretched over 0–255, in the order red, green, blue. Null where it is none. */
function drawn(
  { dims, values }: Fed,
  { layout, channels: order }: Preprocess,
  low: number,
  high: number,
): Picture | null {
  if (dims.length !== 3) return null
  const [first, second, third] = dims as [number, number, number]
  const [channels, height, width] = layout === 'NCHW' ? [first, second, third] : [third, first, second]
  if (channels !== 1 && channels !== 3) return null
  const scale = high > low ? 255 / (high - low) : 0
  const pixels = new Uint8Array(height * width * channels)
  for (let c = 0; c < channels; c++) {
    const target = order === 'bgr' ? channels - 1 - c : c
    for (let i = 0; i < height * width; i++) {
      const value = layout === 'NCHW' ? values[c * height * width + i]! : values[i * channels + c]!
      pixels[i * channels + target] = Math.round((value - low) * scale)
    }
  }
  return { kind: 'picture', height, width, channels, pixels }
}
