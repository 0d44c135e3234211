import type { DataCheck, DataPreview } from '../../../shared/contract/api/data.ts'
import type { DataSpec } from '../../../shared/contract/data.ts'
import { presetViews } from '../../data/preprocess.ts'
import { examineData, type ExaminedModel } from '../../jobs/data-doctor.ts'
import { listOfficialSets, officialFolder } from '../../jobs/desk/official-data.ts'
import { optionsOf } from '../../jobs/desk/job-work.ts'
import { chooseSamples, type ChosenSamples } from '../../jobs/samples.ts'
import type { SampleOptionsInput } from '../../../shared/contract/api/data.ts'
import type { BalanceDataInput, BalanceDataOutput } from '../../jobs/tasks/desk/balance-data.ts'
import type { PreviewDataInput, PreviewDataOutput } from '../../jobs/tasks/desk/preview-data.ts'
import type { ModelDescription } from '../../jobs/tasks/describe-model.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

/** `data.*`: samples, where they come from and what the model sees of them. */
export function dataRouter(app: Application) {
  const { store, desk } = app
  return os.data.router({
    describe: os.data.describe.handler(async ({ input, signal }) => {
      const view = await desk.run<BalanceDataInput, BalanceDataOutput>(
        'balanceData',
        { spec: allowedSpec(app, input.spec), split: input.split ?? null },
        { signal },
      )
      store.catalog.keepData(view.info, new Date().toISOString())
      return view
    }),
    preview: os.data.preview.handler(({ input, signal }) => previewOf(app, input, signal)),
    presets: os.data.presets.handler(() => presetViews()),
    recent: os.data.recent.handler(() => store.catalog.dataSets().map(({ hash: _, ...data }) => data)),
    official: os.data.official.handler(({ input: { folder } }) =>
      listOfficialSets(folder === null ? officialFolder(store.home) : app.allowed(folder)),
    ),
    check: os.data.check.handler(async ({ input, signal }): Promise<DataCheck> => {
      const { chosen, why, model } = await choose(app, input.hash, input.samples, input.calibrate, signal)
      const findings = await examineData(model, chosen, app.deskServices(signal))
      const { evaluation, calibration } = chosen.ranges
      return {
        findings,
        ranges: { evaluation, calibration, why },
        preprocess: chosen.preprocess,
        preset: chosen.preset,
      }
    }),
  })
}

/** @throws Fault file.outsideWorkspace */
export function allowedSpec(app: Application, spec: DataSpec): DataSpec {
  return spec.kind === 'synthetic-digits' ? spec : { ...spec, path: app.allowed(spec.path) }
}

interface Choice {
  readonly chosen: ChosenSamples
  readonly why: readonly string[]
  /** the prepared model */
  readonly model: ExaminedModel
}

async function choose(
  app: Application,
  hash: string,
  samples: SampleOptionsInput,
  calibrate: boolean,
  signal: AbortSignal | undefined,
): Promise<Choice> {
  const { preparedPath: path, summary } = await app.models.get(hash)
  const options = { ...optionsOf(samples), data: allowedSpec(app, samples.data) }
  const described = await app.desk.run<{ path: string }, ModelDescription>('describeModel', { path }, { signal })
  const why: string[] = []
  const services = { ...app.deskServices(signal), onLog: (_level: string, message: string) => void why.push(message) }
  const { inputs } = summary
  const chosen = await chooseSamples(options, { inputs, metadata: described.metadata }, calibrate, services)
  return { chosen, why, model: { path, hash: described.hash, inputs } }
}

async function previewOf(
  app: Application,
  input: {
    readonly hash: string
    readonly samples: SampleOptionsInput
    readonly calibration: boolean
    readonly count: number
  },
  signal: AbortSignal | undefined,
): Promise<DataPreview> {
  const { chosen, why } = await choose(app, input.hash, input.samples, input.calibration, signal)
  const { summary } = await app.models.get(input.hash)
  const info = (input.calibration ? chosen.calibration : null) ?? chosen.evaluation
  const { start, end } = (input.calibration ? chosen.ranges.calibration : null) ?? chosen.ranges.evaluation
  const request: PreviewDataInput = {
    inputs: summary.inputs,
    data: chosen.spec,
    dataHash: info.hash,
    split: info.split,
    seed: chosen.seed,
    range: { start, end: Math.min(end, start + input.count) },
    preprocess: chosen.preprocess,
    classes: info.classes,
  }
  const {
    samples,
    input: name,
    histogram,
  } = await app.desk.run<PreviewDataInput, PreviewDataOutput>('previewData', request, { signal })
  const about = why.find((sentence) => sentence.startsWith('Preprocessing: ')) ?? ''
  return {
    samples,
    input: name,
    histogram,
    preprocess: chosen.preprocess,
    preset: chosen.preset,
    why: about.replace('Preprocessing: ', ''),
  }
}
