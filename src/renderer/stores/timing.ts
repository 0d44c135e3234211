import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import { z } from 'zod'
import { hasOpenBatch, openAxes, shapesOfLengths } from '../insight/open-axes.ts'
import { useModelsStore } from './models.ts'

const kept = z.object({
  batch: z.int().min(1).nullable(),
  threads: z.int().min(1).nullable(),
  /** lengths of open axes, by their key */
  lengths: z.record(z.string(), z.int().min(1)),
})
export type TimingChoice = z.infer<typeof kept>

const PLAIN: TimingChoice = { batch: null, threads: null, lengths: {} }

function choiceFrom(text: string | null): TimingChoice {
  try {
    return text === null ? PLAIN : kept.parse(JSON.parse(text))
  } catch {
    return PLAIN
  }
}

/** What plans of the open model are timed with: batch, threads and the lengths of axes that the file leaves open; kept for each model. */
export const useTimingStore = defineStore('timing', () => {
  const models = useModelsStore()
  const choice = shallowRef<TimingChoice>(PLAIN)
  const keyOf = (hash: string): string => `quantbench.timing.${hash}`
  watch(
    () => models.hash,
    (hash) => (choice.value = hash === null ? PLAIN : choiceFrom(localStorage.getItem(keyOf(hash)))),
    { immediate: true, flush: 'sync' },
  )

  const inputs = computed(() => models.current?.summary.inputs ?? [])
  const samples = computed(() => models.current?.sampleShapes ?? {})
  const axes = computed(() => openAxes(inputs.value, samples.value))
  const canBatch = computed(() => hasOpenBatch(inputs.value))

  function set(change: Partial<TimingChoice>): void {
    choice.value = { ...choice.value, ...change }
    if (models.hash !== null) localStorage.setItem(keyOf(models.hash), JSON.stringify(choice.value))
  }
  /** @param length null: as one sample has it */
  function setLength(key: string, length: number | null): void {
    const { [key]: _former, ...others } = choice.value.lengths
    set({ lengths: length === null ? others : { ...others, [key]: length } })
  }

  /** What a measurement is asked with beside plan and samples. */
  const request = computed(() => {
    const { threads, lengths } = choice.value
    const batch = canBatch.value ? choice.value.batch : null
    const shapes = shapesOfLengths(inputs.value, samples.value, lengths, batch)
    return { threads, batch, ...(Object.keys(shapes).length === 0 ? {} : { shapes }) }
  })
  /** in a few words: `batch 8 · seq 64 · 2 threads` */
  const text = computed(() => {
    const { threads, lengths } = choice.value
    const lengthTexts = axes.value.flatMap(({ key, label }) =>
      lengths[key] === undefined ? [] : [`${label} ${lengths[key]}`],
    )
    return [
      `batch ${request.value.batch ?? samples.value[inputs.value[0]?.name ?? '']?.[0] ?? 1}`,
      ...lengthTexts,
      ...(threads === null ? [] : [threads === 1 ? '1 thread' : `${threads} threads`]),
    ].join(' · ')
  })

  return { choice, axes, canBatch, request, text, set, setLength }
})
