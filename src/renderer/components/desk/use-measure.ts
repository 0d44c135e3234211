import { computed } from 'vue'
import { useRouter } from 'vue-router'
import type { SampleOptionsInput } from '../../../shared/contract/api/data.ts'
import type { OverlayName } from '../../plan/overlays.ts'
import { useAnswerStore } from '../../stores/answer.ts'
import { useModelsStore } from '../../stores/models.ts'
import { useSamplesStore } from '../../stores/samples.ts'

interface Action {
  readonly label: string
  readonly run: () => unknown
}

/** File name of the built-in sample, whose data are built in too. */
const SAMPLE_NAME = 'digits-cnn.onnx'

/** Measuring the plan on the samples in use, and where to go where there are none yet. */
export function useMeasure() {
  const answer = useAnswerStore()
  const models = useModelsStore()
  const samples = useSamplesStore()
  const router = useRouter()

  /** The samples to use; the built-in sample model brings its own. Null: the user has to choose first. */
  function samplesInUse(): SampleOptionsInput | null {
    if (samples.options === null && models.current?.name === SAMPLE_NAME) samples.chooseBuiltIn()
    return samples.options
  }
  const isReady = computed(() => samples.isReady || models.current?.name === SAMPLE_NAME)

  /** Measures, or leads to the choice of data where there is none. */
  async function measure(): Promise<void> {
    const own = samplesInUse()
    if (own === null) await router.push({ name: 'calibrate' })
    else await answer.measure(own)
  }

  /** The next step of an overlay that has nothing to show yet. */
  function scanAction(overlay: OverlayName): Action | null {
    switch (overlay) {
      case 'sensitivity':
      case 'sqnr':
        return { label: 'Go to Sensitivity', run: () => router.push({ name: 'sensitivity' }) }
      case 'latency':
      case 'execution':
        return { label: isReady.value ? 'Measure the plan' : 'Choose data', run: measure }
      case 'none':
      case 'size':
        return null
    }
  }

  return { isReady, samplesInUse, measure, scanAction }
}
