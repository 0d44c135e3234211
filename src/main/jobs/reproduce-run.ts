import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { writeFilesAtomic } from './atomic-file.ts'
import { asFileFault } from './file-fault.ts'
import { recordRun, type RunOutcome } from './record-run.ts'
import { findData, type FoundData } from './reproduce/data-root.ts'
import { ServicesDesk, type DeskSetting } from './reproduce/desk.ts'
import { toCsv, toMarkdown, type TableDocument } from './reproduce/document.ts'
import { toSvg } from './reproduce/figure.ts'
import type { Cells, DataName, Measured, Scale, Table } from './reproduce/port.ts'
import { StepsProgress } from './reproduce/progress.ts'
import { scaleOf } from './reproduce/scale.ts'
import { TABLES } from './reproduce/tables/registry.ts'
import { judge } from './reproduce/values.ts'
import type { Services } from './services.ts'
import type { TensorFlowState } from './tasks/tensorflow.ts'

/** What `reproduce` is asked for; everything but the recipes goes into the run's parameters. */
export interface ReproduceRequest {
  readonly name: string
  /** folder with the data sets, each in a folder of its name; null where the table needs none */
  readonly dataRoot: string | null
  readonly quick: boolean
  /** folder for NAME.md, NAME.csv and NAME.svg; earlier ones are replaced */
  readonly output: string
  /** as typed, for the page */
  readonly command: string
}

/** What `reproduce` answers beside the run's id. */
export interface ReproduceAnswer {
  readonly document: TableDocument
  readonly markdown: string
  readonly files: { readonly markdown: string; readonly csv: string; readonly svg: string }
}

/** Where the files go when nobody says. */
export const DEFAULT_OUTPUT = 'reproduce-output'

/** Names of the tables with their titles, in order. */
export const tableNames = (): { name: string; title: string }[] => TABLES.map(({ name, title }) => ({ name, title }))

/** The command that gives a table again, as its page names it. */
export const reproduceCommand = ({ name, quick }: Pick<ReproduceRequest, 'name' | 'quick'>): string =>
  `quantbench reproduce ${name} --data-root DIR${quick ? ' --quick' : ''}`

/** Reads the recipes of a folder by name. */
export const recipesIn =
  (folder: string): DeskSetting['recipe'] =>
  (name) => {
    const file = join(folder, `${name}.json`)
    return { file, text: readFileSync(file, 'utf8') }
  }

/**
 * `quantbench reproduce`: measures one of the classic tables with the product's own services; each measurement is a run, the table is one
 * too. What was measured, and every float model that was trained, is found again: an interrupted table goes on where it was.
 * @throws Fault usage.table, file.*, data.missing; as the services it uses; the signal's reason when aborted (nothing is written)
 */
export async function runReproduction(
  request: ReproduceRequest,
  recipe: DeskSetting['recipe'],
  services: Services,
): Promise<{ run: string; value: ReproduceAnswer }> {
  const table = TABLES.find(({ name }) => name === request.name)
  if (!table) {
    const names = TABLES.map(({ name }) => name).join(', ')
    throw new Fault('usage.table', `There is no table '${request.name}': choose one of ${names}.`, {
      name: request.name,
    })
  }
  return reproduceTable(table, request, recipe, services)
}

/** As `runReproduction`, of any table at any scale. */
export async function reproduceTable(
  table: Table,
  request: ReproduceRequest,
  recipe: DeskSetting['recipe'],
  services: Services,
  scale: Scale = scaleOf(request.quick),
): Promise<{ run: string; value: ReproduceAnswer }> {
  const found = await findData(request.dataRoot, table.data)
  await mkdir(request.output, { recursive: true }).catch((error: unknown) => {
    throw asFileFault(error, request.output, 'write')
  })
  const parameters = request as unknown as Json
  return recordRun(services, { kind: 'reproduce', modelPath: null, parameters }, () =>
    measureTable(table, request, { scale, found, recipe }, services),
  )
}

