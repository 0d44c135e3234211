import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  ComparisonRowView,
  QatGuideView,
  RecipeView,
  ResumableView,
  TrainingEngineView,
  TrainStartView,
} from '../../shared/contract/api/training.ts'
import { Fault, isFault } from '../../shared/contract/fault.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { RunDetail, RunSummary } from '../../shared/contract/runs.ts'
import { readSmallFile } from '../data/files.ts'
import type { Store } from '../store/store.ts'
import { decodeHeader, HEAD, headerEnd } from '../training/checkpoint.ts'
import { DEFAULT_OPTIONS, type OptimizerKind, type TrainOptions } from '../training/options.ts'
import { learnsStepsOf, qatOptions } from '../training/qat/defaults.ts'
import { parseRecipe, type Recipe } from '../training/recipes/recipe.ts'
import type { Services } from './services.ts'
import type { TrainStart } from './tasks/build-model.ts'
import type { TensorFlowState } from './tasks/tensorflow.ts'
import { PARTS } from './qat-compare.ts'
import { FLOAT_RUN } from './qat-run.ts'
import type { TrainRequest } from './train-run.ts'
import { checkpointFile, runFolder } from './training/checkpoints.ts'

type CheckpointHeader = ReturnType<typeof decodeHeader>

/** What a window asks before it trains. */

/** The engine as the window shows it. */
export function engineView({ installed, sources }: TensorFlowState): TrainingEngineView {
  return { installed, sources, platform: `${process.platform}-${process.arch}`, problem: null }
}

/** Looks at the engine. One that is there and does not load is a state as well, no fault. */
export async function checkEngine({ pool, signal }: Services): Promise<TrainingEngineView> {
  try {
    return engineView(await pool.run<undefined, TensorFlowState>('tfCheck', undefined, { signal, retry: true }))
  } catch (error) {
    if (!isFault(error) || error.code === 'engine.closed') throw error
    return { ...engineView({ installed: null, sources: [] }), problem: error.message }
  }
}

const optionsOf = (settings: Recipe['train']): RecipeView['options'] =>
  ({ ...DEFAULT_OPTIONS, ...settings }) satisfies TrainOptions

/** The built-in recipes, smallest name first, with the options they train with. @throws Fault format.recipe */
export async function listRecipes(
  folder: string,
): Promise<{ readonly recipes: readonly RecipeView[]; readonly defaults: RecipeView['options'] }> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  const recipes = await Promise.all(
    files.map(async (file) => recipeView(parseRecipe(await readFile(join(folder, file), 'utf8'), file))),
  )
  return { recipes, defaults: DEFAULT_OPTIONS }
}

/** A recipe file of the user's own, by its path. @throws Fault format.recipe, data.tooLarge, file.* */
export async function readRecipeFile(path: string): Promise<RecipeView> {
  return { ...recipeView(parseRecipe(await recipeText(path), path)), name: path }
}

function recipeView({ name, title, source, input, train }: Recipe): RecipeView {
  return { name, title, source, input, options: optionsOf(train) }
}

/** Recipes have some kB. */
const MOST_RECIPE_BYTES = 2 ** 20

async function recipeText(path: string): Promise<string> {
  return new TextDecoder().decode(await readSmallFile(path, MOST_RECIPE_BYTES))
}

/** What a job trains, of what a window names. @throws Fault usage.recipe where there is no such recipe; as `readRecipeFile` */
export async function trainStartOf(start: TrainStartView, recipes: string): Promise<TrainStart> {
  if (start.kind === 'model') return start
  if (start.kind === 'recipeFile') return { kind: 'recipe', file: start.path, text: await recipeText(start.path) }
  const names = (await readdir(recipes)).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : []))
  // a name of the list, so that none leads out of the folder
  if (!names.includes(start.name)) {
    throw new Fault('usage.recipe', `There is no recipe '${start.name}'. Use one of ${names.sort().join(', ')}.`, {
      recipe: start.name,
    })
  }
  return { kind: 'recipe', file: start.name, text: await readFile(join(recipes, `${start.name}.json`), 'utf8') }
}

/** What training for integers uses for a plan where nothing is said. */
export function guideQat(
  plan: QuantPlan,
  { optimizer, lsq }: { readonly optimizer?: OptimizerKind | undefined; readonly lsq: boolean | null },
): QatGuideView {
  const learnsSteps = learnsStepsOf(plan, lsq)
  return { ...qatOptions(plan, optimizer === undefined ? {} : { optimizer }, learnsSteps), learnsSteps }
}

const MOST_RESUMABLE = 20
/** What a comparison measures beside the float model. */
const WAYS: readonly ComparisonRowView['name'][] = ['ptq', 'ptq-repaired', 'qat', 'ptq-hybrid', 'qat-hybrid']

