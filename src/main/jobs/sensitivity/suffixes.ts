import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrontierTensor } from '../../search/cuts.ts'
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

/** Samples of one run of the base; the unit in which the prefix is spread over workers, the same for any number of them. */
const BLOCK = 16

interface Prepared {
  readonly path: string
  readonly cut: CutOutput
}

/** What the base left of a chunk. */
export interface PrefixBlocks {
  readonly place: number
  readonly samples: number
  readonly blocks: readonly Block[]
}

/** Where the time of a sweep went, in ms over all workers. */
export interface SweepTime {
  /** creating sessions, optimising included */
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
  readonly #memoryBytes: number
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
    settings: SampleSettings & { memoryBytes: number },
    services: Services,
  ) {
    this.#folder = folder
    this.#study = study
    this.#group = group
    this.#settings = settings
    this.#memoryBytes = settings.memoryBytes
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

  /** Runs the base over a chunk, for these variants; gives its blocks in order, to be given back to `release`. */
  async runPrefix(positions: readonly number[], variants: readonly Variant[]): Promise<PrefixBlocks> {
    const parts: number[][] = []
    for (let start = 0; start < positions.length; start += BLOCK) parts.push(positions.slice(start, start + BLOCK))
    const frontier = this.#frontierOf(variants.map(({ key }) => this.#prepared.get(key)!))
    const place = this.#free.pop()?.place ?? this.#places++
    const blocks = parts.map((_, i) => ({
      folder: join(this.#placeFolder(place), String(i)),
      filling: `${this.#folder} ${this.#fillings++}`,
    }))
    await together(
      this.#services.signal,
      parts.map((part, i) => async (signal) => {
        const { sessionMs, runMs } = await runDurably<PrefixInput, PrefixOutput>(
          { ...this.#services, signal },
          'sensitivityPrefix',
          this.#prefixInput(part, frontier, blocks[i]!.folder),
        )
        this.time.sessionMs += sessionMs
        this.time.runMs += runMs
      }),
    )
    return { place, samples: positions.length, blocks }
  }

  /** Nobody reads these blocks any more. @param isWanted whether a chunk is to come that may take their place */
  async release(blocks: PrefixBlocks, isWanted: boolean): Promise<void> {
    if (!isWanted) return removeFolder(this.#placeFolder(blocks.place))
    this.#free.push(blocks)
    this.#free.sort((a, b) => a.samples - b.samples)
  }

  #placeFolder(place: number): string {
    return join(this.#folder, `place-${place}`)
  }

  #prefixInput(positions: readonly number[], frontier: readonly string[], output: string): PrefixInput {
    const chosen = this.#study.chosen!
    return {
      model: this.#exposed!.path,
      outputs: this.#exposed!.outputs,
      reference: this.#group.basePlan === null ? null : this.#study.preparedPath,
      frontier,
      data: chosen.spec,
      split: chosen.evaluation.split,
      dataHash: chosen.evaluation.hash,
      seed: chosen.seed,
      preprocess: chosen.preprocess,
      positions,
      batch: this.#settings.batch,
      threads: this.#settings.threads,
      output,
    }
  }

  /** Evaluates one variant over the blocks of a chunk: one row a sample. */
  async evaluate(variant: Variant, { blocks }: PrefixBlocks): Promise<Float64Array> {
    const { path, cut } = this.#prepared.get(variant.key)!
    const { rows, sessionMs, runMs } = await runDurably<SuffixInput, SuffixOutput>(
      this.#services,
      'sensitivitySuffix',
      {
        suffix: path,
        frontier: cut.frontier,
        sizeBytes: cut.sizeBytes,
        blocks,
        threads: this.#settings.threads,
        memoryBytes: this.#memoryBytes,
      },
    )
    this.time.sessionMs += sessionMs
    this.time.runMs += runMs
    return rows
  }
}
