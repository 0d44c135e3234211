import { reactive, watch } from 'vue'
import type { JobInfo } from '../../../shared/contract/api/jobs.ts'
import { useJobsStore } from '../../stores/jobs.ts'
import { useLayoutStore } from '../../stores/layout.ts'

const WORDS: Readonly<Partial<Record<JobInfo['state'], string>>> = {
  done: 'is done',
  failed: 'failed',
  cancelled: 'is cancelled',
}

/** What has become of jobs while nobody looked at them: a sentence for screen readers, and how many failed. */
export function useJobNews(): { readonly sentence: string; readonly failed: number } {
  const jobs = useJobsStore()
  const layout = useLayoutStore()
  const news = reactive({ sentence: '', failed: 0 })
  const states = new Map<string, JobInfo['state']>()
  const isShown = (): boolean => !layout.state.dockHidden && layout.state.dockTab === 'jobs'

  watch(
    () => jobs.jobs.map(({ id, state, title }) => ({ id, state, title })),
    (list) => {
      for (const { id, state, title } of list) {
        const before = states.get(id)
        states.set(id, state)
        // what had ended before the window came is no news
        if (before === undefined || before === state || WORDS[state] === undefined) continue
        news.sentence = `${title} ${WORDS[state]}.`
        if (state === 'failed' && !isShown()) news.failed += 1
      }
    },
    { immediate: true },
  )
  watch(isShown, (shown) => {
    if (shown) news.failed = 0
  })
  return news
}
