import type { Download } from '../application.ts'
import { secretText } from './gate.ts'

/** A download link that nobody used is void after this time. */
const LINK_MS = 60_000

/** Links to files for downloads; each works once, for a minute. */
export class DownloadLinks {
  readonly #links = new Map<string, { readonly download: Download; readonly until: number }>()

  /** The path of a link. */
  linkTo(download: Download): string {
    const now = Date.now()
    for (const [token, { until }] of this.#links) if (until < now) this.#links.delete(token)
    const token = secretText()
    this.#links.set(token, { download, until: now + LINK_MS })
    return `/download/${token}`
  }

  /** What a link gives, which is used up; null for one that is unknown, used or too old. */
  take(token: string): Download | null {
    const found = this.#links.get(token)
    this.#links.delete(token)
    return found && found.until >= Date.now() ? found.download : null
  }
}
