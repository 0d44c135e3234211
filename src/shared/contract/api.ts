import { oc } from '@orpc/contract'
import { z } from 'zod'

/** What the about box, the empty state and bug reports show. */
export const appInfo = z.object({
  name: z.string(),
  version: z.string(),
  host: z.enum(['electron', 'browser']),
  versions: z.record(z.string(), z.string()),
})
export type AppInfo = z.infer<typeof appInfo>

/**
 * The calls both sides speak. A call or a feed is declared here and nowhere else; hosts implement it, the renderer gets a typed
 * client for it.
 */
export const api = {
  app: {
    info: oc.output(appInfo),
  },
}
export type Api = typeof api
