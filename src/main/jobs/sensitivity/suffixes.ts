import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrontierTensor } from '../../search/cuts.ts'
import type { Seat } from '../pool.ts'
import type { Services } from '../services.ts'
import { applyPlan, readyPlan, type Study } from '../study.ts'
import { together } from '../together.ts'
import type { Block } from '../tasks/frontier-block.ts'
import type { CutInput, CutOutput, ExposeInput } from '../tasks/sensitivity-cut.ts'
import { optimizedBasePath } from '../tasks/sensitivity-cut.ts'
import type { PrefixInput, PrefixOutput } from '../tasks/sensitivity-prefix.ts'
import type { SuffixInput, SuffixOutput } from '../tasks/sensitivity-suffix.ts'
import type { SampleSettings, Variant, VariantGroup } from './variants.ts'
import { removeFolder } from '../work-folder.ts'
import { runDurably } from './run-durably.ts'

/** Samples of one run of the base where workers share it: the unit in which it is spread over them, the same for any number. */
const BLOCK = 16

interface Prepared {
  readonly path: string
  readonly cut: CutOutput
}

/** What the base left of a chunk. */
export interface PrefixBlocks {
  readonly samples: number
  readonly blocks: readonly Block[]
  /** where the blocks lie on disk, if they do */
  readonly place: string
  /** the worker that holds them in its memory; null where all read them from disk */
  readonly seat: Seat | null
}

/** Bytes of memory that cached tensors may take. */
export interface TensorMemory {
  /** of what a worker has read from disk */
  readonly readBytes: number
  /** of a block that a worker holds for itself; larger ones go to disk */
  readonly heldBytes: number
}

/** Where the time of a sweep went, in ms over all workers. */
export interface SweepTime {
  /** creating sessions, optimising included, and releasing them */
  sessionMs: number
  /** inside `session.run` */
  runMs: number
}

/** The models of one group on disk: the base with its frontier exposed, and a suffix a variant. */
export class Suffixes {
  readonly time: SweepTime = { sessionMs: 0, runMs: 0 }
  readonly #folder: string
  readonly #study: Study
  readonly #group: VariantGroup
  readonly #settings: SampleSettings
  readonly #services: Services
  readonly #memory: TensorMemory
  readonly #prepared = new Map<string, Prepared>()
  #preparing: Promise<void> = Promise.resolve()
  #basePath = ''
  /** chunks that are done with, the largest last: their files may be written over, which takes less than new ones */
  readonly #free: PrefixBlocks[] = []
  #places = 0
  #fillings = 0
  #exposed: { readonly path: string; readonly outputs: readonly string[] } | null = null

  constructor(
    folder: string,
    study: Study,
    group: VariantGroup,
    settings: SampleSettings & { readonly memory: TensorMemory },
    services: Services,
  ) {
    this.#folder = folder
    this.#study = study
    this.#group = group
    this.#settings = settings
    this.#memory = settings.memory
    this.#services = services
  }

  /** Makes the suffixes of variants that have none yet; calls wait for one another. `onDone` is called after each. */
  prepare(variants: readonly Variant[], onDone: (done: number, total: number) => void): Promise<void> {
    const own = this.#preparing.then(() => this.#prepareMissing(variants, onDone))
    this.#preparing = own.catch(() => undefined) // whoever asked is told; the next may try again
    return own
  }

  async #prepareMissing(variants: readonly Variant[], onDone: (done: number, total: number) => void): Promise<void> {
    const missing = variants.filter(({ key }) => !this.#prepared.has(key))
    if (missing.length === 0) return
    await this.#prepareBase()
    let done = 0
    const made = await together(
      this.#services.signal,
      missing.map((variant, i) => async (signal) => {
        const prepared = await this.#cut(variant, `${this.#prepared.size + i}`, { ...this.#services, signal })
        onDone(++done, missing.length)
        return [variant.key, prepared] as const
      }),
    )
    for (const [key, prepared] of made) this.#prepared.set(key, prepared)
    await this.#expose()
  }