/** Trainings and comparisons that were cut off and left something to go on from, newest first, unless another run went on with them. */
export async function listResumable(store: Store): Promise<ResumableView[]> {
  const runs = (['train', 'qat', 'compareQat'] as const)
    .flatMap((kind) => store.runs.list({ kind, limit: 200 }))
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
  const taken = await partsOf(runs, store)
  const found: ResumableView[] = []
  for (const { id, status } of runs) {
    if (found.length === MOST_RESUMABLE) break
    const run = store.runs.get(id)
    const { request, resumes } = run.parameters as unknown as { request: TrainRequest; resumes: string | null }
    const left = status === 'failed' || status === 'interrupted' ? await leftBy(run, store) : null
    // the later run is the one to go on with, if it came to anything
    if (typeof resumes === 'string' && (left || status === 'done' || status === 'running')) taken.add(resumes)
    if (left && !taken.has(id)) found.push(viewOf(run, request, left))
    else if (taken.has(id) && typeof resumes === 'string') taken.add(resumes)
  }
  return found
}

/** Runs that are parts of others, which are gone on with as a whole. */
async function partsOf(runs: readonly RunSummary[], store: Store): Promise<Set<string>> {
  const wholes = runs.filter(({ kind, status }) => kind !== 'train' && status !== 'done')
  const parts = await Promise.all(
    wholes.map(async ({ id }) => {
      const float = await floatRunOf(store, id)
      return [...Object.values(await waysOf(store, id)), ...(float === null ? [] : [float])]
    }),
  )
  return new Set(parts.flat())
}

/** What a run left: the state of a training, or the ways that a comparison has measured. */
interface Left {
  readonly header: CheckpointHeader | null
  readonly ways: ResumableView['ways']
}

async function leftBy({ id, kind }: RunSummary, store: Store): Promise<Left | null> {
  const float = kind === 'train' ? null : await floatRunOf(store, id)
  // a float training that comes first is part of the whole
  const header = (await headerOf(store, id)) ?? (float === null ? null : await headerOf(store, float))
  if (kind !== 'compareQat') return header && { header, ways: null }
  const parts = await waysOf(store, id)
  const done = WAYS.filter((way) => parts[way] !== undefined && statusOf(store, parts[way]) === 'done').length
  const isBegun = header !== null || float !== null || Object.keys(parts).length > 0
  return isBegun ? { header, ways: { done, total: WAYS.length } } : null
}

function statusOf(store: Store, run: string): string | null {
  return store.runs.has(run) ? store.runs.get(run).status : null
}

/** Runs of a comparison by what they measure; empty for others, and where the list cannot be read. */
async function waysOf(store: Store, run: string): Promise<Readonly<Record<string, string>>> {
  try {
    const text = await readFile(join(runFolder(run, { store }), PARTS), 'utf8')
    return JSON.parse(text) as Readonly<Record<string, string>>
  } catch {
    return {} // none, or cut off while it was written
  }
}

/** The run of the float training that came first; null without one. */
function floatRunOf(store: Store, run: string): Promise<string | null> {
  return readFile(join(runFolder(run, { store }), FLOAT_RUN), 'utf8').catch(() => null)
}

function viewOf(run: RunDetail, request: TrainRequest, { header, ways }: Left): ResumableView {
  const { start, data, options, output } = request
  const recipe = start.kind === 'recipe' ? parseRecipe(start.text, start.file).train : {}
  const epochsDone = header?.epoch ?? 0
  return {
    run: run.id,
    kind: run.kind as ResumableView['kind'],
    startedAt: run.startedAt,
    status: run.status === 'failed' ? 'failed' : 'interrupted',
    start: start.kind === 'recipe' ? { kind: 'recipe', name: start.file } : start,
    data,
    output,
    epochsDone,
    epochs: options.epochs ?? (run.kind === 'train' ? (recipe.epochs ?? DEFAULT_OPTIONS.epochs) : epochsDone),
    ways,
    history: header?.history ?? [],
  }
}

/** What a run's checkpoint says; null where it left none that can be read. */
async function headerOf(store: Store, run: string): Promise<CheckpointHeader | null> {
  const path = checkpointFile(run, { store })
  const file = await open(path).catch(() => null)
  if (file === null) return null
  try {
    const { size } = await file.stat()
    const head = await readPart(file, 0, HEAD)
    const end = headerEnd(head, path)
    return end > size ? null : decodeHeader(await readPart(file, HEAD, end), path)
  } catch (error) {
    if (isFault(error)) return null
    throw error
  } finally {
    await file.close()
  }
}

async function readPart(file: Awaited<ReturnType<typeof open>>, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
  return bytes.subarray(0, bytesRead)
}
