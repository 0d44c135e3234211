import type { EngineTensor, Feeds } from '../../engines/port.ts'
import type { TaskDeps } from './deps.ts'
import {
  BlockWriter,
  type Block,
  type BlockBatch,
  type BlockSample,
  type BlockTensor,
  type OpenBlock,
} from './frontier-block.ts'

/** One batch of a block as a session gave it. */
export interface BatchValues {
  readonly rows: number
  readonly samples: readonly BlockSample[]
  /** what suffixes read, by name */
  readonly tensors: Feeds
  /** outputs of the float model */
  readonly reference: Feeds
  /** called once, when nobody reads these any more */
  readonly giveBack: () => void
}

/** Takes a block batch by batch: into memory as long as it fits, else, and all that was there, into its folder. */
export class BlockKeeper {
  readonly #block: Block
  readonly #budget: number
  readonly #shelf: BlockShelf
  #batches: BatchValues[] = []
  #bytes = 0
  #writer: BlockWriter | null = null

  /**
   * @param budget bytes of memory; 0 where other processes read the block
   * @param shelf where it lies for the tasks that follow in this process; what lay there before is gone
   */
  constructor(block: Block, budget: number, shelf: BlockShelf) {
    this.#block = block
    this.#budget = budget
    this.#shelf = shelf
    shelf.clear()
  }

  /** @throws Fault file.diskFull and the like */
  add(batch: BatchValues): void {
    this.#bytes += bytesOf(batch.tensors) + bytesOf(batch.reference)
    if (this.#writer === null && this.#bytes <= this.#budget) return void this.#batches.push(batch)
    this.#writer ??= new BlockWriter(this.#block.folder)
    for (const each of [...this.#batches, batch]) {
      this.#writer.add(each.rows, each.samples, each.tensors, each.reference)
      each.giveBack()
    }
    this.#batches = []
  }

  /** The block is whole. @throws as `add` */
  finish(classOutput: string | null): void {
    if (this.#writer) this.#writer.finish(classOutput)
    else this.#shelf.put(this.#block, this.#batches, classOutput)
    this.#batches = []
  }

  /** Ends what `finish` has not. */
  close(): void {
    this.#writer?.close()
    this.#batches.forEach(({ giveBack }) => giveBack())
  }
}

/** The block that a process holds in memory, for the tasks that follow in it: one at a time. */
export class BlockShelf {
  #filling = ''
  #batches: readonly BatchValues[] = []
  #open: OpenBlock | null = null

  put({ filling }: Block, batches: readonly BatchValues[], classOutput: string | null): void {
    const kept: EngineTensor[] = []
    const place = (tensors: Feeds): BlockBatch['tensors'] =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => {
          const { dims, dataType, data } = tensor
          return [name, { offset: kept.push(tensor) - 1, bytes: data.byteLength, dims, dataType }]
        }),
      )
    const index = {
      batches: batches.map(({ rows, samples, tensors, reference }) => ({
        rows,
        samples,
        tensors: place(tensors),
        reference: place(reference),
      })),
      classOutput,
    }
    this.#filling = filling
    this.#batches = batches
    this.#open = { index, read: ({ offset }: BlockTensor) => kept[offset]!, close: () => {} }
  }

  /** Null where another process holds it, or its file does. */
  find({ filling }: Block): OpenBlock | null {
    return this.#filling === filling ? this.#open : null
  }

  clear(): void {
    this.#batches.forEach(({ giveBack }) => giveBack())
    this.#batches = []
    this.#filling = ''
    this.#open = null
  }
}

const shelves = new WeakMap<object, BlockShelf>()

/** The shelf of a process, by what its tasks are made with. */
export function shelfOf({ engine }: Pick<TaskDeps, 'engine'>): BlockShelf {
  const known = shelves.get(engine)
  if (known) return known
  const shelf = new BlockShelf()
  shelves.set(engine, shelf)
  return shelf
}

function bytesOf(tensors: Feeds): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0)
}