  async #prepareBase(): Promise<void> {
    if (this.#basePath !== '') return
    await mkdir(this.#folder, { recursive: true })
    const { basePlan } = this.#group
    const path = basePlan === null ? this.#study.preparedPath : join(this.#folder, 'base.onnx')
    if (basePlan !== null) await applyPlan(this.#study, basePlan, path, this.#services)
    this.#basePath = path
  }

  async #cut(variant: Variant, name: string, services: Services): Promise<Prepared> {
    const { input } = await readyPlan(this.#study, variant.plan, services)
    const path = join(this.#folder, `${name}.suffix.onnx`)
    const cut = await runDurably<CutInput, CutOutput>(services, 'sensitivityCut', {
      base: this.#basePath,
      optimizedBase: optimizedBasePath(this.#folder),
      variant: input,
      output: path,
      threads: this.#settings.threads,
    })
    this.time.sessionMs += cut.sessionMs
    return { path, cut }
  }

  async #expose(): Promise<void> {
    const path = join(this.#folder, 'prefix.onnx')
    const outputs = await runDurably<ExposeInput, string[]>(this.#services, 'exposeFrontier', {
      optimizedBase: optimizedBasePath(this.#folder),
      output: path,
      tensors: this.#frontierOf([...this.#prepared.values()]),
    })
    this.#exposed = { path, outputs }
  }

  #frontierOf(prepared: readonly Prepared[]): string[] {
    return [...new Set(prepared.flatMap(({ cut }) => cut.frontier.map(({ tensor }: FrontierTensor) => tensor)))]
  }

  /** Runs the base over a chunk, for these variants, on all workers; what it leaves all can read. To be given back to `release`. */
  async runShared(positions: readonly number[], variants: readonly Variant[]): Promise<PrefixBlocks> {
    const parts: number[][] = []
    for (let start = 0; start < positions.length; start += BLOCK) parts.push(positions.slice(start, start + BLOCK))
    const place = this.#free.pop()?.place ?? this.#newPlace()
    const blocks = parts.map((_, i) => this.#newBlock(join(place, String(i))))
    await together(
      this.#services.signal,
      parts.map((part, i) => async (signal) => {
        const input = this.#prefixInput(part, variants, blocks[i]!, 0)
        const services = { ...this.#services, signal }
        this.#count(await runDurably<PrefixInput, PrefixOutput>(services, 'sensitivityPrefix', input))
      }),
    )
    return { samples: positions.length, blocks, place, seat: null }
  }

  /** Runs the base over a chunk, for these variants, on the worker of `seat`, which holds what it leaves. To be given to `remove`. */
  async runHeld(positions: readonly number[], variants: readonly Variant[], seat: Seat): Promise<PrefixBlocks> {
    const place = this.#newPlace()
    const block = this.#newBlock(place)
    const input = this.#prefixInput(positions, variants, block, this.#memory.heldBytes)
    const { signal, pool } = this.#services
    this.#count(await pool.run<PrefixInput, PrefixOutput>('sensitivityPrefix', input, { signal, seat }))
    return { samples: positions.length, blocks: [block], place, seat }
  }

  /** Nobody reads these blocks any more: others take their place. */
  release(blocks: PrefixBlocks): void {
    this.#free.push(blocks)
    this.#free.sort((a, b) => a.samples - b.samples)
  }

  /** Nobody reads these blocks any more. */
  remove({ place }: PrefixBlocks): Promise<void> {
    return removeFolder(place)
  }

  #newPlace(): string {
    return join(this.#folder, `place-${this.#places++}`)
  }

  #newBlock(folder: string): Block {
    return { folder, filling: `${this.#folder} ${this.#fillings++}` }
  }

  #count({ sessionMs, runMs }: Pick<PrefixOutput, 'sessionMs' | 'runMs'>): void {
    this.time.sessionMs += sessionMs
    this.time.runMs += runMs
  }

  #prefixInput(
    positions: readonly number[],
    variants: readonly Variant[],
    output: Block,
    keepBytes: number,
  ): PrefixInput {
    const chosen = this.#study.chosen!
    return {
      model: this.#exposed!.path,
      outputs: this.#exposed!.outputs,
      reference: this.#group.basePlan === null ? null : this.#study.preparedPath,
      frontier: this.#frontierOf(variants.map(({ key }) => this.#prepared.get(key)!)),
      data: chosen.spec,
      split: chosen.evaluation.split,
      dataHash: chosen.evaluation.hash,
      seed: chosen.seed,
      preprocess: chosen.preprocess,
      positions,
      batch: this.#settings.batch,
      threads: this.#settings.threads,
      output,
      keepBytes,
    }
  }

  /** Evaluates one variant over the blocks of a chunk: one row a sample. */
  async evaluate(variant: Variant, { blocks, seat }: PrefixBlocks): Promise<Float64Array> {
    const { path, cut } = this.#prepared.get(variant.key)!
    const input: SuffixInput = {
      suffix: path,
      frontier: cut.frontier,
      sizeBytes: cut.sizeBytes,
      blocks,
      threads: this.#settings.threads,
      memoryBytes: this.#memory.readBytes,
    }
    const { pool, signal } = this.#services
    const output =
      seat === null
        ? await runDurably<SuffixInput, SuffixOutput>(this.#services, 'sensitivitySuffix', input)
        : await pool.run<SuffixInput, SuffixOutput>('sensitivitySuffix', input, { signal, seat })
    this.#count(output)
    return output.rows
  }
}