async function measureTable(
  table: Table,
  request: ReproduceRequest,
  setting: DeskSetting,
  services: Services,
): Promise<RunOutcome<ReproduceAnswer>> {
  const start = performance.now()
  const cells = await measureSteps(table, setting, services)
  const engine = await services.pool.run<void, TensorFlowState>('tfCheck', undefined, { signal: services.signal })
  const document: TableDocument = {
    table,
    scale: setting.scale,
    sections: table.sections(setting.scale),
    cells,
    verdicts: judge(table.claims, cells),
    notes: standInNotes(setting.found),
    command: request.command,
    date: services.now(),
    environment: services.environment,
    tensorflow: engine.installed?.version ?? null,
    wallMs: performance.now() - start,
  }
  return outcomeOf(await writeTable(document, request, services), services)
}

/** The steps in turn; each that is done is kept by the services it uses. */
async function measureSteps(table: Table, setting: DeskSetting, services: Services): Promise<Cells> {
  const steps = table.steps(setting.scale)
  const progress = new StepsProgress(steps, services)
  // the parts' own runs must not pass for the table's
  const { onRun: _, ...own } = progress.services
  const desk = new ServicesDesk(setting, own)
  const cells = new Map<string, Measured>()
  for (const { name, work } of steps) {
    services.signal.throwIfAborted()
    const before = desk.keeper.fresh
    progress.begin()
    for (const [key, cell] of Object.entries(await work(desk, cells))) cells.set(key, cell)
    const isFresh = desk.keeper.fresh > before
    progress.end(isFresh)
    services.onLog('info', `${name}: ${isFresh ? 'measured' : 'found'}`)
  }
  return cells
}

function standInNotes(found: ReadonlyMap<DataName, FoundData>): string[] {
  return [...found].flatMap(([name, { standIn }]) =>
    standIn === null
      ? []
      : [
          `No ${name} folder was given: ${standIn} stands in for it, its pictures enlarged to 64×64. The figures are not comparable with the published ones as they are, only their differences.`,
        ],
  )
}

async function writeTable(
  document: TableDocument,
  { output }: ReproduceRequest,
  { signal }: Services,
): Promise<ReproduceAnswer> {
  const base = join(resolve(output), document.table.name)
  const files = { markdown: `${base}.md`, csv: `${base}.csv`, svg: `${base}.svg` }
  const markdown = toMarkdown(document)
  const encoder = new TextEncoder()
  await writeFilesAtomic(
    [
      { path: files.svg, chunks: [encoder.encode(toSvg(document))] },
      { path: files.csv, chunks: [encoder.encode(toCsv(document))] },
      // it names the others, so it takes its name last
      { path: files.markdown, chunks: [encoder.encode(markdown)] },
    ],
    { force: true, signal },
  )
  return { document, markdown, files }
}

async function outcomeOf(answer: ReproduceAnswer, { store }: Services): Promise<RunOutcome<ReproduceAnswer>> {
  const { document, files } = answer
  const { verdicts, sections, cells, notes, scale } = document
  const artifacts = await Promise.all(
    (['markdown', 'csv', 'svg'] as const).map(async (kind) => ({
      role: `table.${kind}`,
      ...(await store.artifacts.putFile(files[kind])),
      path: files[kind],
    })),
  )
  return {
    value: answer,
    metrics: { cells: cells.size, claims: verdicts.length, met: verdicts.filter(({ met }) => met).length },
    warnings: notes,
    artifacts,
    results: {
      quick: scale.quick,
      sections: sections as unknown as Json,
      cells: Object.fromEntries(cells) as unknown as Json,
      claims: verdictsJson(answer),
    },
  }
}

/** Claims with what came of them, as scripts read them. */
export function verdictsJson({ document }: ReproduceAnswer): Json {
  return document.verdicts.map(({ claim, met, margin, found, wanted }) => ({
    claim: claim.text,
    met,
    margin,
    found,
    bound: claim.bound,
    wanted,
  }))
}

/** What scripts rely on. */
export function reproduceJson(run: string, answer: ReproduceAnswer): { [key: string]: Json } {
  const { document, files } = answer
  const { table, scale, sections, cells, notes, command, date, tensorflow, wallMs } = document
  return {
    run,
    table: table.name,
    quick: scale.quick,
    notes,
    date,
    command,
    tensorflow,
    wallMs,
    files: { ...files },
    sections: sections.map(({ title, columns, rows }) => ({
      title,
      columns: columns as unknown as Json,
      rows: rows.map(({ label, cells: values }) => ({
        label,
        values: values.map((cell) => (typeof cell === 'string' ? { ...cells.get(cell)! } : cell)),
      })),
    })),
    claims: verdictsJson(answer),
  }
}
