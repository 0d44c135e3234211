import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { JobInfo, JobRequestInput } from '../../shared/contract/api/jobs.ts'
import type { JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { ResolvedPlanView } from '../../shared/contract/api/plans.ts'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { RunKind } from '../../shared/contract/runs.ts'
import { conversionRequest, isConversion, type ConversionFormat, type WeightChoice } from '../plan/conversion.ts'
import { isModelFormat, planInMode, type ExportFormat } from '../plan/export-plan.ts'
import { createLatest } from '../plan/latest.ts'
import { problemOf, problemOfFault, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { handOver } from './hand-over.ts'
import { useEvidenceStore } from './evidence.ts'
import { useFilesStore } from './files.ts'
import { isEnded, useJobsStore } from './jobs.ts'
import { useModelsStore } from './models.ts'
import { usePlanFilesStore } from './plan-files.ts'
import { usePlanStore } from './plan.ts'
import { saveText } from './save-text.ts'

/** Kinds of runs that a report tells of. */
const REPORTED: readonly RunKind[] = ['quantize', 'measurePlan', 'evaluate', 'bench', 'sensitivity', 'search', 'sweep']
/** Newest runs of a model among which the newest of each kind is looked for. */
const LOOKED_AT = 100

/** The export: what is to be written, the job that writes it, and what came of it. */
export const useExportStore = defineStore('export', () => {
  const models = useModelsStore()
  const plan = usePlanStore()
  const planFiles = usePlanFilesStore()
  const evidence = useEvidenceStore()
  const files = useFilesStore()
  const jobs = useJobsStore()

  const format = ref<ExportFormat>('asPlanned')
  /** where the model goes; null: a new file beside the other exports */
  const output = ref<string | null>(null)
  /** how weights are stored for TensorFlow.js */
  const weights = shallowRef<WeightChoice>({ storage: 'plan', keepsFloat: true })
  const resolved = shallowRef<ResolvedPlanView | null>(null)
  const job = shallowRef<JobInfo | null>(null)
  const result = shallowRef<JobResultOf<'quantize'> | null>(null)
  /** the same for a conversion */
  const converted = shallowRef<JobResultOf<'convert'> | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const isBusy = ref(false)

  /** the plan as it is written */
  const exported = computed(() => (isModelFormat(format.value) ? planInMode(plan.plan, format.value) : plan.plan))
  const running = computed(() => {
    if (job.value === null) return null
    const own = jobs.byId.get(job.value.id) ?? job.value
    return isEnded(own) ? null : own
  })

  const resolver = createLatest<{ hash: string; plan: typeof plan.plan }, ResolvedPlanView>({
    ask: (asked, signal) => client().plans.resolve(asked, { signal }),
    onAnswer: (view) => (resolved.value = view),
    onError: (error) => (problem.value = problemOf(error)),
    pauseMs: 0,
  })
  /** Looks at what would be written: called while the dialog is open. */
  function look(): void {
    if (models.hash !== null) resolver.ask({ hash: models.hash, plan: exported.value })
  }

  async function chooseOutput(): Promise<void> {
    const stem = models.current?.name.replace(/\.[a-z]+$/i, '') ?? 'model'
    try {
      const path = await files.chooseTarget(`${stem}.quantized.onnx`, 'Export the model')
      if (path !== null) output.value = path
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  /** Writes the model. @param samples what static ranges come from; null where no layer needs any */
  async function writeModel(samples: SampleOptionsInput | null): Promise<void> {
    await start((model) => ({
      kind: 'quantize' as const,
      model,
      plan: exported.value,
      samples,
      // the dialog that chose the path has asked already whether to replace
      ...(output.value === null ? {} : { output: output.value, force: true }),
    }))
  }

  /**
   * Writes the model in another format, a TensorFlow.js model into a folder of its own.
   * @param samples what it is measured on afterwards, TensorFlow.js' in TensorFlow.js itself; null: it is not measured
   */
  async function convert(to: ConversionFormat, samples: SampleOptionsInput | null): Promise<void> {
    const how = { plan: plan.plan, weights: weights.value }
    await start((model) => conversionRequest(to, model, how, samples))
  }

  async function start(requestFor: (model: string) => JobRequestInput): Promise<void> {
    const model = models.current
    if (model === null || running.value !== null) return
    problem.value = null
    result.value = null
    converted.value = null
    try {
      job.value = await jobs.start(requestFor(model.summary.path))
      follow(job.value.id)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  function follow(id: string): void {
    const stop = jobs.follow(id, (event) => {
      if (event.kind === 'done' && event.result.kind === 'quantize') {
        result.value = event.result
        evidence.take(event.result)
      } else if (event.kind === 'done' && event.result.kind === 'convert') converted.value = event.result
      else if (event.kind === 'failed') problem.value = problemOfFault(event.fault)
      if (event.kind === 'done' || event.kind === 'failed' || event.kind === 'cancelled') queueMicrotask(() => stop())
    })
  }

  async function cancel(): Promise<void> {
    if (running.value !== null) await jobs.cancel(running.value.id)
  }

  /** Hands what was written to the user. */
  async function fetchResult(): Promise<void> {
    const path = (isConversion(format.value) ? converted.value : result.value)?.output
    if (path === undefined) return
    try {
      await handOver(path)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function writeReport(): Promise<void> {
    const hash = models.hash
    if (hash === null) return
    problem.value = null
    isBusy.value = true
    try {
      const { runs } = await client().runs.list({
        filter: { modelHash: hash, kinds: [...REPORTED], statuses: ['done'] },
        limit: LOOKED_AT,
      })
      const newest = [...new Map(runs.toReversed().map((run) => [run.kind, run.id])).values()]
      if (newest.length === 0)
        throw new Error('There is no run of this model to report on yet: measure the plan or export the model first.')
      const { fileName, html } = await client().runs.report({ runs: newest, title: models.current?.name })
      await saveText(fileName, 'text/html', html, 'Save the report')
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      isBusy.value = false
    }
  }

  async function writePlan(): Promise<void> {
    await planFiles.exportPlan()
    problem.value = planFiles.problem
  }

  watch(
    () => models.hash,
    () => {
      resolver.drop()
      output.value = null
      resolved.value = null
      job.value = null
      result.value = null
      converted.value = null
      problem.value = null
    },
  )

  return {
    format,
    output,
    weights,
    exported,
    resolved,
    running,
    result,
    converted,
    problem,
    isBusy,
    look,
    chooseOutput,
    writeModel,
    convert,
    cancel,
    fetchResult,
    writeReport,
    writePlan,
  }
})
