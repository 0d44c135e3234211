import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { OpenModel } from '../../../shared/contract/api/models.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { GraphForm, GraphView } from '../../../shared/contract/graph-view.ts'
import type { LayerInfo, ModelSummary } from '../../../shared/contract/model.ts'
import { PRODUCT } from '../../../shared/contract/product.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import type { Model } from '../../graph/model.ts'
import type { Store } from '../../store/store.ts'
import { writeTextFile } from '../atomic-file.ts'
import { asFileFault } from '../file-fault.ts'
import { describeModelGraph } from '../graph-view.ts'
import { modelName } from '../model-name.ts'
import type { WorkerPool } from '../pool.ts'
import { describeFile, PREPARE_VERSION, prepareOnce } from '../prepare-once.ts'
import type { InspectOutput } from '../tasks/inspect.ts'
import { guessTask } from './guess-task.ts'
import { SharedWork } from './shared-work.ts'

export interface ModelDeskDeps {
  readonly store: Store
  /** workers that jobs do not occupy */
  readonly pool: Pick<WorkerPool, 'run'>
  readonly now: () => string
  /** hears what reading a file is at */
  readonly onStage?: (path: string, stage: string) => void
}

/** A model on the desk: what the window knows of it, and where its prepared form lies. */
export interface DeskModel extends OpenModel {
  readonly preparedPath: string
}

/** What is kept of a model so that a later start need not prepare it again, however large it is. */
interface KeptModel extends InspectOutput {
  readonly product: string
  readonly version: number
}

/** Short facts for lists. */
export interface ModelCard {
  readonly opset: number | null
  readonly task: OpenModel['task']
  readonly layers: number
  readonly parameters: number
}

/** Prepared models that stay on the disk beside those that are open; the others are brought back when they are opened. */
const KEPT_FOLDERS = 6

/**
 * Models that a window has open. A model is read, checked and prepared once; its prepared form lies in the store's folder, found by the
 * content of the source file, and what is drawn or checked again and again stays in memory.
 */
export class ModelDesk {
  readonly #deps: ModelDeskDeps
  readonly #root: string
  /** by file as it stands: path, size and time of change */
  readonly #byFile = new Map<string, SharedWork<DeskModel>>()
  readonly #byHash = new Map<string, DeskModel>()
  readonly #graphs = new Map<string, Promise<GraphView>>()
  readonly #sketches = new Map<string, Promise<Model>>()

  constructor(deps: ModelDeskDeps) {
    this.#deps = deps
    this.#root = join(deps.store.home, 'prepared')
  }

