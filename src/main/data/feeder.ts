import type { Preprocess } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import type { EngineTensor, Feeds, TypedArray } from '../engines/port.ts'
import { rowsOf } from './batch-rows.ts'
import { elementCount } from '../graph/tensors.ts'
import { createInputFiller } from './input-filler.ts'
import type { Sample } from './port.ts'
import { createTensorFeeder } from './tensor-feeder.ts'

/** Turns samples into what a session runs on. */
export interface Feeder {
  /** the batch length the model fixes (usually 1), null where the model leaves it open */
  readonly fixedBatch: number | null
  /** Work that need not wait for its batch: resizing. Gives the sample to hand to `toFeeds`. */
  readonly prepare: (sample: Sample) => Sample | Promise<Sample>
  /**
   * One batch of prepared samples, at least 1 and at most `fixedBatch`. Where the model fixes a longer batch than there are
   * samples, the last sample fills the rest: only the first `samples.length` rows of the outputs count.
   * @throws Fault data.shapeMismatch when a sample does not fit the model or the others of the batch
   */
  toFeeds(samples: readonly Sample[]): Feeds
}

export interface FeederOptions {
  /** One buffer serves all batches: feeds hold only until the next `toFeeds`. Spares small models much of their overhead. */
  readonly reuseBuffer?: boolean
}

/**
 * The feeder for a model's inputs: pictures through the preprocessing, arrays as they are.
 * @param preprocess null for arrays (npz); pictures need one
 * @throws Fault data.shapeMismatch when pictures cannot fill the inputs
 */
export function createFeeder(
  inputs: readonly ValueSpec[],
  preprocess: Preprocess | null,
  options: FeederOptions = {},
): Feeder {
  return preprocess === null ? createTensorFeeder(inputs) : createPictureFeeder(inputs, preprocess, options)
}

function createPictureFeeder(
  inputs: readonly ValueSpec[],
  preprocess: Preprocess,
  { reuseBuffer = false }: FeederOptions,
): Feeder {
  const input = inputs[0]
  if (!input || inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ')
    throw new Fault(
      'data.shapeMismatch',
      `The model has ${inputs.length} inputs (${names}), and pictures fill only one. Use npz:FILE.`,
    )
  }
  const filler = createInputFiller(preprocess, input)
  let last: TypedArray | null = null
  const bufferOf = (elements: number): TypedArray => {
    if (!reuseBuffer) return filler.allocate(elements)
    if (last?.length !== elements) last = filler.allocate(elements)
    return last
  }
  const feedsOf = (rows: number, dims: readonly number[], data: TypedArray): Feeds => {
    const tensor: EngineTensor = { dataType: filler.dataType, dims: [rows, ...dims], data }
    return { [input.name]: tensor }
  }
  let feeds: { readonly data: TypedArray; readonly dims: readonly number[]; readonly made: Feeds } | null = null
  return {
    fixedBatch: filler.fixedBatch,
    prepare: filler.prepare,
    toFeeds: (samples) => {
      const rows = rowsOf(samples, filler.fixedBatch)
      const dims = filler.dimsOf(rows[0]!)
      const length = elementCount(dims)
      const data = bufferOf(rows.length * length)
      for (let row = 0; row < rows.length; row++) {
        const sample = rows[row]!
        if (row > 0) checkDims(rows[0]!, dims, sample, filler.dimsOf(sample))
        filler.fill(sample, data, row * length)
      }
      if (feeds === null || feeds.data !== data || feeds.dims !== dims)
        feeds = { data, dims, made: feedsOf(rows.length, dims, data) }
      return feeds.made
    },
  }
}

/** @throws Fault data.shapeMismatch when two pictures of a batch have different sizes */
function checkDims(first: Sample, dims: readonly number[], other: Sample, own: readonly number[]): void {
  if (own.every((dim, axis) => dim === dims[axis])) return
  const found = `${first.name} gives [${dims.join(',')}], ${other.name} [${own.join(',')}]`
  const todo = 'Set "resize" or "crop" in the preprocessing, or use --batch 1.'
  throw new Fault('data.shapeMismatch', `The pictures of one batch have different sizes: ${found}. ${todo}`, {
    sample: other.name,
  })
}
