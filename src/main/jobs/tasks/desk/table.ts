import type { TaskLoader } from '../registry.ts'

/** What a window asks of workers beside the jobs: looks at models, data and stores. */
export const deskTasks = {
  balanceData: async (deps) => (await import('./balance-data.ts')).createBalanceDataTask(deps),
  importRuns: async () => (await import('./import-runs.ts')).createImportRunsTask(),
  listCalibrated: async () => (await import('./view-activations.ts')).createListCalibratedTask(),
  previewData: async (deps) => (await import('./preview-data.ts')).createPreviewDataTask(deps),
  readTensor: async () => (await import('./read-tensor.ts')).createReadTensorTask(),
  sketchModel: async () => (await import('./sketch-model.ts')).createSketchModelTask(),
  viewActivations: async () => (await import('./view-activations.ts')).createViewActivationsTask(),
  viewWeights: async () => (await import('./view-weights.ts')).createViewWeightsTask(),
} satisfies Record<string, TaskLoader>
