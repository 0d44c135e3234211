import fs from 'node:fs'
import type {
  ActivationView,
  BestPlan,
  CalibratedTensor,
  OpenModel,
  RecentModel,
  StoredCalibration,
  TensorData,
  WeightView,
} from '../../../shared/contract/api/models.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { modelName } from '../../jobs/model-name.ts'
import { cardOf, type DeskModel, type ModelCard } from '../../jobs/desk/model-desk.ts'
import type { ViewActivationsInput, ViewActivationsOutput } from '../../jobs/tasks/desk/view-activations.ts'
import type { ViewWeightsInput } from '../../jobs/tasks/desk/view-weights.ts'
import type { CatalogModel } from '../../store/catalog.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

/** `models.*`: open a model, look inside. */
export function modelsRouter(app: Application) {
  const { models, store, desk, events } = app
  return os.models.router({
    open: os.models.open.handler(async ({ input, signal }) => opened(app, app.allowed(input.path), signal)),
    sample: os.models.sample.handler(({ signal }) => opened(app, app.sampleModel(), signal)),
    get: os.models.get.handler(async ({ input, signal }) => viewOf(await models.get(input.hash, signal))),
    recent: os.models.recent.handler(() => store.catalog.models().map((row) => recentOf(app, row))),
    forget: os.models.forget.handler(({ input }) => {
      models.forget(input.hash)
      events.tell({ kind: 'models' })
    }),
    keepThumbnail: os.models.keepThumbnail.handler(({ input }) => {
      store.catalog.keepThumbnail(input.hash, input.png)
      events.tell({ kind: 'models' })
    }),
    graph: os.models.graph.handler(({ input }) => models.graph(input.hash, input.form)),
    weights: os.models.weights.handler(async ({ input, signal }) => {
      const { desk: model, layer } = await models.layer(input.hash, input.layer)
      const { id, nodes } = layer
      return desk.run<ViewWeightsInput, WeightView[]>(
        'viewWeights',
        { path: model.preparedPath, layer: { id, nodes }, bins: input.bins },
        { signal },
      )
    }),
    tensor: os.models.tensor.handler(async ({ input, signal }) => {
      const { preparedPath: path } = await models.get(input.hash)
      return desk.run<{ path: string; tensor: string }, TensorData>(
        'readTensor',
        { path, tensor: input.tensor },
        { signal },
      )
    }),
    calibrations: os.models.calibrations.handler(({ input }) => store.facts.calibrations(input.hash)),
    calibrated: os.models.calibrated.handler(async ({ input, signal }) => {
      const { sha256 } = calibrationOf(app, input.hash, input.calibration)
      const collection = store.artifacts.pathOf(sha256)
      return desk.run<{ collection: string }, CalibratedTensor[]>('listCalibrated', { collection }, { signal })
    }),
    activations: os.models.activations.handler(async ({ input, signal }): Promise<ActivationView> => {
      const calibration = calibrationOf(app, input.hash, input.calibration)
      const { tensor, bits, symmetric, bins, calibrators } = input
      const collection = store.artifacts.pathOf(calibration.sha256)
      const view = await desk.run<ViewActivationsInput, ViewActivationsOutput>(
        'viewActivations',
        { collection, tensor, bits, symmetric, bins, calibrators: calibrators ?? [] },
        { signal },
      )
      return { ...view, calibration }
    }),
  })
}

async function opened(app: Application, path: string, signal: AbortSignal | undefined): Promise<OpenModel> {
  const model = await app.models.open(path, signal)
  app.events.tell({ kind: 'models' })
  return viewOf(model)
}

function viewOf({ preparedPath: _, ...view }: DeskModel): OpenModel {
  return view
}

function recentOf(app: Application, { hash, path, bytes, seenAt, card, thumbnail }: CatalogModel): RecentModel {
  const { opset, task, layers, parameters } =
    (card as unknown as ModelCard | null) ?? cardOf(app.store.catalog.model(hash)!)
  return {
    hash,
    path,
    bytes,
    seenAt,
    name: modelName(path),
    opset,
    task,
    layers,
    parameters,
    thumbnail,
    exists: fs.existsSync(path),
    best: bestOf(app, hash),
  }
}

/** The newest search's plan, else the newest measured one's. */
function bestOf({ store }: Application, hash: string): BestPlan | null {
  for (const kind of ['search', 'measurePlan'] as const) {
    const sort = { by: 'startedAt', descending: true }
    const { runs } = store.runs.page({
      filter: { kinds: [kind], statuses: ['done'], modelHash: hash },
      sort,
      offset: 0,
      limit: 1,
    })
    const [run] = runs
    if (!run) continue
    const { bytes, drop, speedup } = run.metrics
    return { run: run.id, bytes: bytes ?? null, drop: drop ?? null, speedup: speedup ?? null }
  }
  return null
}

/** @throws Fault data.noCalibration */
function calibrationOf({ store }: Application, hash: string, wanted: string | undefined): StoredCalibration {
  const known = store.facts.calibrations(hash).filter(({ sha256 }) => store.artifacts.has(sha256))
  const found = wanted === undefined ? known[0] : known.find(({ sha256 }) => sha256 === wanted)
  if (found) return found
  throw new Fault('data.noCalibration', 'This model has no stored calibration yet: choose data and calibrate first.', {
    hash,
  })
}