  /**
   * Opens a file, or the one model in a folder. Who cancels leaves at once; the work stops when nobody waits for it any more.
   * @throws Fault as `prepareOnce`; model.severalModels, model.noModel for folders; the signal's reason
   */
  async open(path: string, signal?: AbortSignal): Promise<DeskModel> {
    const file = await modelFileAt(path)
    const { size, mtimeMs } = await stat(file)
    const key = `${file}\n${size}\n${mtimeMs}`
    const known = this.#byFile.get(key)
    const opening = known && !known.stopped ? known : new SharedWork((stop) => this.#read(file, stop))
    this.#byFile.set(key, opening)
    try {
      const model = await opening.wait(signal)
      const { store, now } = this.#deps
      store.catalog.keepModel(model.summary, now())
      store.catalog.keepCard(model.summary.hash, cardOf(model.summary) as unknown as Json)
      this.#byHash.set(model.summary.hash, model)
      return model
    } catch (error) {
      // others may wait for it still
      if ((opening.stopped || !signal?.aborted) && this.#byFile.get(key) === opening) this.#byFile.delete(key)
      throw error
    }
  }

  /** A model by its content: on the desk, or opened again from where it was last. @throws Fault model.notOpen; as `open` */
  async get(hash: string, signal?: AbortSignal): Promise<DeskModel> {
    const known = this.#byHash.get(hash)
    if (known) return known
    const path = this.#deps.store.catalog.model(hash)?.path
    if (path === undefined) throw new Fault('model.notOpen', 'This model is not known here: open its file.', { hash })
    const model = await this.open(path, signal)
    if (model.summary.hash === hash) return model
    throw new Fault(
      'model.changed',
      `${path} has changed since it was opened: it is another model now. Open it again.`,
      {
        path,
        hash,
      },
    )
  }

  /** @throws as `get`, and as the graph view task */
  async graph(hash: string, form: GraphForm): Promise<GraphView> {
    const { summary, preparedPath } = await this.get(hash)
    const path = form === 'prepared' ? preparedPath : summary.path
    return remember(this.#graphs, `${form} ${hash}`, () => describeModelGraph(this.#deps.pool, { path, form }))
  }

  /** The prepared graph without its weights: what plans are checked against. */
  async sketch(hash: string): Promise<{ readonly model: Model; readonly desk: DeskModel }> {
    const desk = await this.get(hash)
    const model = await remember(this.#sketches, hash, () =>
      this.#deps.pool.run<{ path: string }, Model>('sketchModel', { path: desk.preparedPath }),
    )
    return { model, desk }
  }

  /** @throws Fault model.unknownLayer */
  async layer(hash: string, id: string): Promise<{ readonly desk: DeskModel; readonly layer: LayerInfo }> {
    const desk = await this.get(hash)
    const layer = desk.summary.layers.find((candidate) => candidate.id === id)
    if (!layer) throw new Fault('model.unknownLayer', `The model has no layer "${id}".`, { layer: id })
    return { desk, layer }
  }

  forget(hash: string): void {
    this.#byHash.delete(hash)
    for (const form of ['prepared', 'file']) this.#graphs.delete(`${form} ${hash}`)
    this.#sketches.delete(hash)
    this.#byFile.clear()
    this.#deps.store.catalog.forgetModel(hash)
  }

  async #read(path: string, signal: AbortSignal): Promise<DeskModel> {
    const kept = await this.#findKept(path, signal)
    if (kept) return kept
    const folder = join(this.#root, `new-${randomUUID()}`)
    await mkdir(folder, { recursive: true })
    try {
      const { prepared: _, ...output } = await prepareOnce(path, join(folder, 'model.onnx'), {
        ...this.#deps,
        signal,
        onStage: (stage) => this.#deps.onStage?.(path, stage),
      })
      const kept: KeptModel = { ...output, product: PRODUCT.version, version: PREPARE_VERSION }
      await writeTextFile(join(folder, 'opened.json'), JSON.stringify(kept))
      const target = this.#folderOf(output.summary.hash)
      await rm(target, { recursive: true, force: true })
      await rename(folder, target)
      await this.#prune()
      return deskModel(output, target)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** The content is only hashed where some model was opened before: that is quick beside preparing it, but not free. */
  async #findKept(path: string, signal: AbortSignal): Promise<DeskModel | null> {
    const folders = await readdir(this.#root).catch(() => [])
    if (folders.length === 0) return null
    const { hash } = await describeFile(path, { pool: this.#deps.pool, signal })
    const folder = this.#folderOf(hash)
    try {
      const kept = JSON.parse(await readFile(join(folder, 'opened.json'), 'utf8')) as KeptModel
      if (kept.product !== PRODUCT.version || kept.version !== PREPARE_VERSION) return null
      await stat(join(folder, 'model.onnx'))
      return deskModel({ ...kept, summary: { ...kept.summary, path } }, folder)
    } catch {
      return null // not opened yet, or by another version, or damaged: it is made anew
    }
  }

  #folderOf(hash: string): string {
    return join(this.#root, hash.replace('sha256:', ''))
  }

  /** Removes the folders that were used longest ago. */
  async #prune(): Promise<void> {
    const names = (await readdir(this.#root)).filter((name) => !name.startsWith('new-'))
    const open = new Set([...this.#byHash.keys()].map((hash) => hash.replace('sha256:', '')))
    const dated = await Promise.all(
      names.map(async (name) => ({
        name,
        at: (await stat(join(this.#root, name)).catch(() => ({ mtimeMs: 0 }))).mtimeMs,
      })),
    )
    dated.sort((a, b) => b.at - a.at)
    for (const { name } of dated.slice(KEPT_FOLDERS))
      if (!open.has(name)) await rm(join(this.#root, name), { recursive: true, force: true })
  }
}

/** What lists show of a model. */
export function cardOf(summary: ModelSummary): ModelCard {
  return {
    opset: summary.opset[''] ?? null,
    task: guessTask(summary).task,
    layers: summary.layers.length,
    parameters: summary.parameters,
  }
}

function deskModel({ summary, sampleShapes, maxRelativeError }: InspectOutput, folder: string): DeskModel {
  return {
    summary,
    name: modelName(summary.path),
    ...guessTask(summary),
    sampleShapes,
    maxRelativeError,
    problems: problemsOf(summary),
    preparedPath: join(folder, 'model.onnx'),
  }
}

function problemsOf({ layers }: ModelSummary): string[] {
  const weighted = layers.filter(({ role }) => role === 'weighted')
  if (weighted.length === 0) return ['The model has no layer with weights that can be quantized.']
  return weighted
    .filter(({ quantizable }) => !quantizable)
    .map(({ id, op, reason }) => `Layer ${id} (${op}) stays in float: ${reason ?? 'it has no integer form'}.`)
}

/** Keeps a promise unless it fails. */
function remember<Value>(map: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  made.catch(() => map.delete(key))
  return made
}

/** The file itself, or the model.json or else the one .onnx file in a folder. @throws Fault file.*, model.noModel, model.severalModels */
async function modelFileAt(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw asFileFault(error, path, 'read')
  })
  if (!found.isDirectory()) return path
  const names = await readdir(path).catch((error: unknown) => {
    throw asFileFault(error, path, 'read')
  })
  if (names.includes('model.json')) return join(path, 'model.json')
  const models = names.filter((name) => name.toLowerCase().endsWith('.onnx')).sort()
  if (models.length === 1) return join(path, models[0]!)
  if (models.length === 0)
    throw new Fault(
      'model.noModel',
      `${path} holds no .onnx file and no model.json: open a model file, or the folder it lies in.`,
      {
        path,
      },
    )
  throw new Fault('model.severalModels', `${path} holds ${models.length} models: open one of them.`, {
    path,
    models: models.slice(0, 50),
  })
}
