import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { OfficialSetView } from '../../../shared/contract/api/data.ts'
import type { JobResultOf } from '../../../shared/contract/api/job-results.ts'
import { webFolderOf } from '../../../shared/contract/web-folder.ts'
import { OFFICIAL_SETS, officialSet } from '../../data/official-sets.ts'
import { looksWhole, type PulledSet } from '../pull-data.ts'
import type { Services } from '../services.ts'
import type { PullDataInput } from '../tasks/pull-data.ts'

/** Where `data pull` puts its sets when nobody says. */
export function officialFolder(home: string): string {
  return join(home, 'data')
}

/** The official data sets, and how much of each lies in a folder of its name under `root`. */
export function listOfficialSets(root: string): Promise<OfficialSetView[]> {
  return Promise.all(
    OFFICIAL_SETS.map(async (set) => {
      const { name, title, kind, files, sources, terms } = set
      const path = join(root, name)
      return {
        name,
        title,
        spec: { kind, path },
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        source: new URL(sources[0]!).host,
        terms,
        state: (await looksWhole(set, path)) ? ('whole' as const) : await stateOf(path),
      }
    }),
  )
}

/** Of a folder that holds no whole set. A set takes its name once it is whole: until then it is beside it. */
async function stateOf(path: string): Promise<Exclude<OfficialSetView['state'], 'whole'>> {
  const names = await readdir(path).catch(() => [])
  if (names.length > 0) return 'other'
  const isBegun = await stat(`${path}.partial`).then(
    () => true,
    () => false,
  )
  return isBegun ? 'partial' : 'absent'
}

/** What a window asks for: which set, into a folder of its name under which folder, from which address first. */
interface PullRequest {
  readonly name: string
  /** null: the store's */
  readonly folder: string | null
  readonly mirror: string | null
}

/** Fetches a set into a folder of its name; one that is there is looked at only. @throws Fault usage.dataSet; as `pullDataSet` */
export async function pullOfficialSet(request: PullRequest, services: Services): Promise<JobResultOf<'pullData'>> {
  const { name, mirror } = request
  const { kind } = officialSet(name)
  const { pool, signal, onProgress, onLog, now, store } = services
  const folder = join(request.folder ?? officialFolder(store.home), name)
  const input: PullDataInput = { name, folder, mirror: mirror === null ? null : webFolderOf(mirror), now: now() }
  const pulled = await pool.run<PullDataInput, PulledSet>('pullData', input, { signal, onProgress, onLog })
  return { kind: 'pullData', name, spec: { kind, path: folder }, sizeBytes: pulled.sizeBytes, isNew: pulled.isNew }
}
