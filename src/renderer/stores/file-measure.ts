import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { JobEvent } from '../../shared/contract/api/jobs.ts'
import type { JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import { benchRequest, evaluateRequest, plainQuestion, shapesOf, type FileQuestion } from '../insight/file-measure.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'

/** The open model measured as the file it is: how right, beside any other model, in either engine; and how fast. */
export const useFileMeasureStore = defineStore('file-measure', () => {
  const models = useModelsStore()
  const isOpen = ref(false)
  const question = shallowRef<FileQuestion>(plainQuestion)
  const evaluation = shallowRef<JobResultOf<'evaluate'> | null>(null)
  const bench = shallowRef<JobResultOf<'bench'> | null>(null)

  const evaluating = createJobSlot(['evaluate'], {
    onTake: () => (evaluation.value = null),
    onEvent: (event: JobEvent) => {
      if (event.kind === 'done' && event.result.kind === 'evaluate') evaluation.value = event.result
    },
  })
  const timing = createJobSlot(['bench'], {
    onTake: () => (bench.value = null),
    onEvent: (event: JobEvent) => {
      if (event.kind === 'done' && event.result.kind === 'bench') bench.value = event.result
    },
  })

  const path = computed(() => models.current?.summary.path ?? null)
  /** TensorFlow.js runs its own files */
  const isTfjs = computed(() => models.current !== null && models.current.summary.format !== 'onnx')
  const isActive = computed(() => evaluating.isActive.value || timing.isActive.value)
  const shapesProblem = computed(() =>
    shapesOf(question.value.shapes) === null ? 'One input a line, like data=1x3x224x224' : null,
  )

  function ask(change: Partial<FileQuestion>): void {
    question.value = { ...question.value, ...change }
  }

  async function evaluate(samples: SampleOptionsInput): Promise<void> {
    if (path.value !== null && !isActive.value)
      await evaluating.start(evaluateRequest(path.value, question.value, samples))
  }

  async function time(): Promise<void> {
    if (path.value !== null && !isActive.value && shapesProblem.value === null)
      await timing.start(benchRequest(path.value, question.value))
  }

  watch(
    () => models.hash,
    () => {
      question.value = plainQuestion
      evaluation.value = null
      bench.value = null
    },
    { flush: 'sync' },
  )

  return {
    isOpen,
    question,
    evaluation,
    bench,
    isTfjs,
    isActive,
    shapesProblem,
    evaluationJob: evaluating.job,
    evaluationShare: evaluating.share,
    evaluationProblem: evaluating.problem,
    isEvaluating: evaluating.isActive,
    cancelEvaluation: evaluating.cancel,
    benchJob: timing.job,
    benchShare: timing.share,
    benchProblem: timing.problem,
    isTiming: timing.isActive,
    cancelTiming: timing.cancel,
    ask,
    evaluate,
    time,
  }
})
