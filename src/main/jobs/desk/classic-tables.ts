import type { JobResultOf } from '../../../shared/contract/api/job-results.ts'
import type { TableView } from '../../../shared/contract/api/jobs.ts'
import { TABLES } from '../reproduce/tables/registry.ts'
import { gridOf } from '../reproduce/document.ts'
import { recipesIn, reproduceCommand, runReproduction } from '../reproduce-run.ts'
import type { Services } from '../services.ts'

/** The classic tables that can be measured. */
export function listTables(): TableView[] {
  return TABLES.map(({ name, title, data }) => ({
    name,
    title,
    data: data.filter((set) => set !== 'synthetic-digits'),
  }))
}

export interface TableAsk {
  readonly name: string
  readonly dataRoot: string | null
  readonly quick: boolean
  /** folder of the written files */
  readonly output: string
  /** folder of the built-in recipes */
  readonly recipes: string
}

/** Measures a classic table, or goes on with it. @throws Fault as `runReproduction` */
export async function measureTable(
  { recipes, ...request }: TableAsk,
  services: Services,
): Promise<JobResultOf<'reproduce'>> {
  const { name, quick } = request
  const asked = { ...request, command: reproduceCommand(request) }
  const { run, value } = await runReproduction(asked, recipesIn(recipes), services)
  const { document, markdown, files } = value
  const claims = document.verdicts.map(({ claim: { text, bound }, met, found, wanted }) => ({
    text,
    met,
    found,
    wanted: `${bound === 'atLeast' ? 'at least' : 'at most'} ${wanted}`,
  }))
  const sections = document.sections.map((section) => gridOf(section, document.cells))
  return { kind: 'reproduce', run, table: name, quick, markdown, sections, claims, files }
}
