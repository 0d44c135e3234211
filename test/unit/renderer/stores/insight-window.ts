import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useJobsStore } from '../../../../src/renderer/stores/jobs.ts'
import { useModelsStore } from '../../../../src/renderer/stores/models.ts'
import type { JobEvent, JobInfo, JobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import type { OpenModel } from '../../../../src/shared/contract/api/models.ts'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'
import type { ValueSpec } from '../../../../src/shared/contract/tensor.ts'
import type { RunDetail } from '../../../../src/shared/contract/runs.ts'
import { os, TestFeed, testWindow } from '../host.ts'
import { layer } from '../plan/layers.ts'

export const HASH = `sha256:${'a'.repeat(64)}`
export const PATH = '/models/a.onnx'
const MODEL: OpenModel = {
  summary: {
    path: PATH,
    hash: HASH,
    format: 'onnx',
    producer: '',
    irVersion: 10,
    opset: { '': 17 },
    inputs: [],
    outputs: [],
    sizeBytes: 4_000_000,
    parameters: 1,
    macs: null,
    nodeCount: 3,
    layers: [layer('conv'), layer('fc'), layer('flat', { role: 'movement' })],
    notes: [],
  },
  name: 'a.onnx',
  task: 'classification',
  classes: 10,
  sampleShapes: {},
  problems: [],
  maxRelativeError: null,
}

/** A job as the host tells of it; running where a test does not say otherwise. */
export function job(kind: JobInfo['kind'], more: Partial<JobInfo> = {}): JobInfo {
  return {
    id: 'j1',
    kind,
    title: kind,
    model: PATH,
    state: 'running',
    canPause: true,
    progress: null,
    queuedAt: '2026-01-01T00:00:00.000Z',
    startedAt: '2026-01-01T00:00:01.000Z',
    endedAt: null,
    run: null,
    fault: null,
    ...more,
  }
}

/** A stored run; empty where a test does not say otherwise. */
export function run(id: string, more: Partial<RunDetail>): RunDetail {
  return {
    id,
    kind: 'sensitivity',
    status: 'done',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:01:00.000Z',
    modelHash: HASH,
    modelPath: PATH,
    dataHash: null,
    metrics: {},
    tags: [],
    note: '',
    parameters: null,
    environment: null,
    layers: [],
    artifacts: [],
    warnings: [],
    results: null,
    ...more,
  }
}

const isLast = ({ kind }: JobEvent): boolean => kind === 'done' || kind === 'failed' || kind === 'cancelled'

type InsightWindow = ReturnType<typeof testWindow> & {
  readonly feed: TestFeed<JobEvent>
  readonly state: { readonly started: JobRequest[]; readonly runs: RunDetail[] }
  readonly models: ReturnType<typeof useModelsStore>
  readonly jobs: ReturnType<typeof useJobsStore>
  readonly app: ReturnType<typeof useAppStore>
}

/** A window with one model that can be opened, whose host keeps runs and one job that a test tells of. */
export function insightWindow(
  options: {
    readonly runs?: readonly RunDetail[]
    readonly jobs?: readonly JobInfo[]
    readonly model?: { readonly inputs: readonly ValueSpec[]; readonly sampleShapes: OpenModel['sampleShapes'] }
  } = {},
): InsightWindow {
  const feed = new TestFeed<JobEvent>()
  const state = { started: [] as JobRequest[], runs: [...(options.runs ?? [])] }
  const { inputs = [], sampleShapes = {} } = options.model ?? {}
  const opened: OpenModel = { ...MODEL, summary: { ...MODEL.summary, inputs }, sampleShapes }
  const host = testWindow({
    models: {
      open: os.models.open.handler(() => opened),
      graph: os.models.graph.handler(() => ({
        form: 'prepared' as const,
        name: '',
        inputs: [],
        outputs: [],
        nodes: [],
        layers: [],
        tensors: [],
      })),
      calibrations: os.models.calibrations.handler(() => []),
    },
    plans: {
      list: os.plans.list.handler(() => []),
      resolve: os.plans.resolve.handler(() => ({ layers: [], problems: [] })),
      fromRun: os.plans.fromRun.handler(() => defaultPlan),
      fromOptions: os.plans.fromOptions.handler(({ input }) => ({
        ...defaultPlan,
        layers: Object.fromEntries((input.keepFloat ?? []).map((id) => [id, 'float' as const])),
      })),
      ofSweep: os.plans.ofSweep.handler(() =>
        [4, 8].map((bits) => ({
          what: 'weights' as const,
          bits,
          plan: {
            ...defaultPlan,
            defaults: { ...defaultPlan.defaults, weights: { ...defaultPlan.defaults.weights, bits } },
          },
        })),
      ),
    },
    runs: {
      list: os.runs.list.handler(({ input }) => {
        const runs = state.runs.filter(({ kind }) => input.filter?.kinds?.includes(kind) ?? true)
        return { total: runs.length, offset: 0, runs }
      }),
      show: os.runs.show.handler(({ input }) => state.runs.find(({ id }) => id === input.run)!),
    },
    jobs: {
      list: os.jobs.list.handler(() => options.jobs ?? []),
      start: os.jobs.start.handler(({ input }) => {
        state.started.push(input)
        return job(input.kind)
      }),
      watch: os.jobs.watch.handler(({ input, signal }) => {
        const known = options.jobs?.find(({ id }) => id === input.job)
        return feed.follow([{ kind: 'job', job: known ?? job('sensitivity') }], isLast, signal)
      }),
    },
  })
  return { ...host, feed, state, models: useModelsStore(), jobs: useJobsStore(), app: useAppStore() }
}
