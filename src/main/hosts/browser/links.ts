import type { DownloadFile } from '../application.ts'
import { secretText } from './gate.ts'

/** A download link that nobody used is void after this time. */
const LINK_MS = 60_000

/** Links to files for downloads; each works once, for a minute. */
export class DownloadLinks {
  readonly #files = new Map<string, { readonly file: DownloadFile; readonly until: number }>()

  /** The path of a link to a file. */
  linkTo(file: DownloadFile): string {
    const now = Date.now()
    for (const [token, { until }] of this.#files) if (until < now) this.#files.delete(token)
    const token = secretText()
    this.#files.set(token, { file, until: now + LINK_MS })
    return `/download/${token}`
  }

  /** The file of a link, which is used up; null for one that is unknown, used or too old. */
  take(token: string): DownloadFile | null {
    const found = this.#files.get(token)
    this.#files.delete(token)
    return found && found.until >= Date.now() ? found.file : null
  }
}
