import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { AppEvent, AppInfo } from '../../shared/contract/api/app.ts'
import { problemOf, type Problem } from '../problem.ts'
import type { ConnectionState } from '../rpc.ts'
import { client, connection } from './client.ts'

type Listener<Kind extends AppEvent['kind']> = (event: Extract<AppEvent, { kind: Kind }>) => void

/** What the window knows of the application it talks to: its facts, how it stands with the connection, and what it tells. */
export const useAppStore = defineStore('app', () => {
  const info = shallowRef<AppInfo | null>(null)
  const state = ref<ConnectionState>('connecting')
  const problem = shallowRef<Problem | null>(null)
  /** counts up whenever the connection is there anew: what was told in between is not known */
  const epoch = ref(0)
  const listeners = new Map<AppEvent['kind'], Set<(event: AppEvent) => void>>()
  let ends: readonly (() => void)[] = []

  const isBrowser = computed(() => info.value?.host === 'browser')

  /** Calls `listener` at every event of a kind, until the function that comes back is called. */
  function on<Kind extends AppEvent['kind']>(kind: Kind, listener: Listener<Kind>): () => void {
    const all = listeners.get(kind) ?? new Set()
    const heard = listener as (event: AppEvent) => void
    listeners.set(kind, all.add(heard))
    return () => all.delete(heard)
  }

  async function ready(): Promise<void> {
    try {
      info.value = await client().app.info()
      problem.value = null
      epoch.value += 1
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  function tell(event: AppEvent): void {
    if (event.kind === 'ready') void ready()
    for (const listener of listeners.get(event.kind) ?? []) listener(event)
  }

  /** Follows the application's events for as long as the window lives. */
  function listen(): void {
    stop()
    const host = connection()
    state.value = host.state
    const fail = (error: unknown): void => void (problem.value = problemOf(error))
    ends = [
      host.onState((now) => (state.value = now)),
      host.follow((rpc, signal) => rpc.app.events(undefined, { signal }), tell, fail),
    ]
  }

  function stop(): void {
    for (const end of ends) end()
    ends = []
  }

  return { info, state, problem, epoch, isBrowser, on, listen, stop }
})
