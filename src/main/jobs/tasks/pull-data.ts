import { officialSet } from '../../data/official-sets.ts'
import { pullDataSet, type PulledSet } from '../pull-data.ts'
import type { Task } from '../worker-host.ts'

export interface PullDataInput {
  readonly name: string
  readonly folder: string
  /** an address that has the files under their names, asked before the official ones; null without one */
  readonly mirror: string | null
  /** the current time, ISO 8601 */
  readonly now: string
}

/** Fetches an official data set. @throws Fault usage.dataSet; as `pullDataSet` */
export function createPullDataTask(): Task<PullDataInput, PulledSet> {
  return async ({ name, folder, mirror, now }, context) => {
    const set = officialSet(name)
    return pullDataSet(set, folder, [...(mirror === null ? [] : [mirror]), ...set.sources], { ...context, now })
  }
}
