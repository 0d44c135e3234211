import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { AppEvent, AppInfo } from '../../shared/contract/api/app.ts'
import { isAbort, problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'

type Listener<Kind extends AppEvent['kind']> = (event: Extract<AppEvent, { kind: Kind }>) => void

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 4000

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** What the window knows of the application it talks to: its facts, whether it is there, and what it tells. */
export const useAppStore = defineStore('app', () => {
  const info = shallowRef<AppInfo | null>(null)
  /** `lost`: it was there and will be tried again */
  const connection = ref<'connecting' | 'open' | 'lost'>('connecting')
  const problem = shallowRef<Problem | null>(null)
  /** counts up whenever the connection is there anew: what was told in between is not known */
  const epoch = ref(0)
  const listeners = new Map<AppEvent['kind'], Set<(event: AppEvent) => void>>()
  let listening: AbortController | null = null

  const isBrowser = computed(() => info.value?.host === 'browser')

  /** Calls `listener` at every event of a kind, until the function that comes back is called. */
  function on<Kind extends AppEvent['kind']>(kind: Kind, listener: Listener<Kind>): () => void {
    const all = listeners.get(kind) ?? new Set()
    const heard = listener as (event: AppEvent) => void
    listeners.set(kind, all.add(heard))
    return () => all.delete(heard)
  }

  async function ready(): Promise<void> {
    info.value = await client().app.info()
    problem.value = null
    connection.value = 'open'
    epoch.value += 1
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const events = await client().app.events(undefined, { signal })
    for await (const event of events) {
      if (event.kind === 'ready') await ready()
      for (const listener of listeners.get(event.kind) ?? []) listener(event)
    }
  }

  /** Follows the application's events for as long as the window lives; a lost connection is tried again, at first soon. */
  async function listen(): Promise<void> {
    listening?.abort()
    const control = new AbortController()
    listening = control
    let pause = FIRST_WAIT_MS
    while (!control.signal.aborted) {
      const before = epoch.value
      try {
        await follow(control.signal)
      } catch (error) {
        if (control.signal.aborted) return
        if (!isAbort(error)) problem.value = problemOf(error)
      }
      if (control.signal.aborted) return
      if (connection.value === 'open') connection.value = 'lost'
      pause = epoch.value > before ? FIRST_WAIT_MS : Math.min(LONGEST_WAIT_MS, pause * 2)
      await wait(pause, control.signal)
    }
  }

  function stop(): void {
    listening?.abort()
    listening = null
  }

  return { info, connection, problem, epoch, isBrowser, on, listen, stop }
})
