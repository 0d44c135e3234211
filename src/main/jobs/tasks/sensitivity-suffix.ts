import path from 'node:path'
import type { Engine, Feeds, Session } from '../../engines/port.ts'
import { joined } from '../../graph/joined.ts'
import type { FrontierTensor } from '../../search/cuts.ts'
import { fillRow, referenceSample, ROW_LENGTH, type ReferenceSample } from '../../search/sample-rows.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { BlockReader, type Block, type BlockBatch, type OpenBlock } from './frontier-block.ts'
import { shelfOf } from './kept-block.ts'
import { rowsOf } from './rows.ts'

export interface SuffixInput {
  readonly suffix: string
  readonly frontier: readonly FrontierTensor[]
  /** size of the suffix's file, without the constants that it shares */
  readonly sizeBytes: number
  /** those that make up the samples, in order */
  readonly blocks: readonly Block[]
  readonly threads: number
  /** bytes of frontier tensors kept in this process */
  readonly memoryBytes: number
}

export interface SuffixOutput {
  /** `[samples, ROW_LENGTH]` */
  readonly rows: Float64Array
  /** creating sessions and releasing them */
  readonly sessionMs: number
  /** inside `session.run` */
  readonly runMs: number
}

/** What the sessions kept open in a worker may weigh. */
const SESSION_BYTES = 640 * 2 ** 20

/**
 * About what a session takes in memory: its own constants, which kernels copy, the arena that its activations need, and itself. All suffixes
 * of a MobileNetV2 at 224×224 take 510 to 570 MiB, of a ResNet-18 150 to 180.
 */
function sessionBytes({ sizeBytes, frontier }: SuffixInput, { index }: OpenBlock): number {
  const tensors = index.batches[0]!.tensors
  const fed = frontier.reduce((sum, { tensor }) => sum + tensors[tensor]!.bytes, 0)
  return 2 * sizeBytes + 4 * fed + 4 * 2 ** 20
}

/** Runs one suffix over what the base left of some samples, and compares with the float model's outputs. @throws Fault engine.* */
export function createSensitivitySuffixTask({ engine }: Pick<TaskDeps, 'engine'>): Task<SuffixInput, SuffixOutput> {
  const sessions = new SessionShelf(engine)
  const references = new References()
  const shelf = shelfOf({ engine })
  let reader: { readonly bytes: number; readonly blocks: BlockReader } | null = null
  return async (input, { signal }) => {
    if (reader?.bytes !== input.memoryBytes)
      reader = { bytes: input.memoryBytes, blocks: new BlockReader(input.memoryBytes) }
    const { blocks } = reader
    const open = (block: Block): OpenBlock => shelf.find(block) ?? blocks.open(block)
    const first = open(input.blocks[0]!)
    const start = performance.now()
    const lent = await sessions.take(input, sessionBytes(input, first))
    let sessionMs = performance.now() - start
    const parts: BlockRows[] = []
    try {
      for (const from of input.blocks) {
        const block = open(from)
        try {
          parts.push(await runBlock(lent.session, input, { block, reader: blocks, references, signal }))
        } finally {
          block.close()
        }
      }
    } finally {
      const end = performance.now()
      await lent.giveBack()
      sessionMs += performance.now() - end
    }
    const runMs = parts.reduce((sum, part) => sum + part.runMs, 0)
    const rows = parts.map((part) => part.rows)
    return { rows: rows.length === 1 ? rows[0]! : joined(Float64Array, rows), sessionMs, runMs }
  }
}

interface BlockRows {
  /** `[samples, ROW_LENGTH]` */
  readonly rows: Float64Array
  readonly runMs: number
}

interface BlockRun {
  readonly block: OpenBlock
  readonly reader: BlockReader
  readonly references: References
  readonly signal: AbortSignal
}

async function runBlock(
  session: Session,
  { frontier }: SuffixInput,
  { block, reader, references, signal }: BlockRun,
): Promise<BlockRows> {
  const { batches } = block.index
  const rows = new Float64Array(batches.reduce((sum, { samples }) => sum + samples.length, 0) * ROW_LENGTH)
  const fetches = Object.keys(batches[0]!.reference)
  let done = 0
  let runMs = 0
  for (const batch of batches) {
    signal.throwIfAborted()
    reader.beginBatch()
    const { tensors, rows: fed, samples } = batch
    const feeds: Record<string, Feeds[string]> = {}
    for (const { input, tensor } of frontier) feeds[input] = block.read(tensors[tensor]!)
    const float = references.of(block, batch)
    const before = performance.now()
    const outputs = await session.run(feeds, fetches)
    runMs += performance.now() - before
    const own = rowsOf(outputs, fed, samples.length)
    for (let i = 0; i < samples.length; i++) fillRow(rows, done++, float[i]!, own[i]!)
  }
  return { rows, runMs }
}

/** What every variant is compared with, kept as long as the index of its block: working it out takes longer than comparing. */
class References {
  readonly #known = new WeakMap<BlockBatch, readonly ReferenceSample[]>()

  of(block: OpenBlock, batch: BlockBatch): readonly ReferenceSample[] {
    const known = this.#known.get(batch)
    if (known) return known
    const made = this.#make(block, batch)
    if (block.index.classOutput !== null) this.#known.set(batch, made)
    return made
  }

  #make({ index, read }: OpenBlock, { reference, rows, samples }: BlockBatch): ReferenceSample[] {
    const expected: Record<string, Feeds[string]> = {}
    for (const name in reference) {
      const tensor = read(reference[name]!)
      expected[name] = { ...tensor, data: tensor.data.slice() } // what is read stands for one batch only
    }
    return rowsOf(expected, rows, samples.length).map((outputs, i) =>
      referenceSample(outputs, index.classOutput, samples[i]!.label),
    )
  }
}

/** Keeps sessions open up to a budget: the first that fit stay, since layers come round in the same order again and again. */
class SessionShelf {
  readonly #engine: Engine
  readonly #kept = new Map<string, Session>()
  #folder = ''
  #bytes = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** @param bytes what the session takes in memory */
  async take(
    { suffix, threads }: SuffixInput,
    bytes: number,
  ): Promise<{ session: Session; giveBack: () => Promise<void> }> {
    await this.#clearOthers(path.dirname(suffix))
    const known = this.#kept.get(suffix)
    if (known) return { session: known, giveBack: async () => {} }
    const session = await this.#engine.createSession(suffix, { threads, optimization: 'disabled' })
    if (this.#bytes + bytes > SESSION_BYTES) return { session, giveBack: () => session.release() }
    this.#bytes += bytes
    this.#kept.set(suffix, session)
    return { session, giveBack: async () => {} }
  }

  /** Another job's sessions are of no use any more. */
  async #clearOthers(folder: string): Promise<void> {
    if (folder === this.#folder) return
    for (const session of this.#kept.values()) await session.release()
    this.#kept.clear()
    this.#bytes = 0
    this.#folder = folder
  }
}
