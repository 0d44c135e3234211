import { appApi } from './api/app.ts'
import { dataApi } from './api/data.ts'
import { filesApi } from './api/files.ts'
import { jobsApi } from './api/jobs.ts'
import { modelsApi } from './api/models.ts'
import { plansApi } from './api/plans.ts'
import { runsApi } from './api/runs.ts'
import { trainingApi } from './api/training.ts'

/**
 * The calls both sides speak. A call or a feed is declared in one file a subject under `api/` and nowhere else; hosts implement it, the
 * renderer gets a typed client for it. What the window sends is checked against its schema, what the host answers is typed.
 */
export const api = {
  app: appApi,
  models: modelsApi,
  data: dataApi,
  plans: plansApi,
  jobs: jobsApi,
  runs: runsApi,
  training: trainingApi,
  files: filesApi,
}
export type Api = typeof api
