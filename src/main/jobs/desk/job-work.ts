import { mkdir, readdir, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { JobKind, JobRequest } from '../../../shared/contract/api/jobs.ts'
import type { JobResult } from '../../../shared/contract/api/job-results.ts'
import type { SampleOptionsInput } from '../../../shared/contract/api/data.ts'
import { defaultPlan } from '../../../shared/contract/plan.ts'
import { runBench } from '../bench-run.ts'
import { runConversion } from '../convert-run.ts'
import { installTensorFlow } from '../doctor.ts'
import { runDemo } from '../demo.ts'
import { runEvaluation } from '../evaluate-run.ts'
import { modelName } from '../model-name.ts'
import { pausable, type Pause } from '../pause.ts'
import { runQuantization } from '../quantize-run.ts'
import type { SampleOptions } from '../samples.ts'
import { runSearch } from '../search-run.ts'
import { runSensitivity } from '../sensitivity-run.ts'
import { runSweep } from '../sweep-run.ts'
import type { Services } from '../services.ts'
import { runQatComparison, type CompareRequest } from '../qat-compare.ts'
import { runQat, type QatRequest } from '../qat-run.ts'
import { runTraining, type TrainRequest } from '../train-run.ts'
import { requestOfRun } from '../training/record.ts'
import { engineView, trainStartOf } from '../training-desk.ts'
import { runCalibration } from './calibrate-run.ts'
import { measureTable } from './classic-tables.ts'
import { benchView, quickResult, searchResult, sensitivityResult, trainResult, qatResult } from './job-views.ts'
import { runMeasurement } from './measure-run.ts'
import { pullOfficialSet } from './official-data.ts'

/** What the work of a window's jobs needs beside the services. */
export interface JobWorkDeps {
  /** where files go when nothing is said */
  readonly exports: string
  /** path of the built-in sample model */
  readonly sampleModel: string
  /** folder of the built-in recipes */
  readonly recipes: string
  /** intra-op threads for what is timed, when a request does not say; null: all cores */
  readonly threads: number | null
  readonly pause: Pause
}

type RequestOf<Kind extends JobKind> = Extract<JobRequest, { kind: Kind }>
type Runners = {
  readonly [Kind in JobKind]: (request: RequestOf<Kind>, services: Services, deps: JobWorkDeps) => Promise<JobResult>
}

/** Does what a window asks for, with the jobs that the command line uses too. @throws Fault as those */
export function doJob(request: JobRequest, services: Services, deps: JobWorkDeps): Promise<JobResult> {
  const runner = RUNNERS[request.kind] as (
    request: JobRequest,
    services: Services,
    deps: JobWorkDeps,
  ) => Promise<JobResult>
  return runner(request, pausable(services, deps.pause), deps)
}

const RUNNERS: Runners = {
  quantize: async ({ kind, samples, output, ...request }, services, deps) => {
    const file = output ?? (await freeName(deps.exports, `${stem(request.model)}.quantized`, '.onnx'))
    const { run, value } = await runQuantization(
      { ...request, output: file, samples: samples && optionsOf(samples) },
      services,
    )
    const { bytes, referenceBytes, layers, warnings, plan, repairs } = value
    const json = repairs as unknown as Extract<JobResult, { kind: 'quantize' }>['repairs']
    return { kind, run, output: value.output, bytes, referenceBytes, layers, warnings, plan, repairs: json }
  },
  evaluate: async ({ kind, batch, threads, samples, ...request }, services) => {
    const asked = { ...request, samples: optionsOf(samples), batch: batch ?? undefined, threads: threads ?? undefined }
    const { run, value } = await runEvaluation(asked, services)
    const { evaluation, sizeBytes: bytes, warnings } = value
    return { kind, run, engine: request.engine, evaluation: evaluation.result, bytes, warnings }
  },
  bench: async ({ kind, batch, threads, ...request }, services, deps) => {
    const asked = { ...request, batch: batch ?? undefined, threads: threads ?? deps.threads ?? undefined }
    const { run, value } = await runBench(asked, services)
    return { kind, run, bench: benchView(value) }
  },
  calibrate: async ({ kind, model, samples }, services) => {
    const { run, value } = await runCalibration({ model, samples: optionsOf(samples) }, services)
    return { kind, run, ...value }
  },
  sensitivity: async ({ kind: _, samples, threads, ...request }, services) => {
    const asked = { ...request, samples: optionsOf(samples), quick: false, threads: threads ?? null }
    const { run, value } = await runSensitivity(asked, services)
    if (value.kind !== 'sweep') throw new Error('an exact sweep was asked for')
    return sensitivityResult(run, value.result, value.study)
  },
  quickScan: async ({ kind: _, model, samples, configs }, services) => {
    const rest = { base: 'float', metric: null, exact: false, quick: true, threads: null, resumes: null } as const
    const { run, value } = await runSensitivity({ model, samples: optionsOf(samples), configs, ...rest }, services)
    if (value.kind !== 'quick') throw new Error('a quick scan was asked for')
    return quickResult(run, value.result, value.study)
  },
  search: async ({ kind: _, samples, output, force, threads, ...request }, services, deps) => {
    const file = output ?? (await freeName(deps.exports, `${stem(request.model)}.plan`, '.json'))
    const asked = { ...request, samples: optionsOf(samples), output: file, force, threads: threads ?? deps.threads }
    const { run, value } = await runSearch(asked, services)
    return searchResult(run, value)
  },
  sweep: async ({ kind, samples, plan, output, bits, ...request }, services, { exports }) => {
    const asked = {
      ...request,
      bits: [...new Set(bits)].sort((a, b) => a - b),
      samples: optionsOf(samples),
      template: plan ?? defaultPlan,
      output: output ?? (await freeFolder(exports, `${stem(request.model)}.sweep`)),
    }
    const { run, value } = await runSweep(asked, services)
    return { kind, run, ...value }
  },
  measurePlan: async ({ kind, model, plan, samples, time, batch = null, shapes = {}, threads }, services, deps) => {
    const inputs = batch === null && Object.keys(shapes).length === 0 ? null : { batch, shapes }
    const asked = { model, plan, samples: optionsOf(samples), time, threads: threads ?? deps.threads, inputs }
    const { run, value } = await runMeasurement(asked, services)
    return { kind, run, ...value }
  },
  convert: async ({ kind, output, samples, ...request }, services, { exports }) => {
    const isOnnx = request.to === 'onnx'
    const name = stem(request.model)
    const free = (): Promise<string> =>
      isOnnx ? freeName(exports, `${name}.float`, '.onnx') : freeFolder(exports, `${name}.tfjs`)
    const { run, value } = await runConversion(
      { ...request, output: output ?? (await free()), samples: samples && optionsOf(samples) },
      services,
    )
    const { target, sizeBytes, sourceBytes, files, maxRelativeError, layers, notes, accuracy } = value
    return {
      kind,
      run,
      output: value.output,
      target,
      bytes: sizeBytes,
      referenceBytes: sourceBytes,
      files,
      maxRelativeError,
      layers,
      accuracy: accuracy && { ...accuracy, evaluation: accuracy.evaluation.result },
      warnings: notes,
    }
  },
  train: async ({ kind: _, resumes, output, ...request }, services, deps) => {
    const former = resumes === null ? null : requestOfRun('train', resumes, services).request
    const asked = await startedAs<TrainRequest>(request, former, deps)
    const file = output ?? (await freeName(deps.exports, `${stem(subjectOf(request.start))}.trained`, '.onnx'))
    const { run, value } = await runTraining({ ...asked, output: file }, services, resumes)
    return trainResult(run, value)
  },
  qat: async ({ kind: _, resumes, output, ...request }, services, deps) => {
    const former = resumes === null ? null : requestOfRun('qat', resumes, services).request
    const asked = await startedAs<QatRequest>(request, former, deps)
    const file = output ?? (await freeName(deps.exports, `${stem(subjectOf(request.start))}.qat`, '.onnx'))
    const { run, value } = await runQat({ ...asked, output: file }, services, resumes)
    return qatResult(run, value)
  },
  compareQat: async ({ kind, resumes, output, ...request }, services, deps) => {
    const former = resumes === null ? null : requestOfRun('compareQat', resumes, services).request
    const asked = await startedAs<CompareRequest>(request, former, deps)
    const file = output ?? (await freeName(deps.exports, `${stem(subjectOf(request.start))}.qat`, '.onnx'))
    const { run, value } = await runQatComparison({ ...asked, output: file }, services, resumes)
    return { kind, run, ...value }
  },
  installEngine: async ({ kind }, services) => ({ kind, engine: engineView(await installTensorFlow(services)) }),
  pullData: (request, services) => pullOfficialSet(request, services),
  reproduce: ({ table, dataRoot, quick }, services, { exports, recipes }) =>
    measureTable({ name: table, dataRoot, quick, output: join(exports, 'tables'), recipes }, services),
  demo: async ({ kind, output }, services, { exports, sampleModel }) => {
    const { reportPath, files } = await runDemo(
      { model: sampleModel, output: output ?? join(exports, 'demo') },
      services,
    )
    return { kind, reportPath, files }
  },
}

/** A training that goes on takes the settings of the run it goes on with; where its files lie is as the window says, which was checked. */
async function startedAs<Asked extends Pick<TrainRequest, 'start' | 'data' | 'force'>>(
  request: Omit<Asked, 'start' | 'output'> & Pick<RequestOf<'train'>, 'start' | 'data' | 'force'>,
  former: Asked | null,
  { recipes }: JobWorkDeps,
): Promise<Omit<Asked, 'output'>> {
  const start = former?.start.kind === 'recipe' ? former.start : await trainStartOf(request.start, recipes)
  return { ...(former ?? request), start, data: request.data, force: request.force } as Omit<Asked, 'output'>
}

function subjectOf(start: RequestOf<'train'>['start']): string {
  return basename(start.kind === 'recipe' ? start.name : start.path)
}

/** One line about a request, for the jobs drawer. */
export function jobTitle(request: JobRequest): string {
  const name = 'model' in request ? modelName(request.model) : 'the built-in sample'
  switch (request.kind) {
    case 'quantize':
      return `Export ${name}`
    case 'evaluate':
      return `Evaluate ${name}`
    case 'bench':
      return `Time ${name}`
    case 'calibrate':
      return `Calibrate ${name}`
    case 'sensitivity':
      return `Sensitivity of ${name} (${request.configs})`
    case 'quickScan':
      return `Quick scan of ${name} (${request.configs})`
    case 'search':
      return `Search a plan for ${name}`
    case 'sweep':
      return `Accuracy against bits of ${name}`
    case 'measurePlan':
      return `Measure a plan of ${name}`
    case 'convert':
      return `Convert ${name}`
    case 'train':
      return `Train ${subjectOf(request.start)}`
    case 'qat':
      return `Train ${subjectOf(request.start)} for integers`
    case 'compareQat':
      return `Compare ways to quantize ${subjectOf(request.start)}`
    case 'installEngine':
      return 'Install libtensorflow'
    case 'pullData':
      return `Fetch ${request.name}`
    case 'reproduce':
      return `Table ${request.table}${request.quick ? ' (quick)' : ''}`
    case 'demo':
      return 'Demo on the built-in sample'
  }
}

/** The contract's options as the jobs take them; the seed has its default. */
export function optionsOf(samples: SampleOptionsInput): SampleOptions {
  return { ...samples, seed: samples.seed ?? 0 }
}

function stem(path: string): string {
  return modelName(path).replace(/\.onnx$/i, '')
}

/** A name in the folder that no file has yet: with `-2`, `-3` … where the plain one is taken. The folder is made where it is absent. */
async function freeName(folder: string, name: string, extension: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (let i = 1; ; i++) {
    const path = join(folder, `${name}${i === 1 ? '' : `-${i}`}${extension}`)
    const taken = await stat(path).then(
      () => true,
      () => false,
    )
    if (!taken) return path
  }
}

/** The same for a folder, which may be there already where it is empty: work that was cut off leaves one. Its path ends with a slash. */
async function freeFolder(folder: string, name: string): Promise<string> {
  for (let i = 1; ; i++) {
    const path = join(folder, i === 1 ? name : `${name}-${i}`)
    const entries = await readdir(path).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? [] : [error.code],
    )
    if (entries.length === 0) return `${path}${sep}`
  }
}
