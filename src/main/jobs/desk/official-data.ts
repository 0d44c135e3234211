import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { OfficialSetView } from '../../../shared/contract/api/data.ts'
import type { JobResultOf } from '../../../shared/contract/api/job-results.ts'
import { OFFICIAL_SETS, officialSet } from '../../data/official-sets.ts'
import type { PulledSet } from '../pull-data.ts'
import type { Services } from '../services.ts'
import type { PullDataInput } from '../tasks/pull-data.ts'

/** Where `data pull` puts its sets when nobody says. */
export function officialFolder(home: string): string {
  return join(home, 'data')
}

/** The official data sets, and how much of each lies in the store's folder. */
export function listOfficialSets(home: string): Promise<OfficialSetView[]> {
  return Promise.all(
    OFFICIAL_SETS.map(async ({ name, title, kind, files, sources, terms }) => {
      const path = join(officialFolder(home), name)
      const [isWhole, isPartial] = await Promise.all([exists(path), exists(`${path}.partial`)])
      return {
        name,
        title,
        spec: { kind, path },
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        source: new URL(sources[0]!).host,
        terms,
        // a set takes its name once it is whole
        state: isWhole ? ('whole' as const) : isPartial ? ('partial' as const) : ('absent' as const),
      }
    }),
  )
}

/** Fetches a set into the store's folder; one that is there is looked at only. @throws Fault usage.dataSet; as `pullDataSet` */
export async function pullOfficialSet(name: string, services: Services): Promise<JobResultOf<'pullData'>> {
  const { kind } = officialSet(name)
  const { pool, signal, onProgress, onLog, now, store } = services
  const folder = join(officialFolder(store.home), name)
  const input: PullDataInput = { name, folder, mirror: null, now: now() }
  const pulled = await pool.run<PullDataInput, PulledSet>('pullData', input, { signal, onProgress, onLog })
  return { kind: 'pullData', name, spec: { kind, path: folder }, sizeBytes: pulled.sizeBytes, isNew: pulled.isNew }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
