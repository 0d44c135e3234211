import { computed, shallowRef, watch, type Ref } from 'vue'
import type { RunKind, RunSummary } from '../../shared/contract/runs.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useModelsStore } from './models.ts'

/** Former runs that are offered. */
const OFFERED = 30

export interface FormerRunsOptions {
  readonly kind: RunKind
  /** id of the run on screen, null where there is none yet */
  readonly shown: () => string | null
  /** nothing is on screen: the newest whole run is brought there */
  readonly isFree: () => boolean
  /** a job of this kind is followed */
  readonly hasJob: () => boolean
  /** … and not ended */
  readonly isActive: () => boolean
  readonly open: (run: string) => Promise<void>
  /** another model is on the desk: what is on screen is not about it */
  readonly onOtherModel: () => void
}

export interface FormerRuns {
  readonly former: Readonly<Ref<readonly RunSummary[]>>
  readonly problem: Ref<Problem | null>
  /** the run on screen, where it was cut off and nothing of its kind is under way */
  readonly cutOff: Readonly<Ref<string | null>>
  readonly load: () => Promise<void>
}

/** Earlier runs of one kind of the open model, newest first: kept up to date while something looks at them. To be called while a store is set up. */
export function createFormerRuns(options: FormerRunsOptions): FormerRuns {
  const app = useAppStore()
  const models = useModelsStore()
  const former = shallowRef<readonly RunSummary[]>([])
  const problem = shallowRef<Problem | null>(null)

  async function load(): Promise<void> {
    const hash = models.hash
    if (hash === null) return
    try {
      const { runs } = await client().runs.list({
        filter: { modelHash: hash, kinds: [options.kind], statuses: ['done', 'interrupted'] },
        limit: OFFERED,
      })
      if (models.hash !== hash) return
      former.value = runs
      problem.value = null
      const newest = runs.find(({ status }) => status === 'done')
      if (newest && options.isFree() && !options.hasJob()) await options.open(newest.id)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  const cutOff = computed(() => {
    const found = former.value.find(({ id }) => id === options.shown())
    return found?.status === 'interrupted' && !options.isActive() ? found.id : null
  })

  watch(
    () => models.hash,
    () => {
      former.value = []
      problem.value = null
      if (!options.hasJob()) options.onOtherModel()
    },
    { flush: 'sync' },
  )
  // a host that was started anew has found which runs its crash cut off
  watch(
    () => app.epoch,
    (epoch) => {
      if (epoch > 0) void load()
    },
  )
  app.on('runs', () => {
    if (former.value.length > 0 || options.hasJob()) void load()
  })

  return { former, problem, cutOff, load }
}
