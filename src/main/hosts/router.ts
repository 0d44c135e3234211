import type { Application } from './application.ts'
import { appRouter } from './router/app.ts'
import { os } from './router/base.ts'
import { dataRouter } from './router/data.ts'
import { filesRouter } from './router/files.ts'
import { jobsRouter } from './router/jobs.ts'
import { modelsRouter } from './router/models.ts'
import { plansRouter } from './router/plans.ts'
import { runsRouter } from './router/runs.ts'
import { trainingRouter } from './router/training.ts'

/** The contract implemented over one application; the same for both transports. */
export function createRouter(app: Application) {
  return os.router({
    app: appRouter(app),
    models: modelsRouter(app),
    data: dataRouter(app),
    plans: plansRouter(app),
    jobs: jobsRouter(app),
    runs: runsRouter(app),
    training: trainingRouter(app),
    files: filesRouter(app),
  })
}
