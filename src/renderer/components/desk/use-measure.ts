import { computed } from 'vue'
import { useRouter } from 'vue-router'
import type { SampleOptionsInput } from '../../../shared/contract/api/data.ts'
import type { OverlayName } from '../../plan/overlays.ts'
import { samplesOfRun } from '../../plan/kept-samples.ts'
import { useAnswerStore } from '../../stores/answer.ts'
import { useEvidenceStore } from '../../stores/evidence.ts'

interface Action {
  readonly label: string
  readonly run: () => unknown
}

/** Measuring the plan on the samples in use, and where to go where there are none yet. */
export function useMeasure() {
  const answer = useAnswerStore()
  const evidence = useEvidenceStore()
  const router = useRouter()

  const samples = computed<SampleOptionsInput | null>(() => {
    const [newest] = evidence.calibrations
    return newest ? samplesOfRun(newest.samples) : null
  })
  const isReady = computed(() => samples.value !== null)

  /** Measures, or leads to the choice of data where there is none. */
  async function measure(): Promise<void> {
    if (samples.value === null) await router.push({ name: 'calibrate' })
    else await answer.measure(samples.value)
  }

  /** The next step of an overlay that has nothing to show yet. */
  function scanAction(overlay: OverlayName): Action | null {
    switch (overlay) {
      case 'sensitivity':
      case 'sqnr':
        return { label: 'Go to Sensitivity', run: () => router.push({ name: 'sensitivity' }) }
      case 'latency':
      case 'execution':
        return isReady.value
          ? { label: 'Measure the plan', run: measure }
          : { label: 'Choose data', run: () => router.push({ name: 'calibrate' }) }
      case 'none':
      case 'size':
        return null
    }
  }

  return { samples, isReady, measure, scanAction }
}
