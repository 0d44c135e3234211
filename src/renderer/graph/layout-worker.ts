import { layOut, type LayoutInput } from './layout/index.ts'

/** What the page asks: one layout, answered under the same number. */
export interface LayoutRequest {
  readonly id: number
  readonly input: LayoutInput
}

/** A layout, or why there is none. */
export type LayoutReply =
  | { readonly id: number; readonly layout: ReturnType<typeof layOut> }
  | { readonly id: number; readonly problem: string }

// the only code that runs in the worker
addEventListener('message', ({ data }: MessageEvent<LayoutRequest>) => {
  try {
    postMessage({ id: data.id, layout: layOut(data.input) } satisfies LayoutReply)
  } catch (error) {
    postMessage({
      id: data.id,
      problem: error instanceof Error ? error.message : String(error),
    } satisfies LayoutReply)
  }
})
