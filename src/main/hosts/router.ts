import { implement } from '@orpc/server'
import type { AppInfo } from '../../shared/contract/api.ts'
import { api } from '../../shared/contract/api.ts'
import { PRODUCT } from '../../shared/contract/product.ts'

/** What the calls of the contract need from the host that serves them. */
export interface RouterDeps {
  readonly host: AppInfo['host']
  readonly versions: Readonly<Record<string, string | undefined>>
}

/** The contract implemented over one host's services; the same for both transports. */
export function createRouter(deps: RouterDeps) {
  const os = implement(api)
  const versions = Object.fromEntries(
    Object.entries(deps.versions).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  return os.router({
    app: {
      info: os.app.info.handler(() => ({ name: PRODUCT.name, version: PRODUCT.version, host: deps.host, versions })),
    },
  })
}
