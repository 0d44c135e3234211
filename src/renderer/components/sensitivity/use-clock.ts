import { onScopeDispose, ref, type Ref } from 'vue'

/** The time, in ms since 1970, once a second while the component lives: what is left of a job, how long ago a run was. */
export function useClock(): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), 1000)
  onScopeDispose(() => clearInterval(timer))
  return now
}
