import type { LayoutReply, LayoutRequest } from './layout-worker.ts'
import { layOut, type Layout, type LayoutInput } from './layout/index.ts'

/** Lays graphs out beside the page. */
export interface Layouter {
  /** @throws Error when the input is not laid out, DOMException AbortError after `close` */
  layOut(input: LayoutInput): Promise<Layout>
  close(): void
}

interface Waiting {
  readonly resolve: (layout: Layout) => void
  readonly reject: (reason: unknown) => void
  readonly input: LayoutInput
}

/**
 * Starts a worker for layouts. Where a worker cannot be started (some pages opened from a file), the page itself lays out: slower to answer
 * meanwhile, but the same picture.
 */
export function createLayouter(): Layouter {
  const waiting = new Map<number, Waiting>()
  let next = 0
  let worker = startWorker()
  worker?.addEventListener('message', ({ data }: MessageEvent<LayoutReply>) => {
    const request = waiting.get(data.id)
    waiting.delete(data.id)
    if ('layout' in data) request?.resolve(data.layout)
    else request?.reject(new Error(data.problem))
  })
  worker?.addEventListener('error', (event) => {
    console.warn(`The layout worker failed (${event.message || 'it could not be loaded'}); the page lays out itself.`)
    worker?.terminate()
    worker = null
    for (const { resolve, reject, input } of waiting.values()) answer(input, resolve, reject)
    waiting.clear()
  })
  return {
    layOut: (input) =>
      new Promise((resolve, reject) => {
        if (worker === null) return answer(input, resolve, reject)
        const id = next++
        waiting.set(id, { resolve, reject, input })
        worker.postMessage({ id, input } satisfies LayoutRequest)
      }),
    close() {
      worker?.terminate()
      worker = null
      for (const { reject } of waiting.values()) reject(new DOMException('The graph was closed.', 'AbortError'))
      waiting.clear()
    },
  }
}

function startWorker(): Worker | null {
  try {
    return new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
  } catch (error) {
    console.warn('The layout worker could not be started; the page lays out itself.', error)
    return null
  }
}

function answer(input: LayoutInput, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
  try {
    resolve(layOut(input))
  } catch (error) {
    reject(error)
  }
}
