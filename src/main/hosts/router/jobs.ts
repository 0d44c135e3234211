import type { JobRequest } from '../../../shared/contract/api/jobs.ts'
import type { TrainStartView } from '../../../shared/contract/api/training.ts'
import { listTables } from '../../jobs/desk/classic-tables.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'
import { allowedSpec } from './data.ts'

/** `jobs.*`: long work, which goes on in the host whether or not a window looks. */
export function jobsRouter(app: Application) {
  const { jobs } = app
  return os.jobs.router({
    start: os.jobs.start.handler(({ input }) => jobs.start(allowedRequest(app, input))),
    list: os.jobs.list.handler(() => jobs.list),
    watch: os.jobs.watch.handler(({ input, signal }) => jobs.find(input.job).follow(signal)),
    result: os.jobs.result.handler(({ input }) => jobs.find(input.job).result),
    cancel: os.jobs.cancel.handler(({ input }) => {
      const job = jobs.find(input.job)
      job.cancel()
      return job.info
    }),
    pause: os.jobs.pause.handler(({ input }) => {
      const job = jobs.find(input.job)
      job.pause()
      return job.info
    }),
    resume: os.jobs.resume.handler(({ input }) => {
      const job = jobs.find(input.job)
      job.resume()
      return job.info
    }),
    tables: os.jobs.tables.handler(() => listTables()),
    clear: os.jobs.clear.handler(() => jobs.clear()),
  })
}

/** Every path of a request inside the workspace. The built-in sample may be used wherever it lies. @throws Fault file.outsideWorkspace */
function allowedRequest(app: Application, request: JobRequest): JobRequest {
  const allowedModel = (path: string): string => (path === app.sampleModel() ? path : app.allowed(path))
  const allowedStart = (start: TrainStartView): TrainStartView => {
    if (start.kind === 'recipe') return start
    return { ...start, path: start.kind === 'model' ? allowedModel(start.path) : app.allowed(start.path) }
  }
  const paths: Partial<Record<'model' | 'reference' | 'output' | 'dataRoot' | 'folder', string>> = {}
  for (const name of ['model', 'reference', 'output', 'dataRoot', 'folder'] as const) {
    const path = (request as Readonly<Record<string, unknown>>)[name]
    if (typeof path === 'string')
      paths[name] = name === 'model' || name === 'reference' ? allowedModel(path) : app.allowed(path)
  }
  if ('start' in request) {
    return { ...request, ...paths, start: allowedStart(request.start), data: allowedSpec(app, request.data) }
  }
  const samples = 'samples' in request ? request.samples : null
  return {
    ...request,
    ...paths,
    ...(samples && { samples: { ...samples, data: allowedSpec(app, samples.data) } }),
  }
}
