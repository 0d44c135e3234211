import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { deskTasks } from './desk/table.ts'

/** Makes a task; its code is loaded when it is first asked for, so that a child loads only what it does. */
export type TaskLoader = (deps: TaskDeps) => Promise<Task<never, unknown>>

/** What worker processes can do: one row a task, its code in the file of the same name. */
export const taskTable = {
  ...deskTasks,
  bench: async (deps) => (await import('./bench.ts')).createBenchTask(deps),
  buildModel: async () => (await import('./build-model.ts')).createBuildModelTask(),
  calibrate: async (deps) => (await import('./calibrate.ts')).createCalibrateTask(deps),
  checkEngine: async (deps) => (await import('./check-engine.ts')).createCheckEngineTask(deps),
  convert: async (deps) => (await import('./convert.ts')).createConvertTask(deps),
  describeCollection: async () => (await import('./merge-collections.ts')).createDescribeCollectionTask(),
  describeData: async () => (await import('./describe-data.ts')).createDescribeDataTask(),
  describeModel: async () => (await import('./describe-model.ts')).createDescribeModelTask(),
  equalize: async () => (await import('./equalize.ts')).createEqualizeTask(),
  evaluate: async (deps) => (await import('./evaluate.ts')).createEvaluateTask(deps),
  explain: async () => (await import('./explain.ts')).createExplainTask(),
  exposeFrontier: async () => (await import('./sensitivity-cut.ts')).createExposeFrontierTask(),
  graphView: async (deps) => (await import('./graph-view.ts')).createGraphViewTask(deps),
  inspect: async (deps) => (await import('./inspect.ts')).createInspectTask(deps),
  instrument: async (deps) => (await import('./instrument.ts')).createInstrumentTask(deps),
  mergeCollections: async () => (await import('./merge-collections.ts')).createMergeCollectionsTask(),
  pullData: async () => (await import('./pull-data.ts')).createPullDataTask(),
  qat: async () => (await import('./qat.ts')).createQatTask(),
  quantize: async () => (await import('./quantize.ts')).createQuantizeTask(),
  repair: async (deps) => (await import('./repair.ts')).createRepairTask(deps),
  scanBuild: async () => (await import('./quick-scan.ts')).createScanBuildTask(),
  scanRun: async (deps) => (await import('./quick-scan.ts')).createScanRunTask(deps),
  sensitivityCut: async (deps) => (await import('./sensitivity-cut.ts')).createSensitivityCutTask(deps),
  sensitivityPrefix: async (deps) => (await import('./sensitivity-prefix.ts')).createSensitivityPrefixTask(deps),
  sensitivitySpread: async (deps) => (await import('./sensitivity-spread.ts')).createSensitivitySpreadTask(deps),
  sensitivitySuffix: async (deps) => (await import('./sensitivity-suffix.ts')).createSensitivitySuffixTask(deps),
  summarize: async () => (await import('./summarize.ts')).createSummarizeTask(),
  sampleKl: async () => (await import('./summarize.ts')).createSampleKlTask(),
  tfCheck: async () => (await import('./tensorflow.ts')).createTfCheckTask(),
  tfInstall: async () => (await import('./tensorflow.ts')).createTfInstallTask(),
  train: async () => (await import('./train.ts')).createTrainTask(),
  tryPreprocess: async (deps) => (await import('./try-preprocess.ts')).createTryPreprocessTask(deps),
  verify: async (deps) => (await import('./verify.ts')).createVerifyTask(deps),
} satisfies Record<string, TaskLoader>
