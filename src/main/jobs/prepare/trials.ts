import { Fault, familyOf, isFault } from '../../../shared/contract/fault.ts'
import type { Engine, Feeds, Session } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { withSession } from './open-session.ts'
import {
  batchAxis,
  candidateShapes,
  FEED_KINDS,
  fedInputs,
  makeFeeds,
  type FeedKind,
  type InputShapes,
} from './sample-feeds.ts'

/** One input the original was run on, and what it gave. */
export interface Trial {
  /** what it is, in words */
  readonly name: string
  readonly feeds: Feeds
  readonly expected: Feeds
}

export interface Trials {
  readonly list: readonly Trial[]
  /** input dims with one sample */
  readonly one: InputShapes
  /** and with two, where the batch is open and the model takes them */
  readonly two: InputShapes | null
}

export interface TrialOptions {
  readonly engine: Engine
  readonly signal?: AbortSignal
  readonly sourcePath?: string
  readonly given: Readonly<Record<string, readonly number[]>>
  /** only sizes are wanted, not results to compare */
  readonly quick: boolean
}

const SEED = 20260101

/**
 * Finds input dims that the original model runs on, and runs it on each kind of input: with one sample, and the second kind
 * with two where the batch is open.
 * @throws Fault model.noInputShape when it runs on none of the sizes tried; engine.* when it cannot be loaded at all
 */
export async function findTrials(source: Model, options: TrialOptions): Promise<Trials> {
  return withSession(options.engine, options.sourcePath ?? source, async (session) => {
    const { shapes: one, trial: first } = await firstThatRuns(session, source, options)
    const two = await withTwoSamples(session, source, one, options.given)
    const list = [first]
    for (const kind of options.quick ? [] : FEED_KINDS.slice(1)) {
      options.signal?.throwIfAborted()
      list.push(await tryOn(session, source, two !== null && kind === 'unit' ? two : one, kind))
    }
    return { list, one, two }
  })
}

async function firstThatRuns(
  session: Session,
  source: Model,
  { given, signal }: TrialOptions,
): Promise<{ shapes: InputShapes; trial: Trial }> {
  const candidates = candidateShapes(source, 1, given)
  let failure: Fault | null = null
  for (const shapes of candidates) {
    signal?.throwIfAborted()
    try {
      return { shapes, trial: await tryOn(session, source, shapes, FEED_KINDS[0]) }
    } catch (error) {
      if (!isFault(error) || familyOf(error.code) !== 'engine' || error.code === 'engine.unsupportedType') throw error
      failure ??= error
    }
  }
  if (candidates.length === 1) throw failure!
  throw new Fault(
    'model.noInputShape',
    `The model runs on none of the input sizes tried for its open axes; with ${describe(candidates[0]!)}: ${failure!.message} Export it with fixed input sizes.`,
    { inputs: fedInputs(source).map((input) => input.name) },
    { cause: failure },
  )
}

async function withTwoSamples(
  session: Session,
  source: Model,
  one: InputShapes,
  given: TrialOptions['given'],
): Promise<InputShapes | null> {
  const batch = batchAxis(source)
  if (batch === null || Object.keys(given).length > 0) return null
  const two = new Map(
    fedInputs(source).map(({ name, shape }) => [
      name,
      one.get(name)!.map((length, axis) => (isBatch(shape?.[axis], axis, batch.symbol) ? 2 : length)),
    ]),
  )
  try {
    await tryOn(session, source, two, FEED_KINDS[0])
    return two
  } catch (error) {
    // a batch that is open in name only: exporters write a symbol and bake a 1 into a Reshape
    if (isFault(error) && familyOf(error.code) === 'engine') return null
    throw error
  }
}

function isBatch(dim: number | string | null | undefined, axis: number, symbol: string | null): boolean {
  return symbol === null ? axis === 0 && typeof dim !== 'number' : dim === symbol
}

async function tryOn(session: Session, source: Model, shapes: InputShapes, kind: FeedKind): Promise<Trial> {
  const feeds = makeFeeds(source, shapes, kind, SEED)
  const fetches = source.graph.outputs.map((output) => output.name)
  return { name: `${kind} inputs of ${describe(shapes)}`, feeds, expected: await session.run(feeds, fetches) }
}

function describe(shapes: InputShapes): string {
  return [...shapes].map(([name, dims]) => `${name} [${dims.join(', ')}]`).join(', ')
}
