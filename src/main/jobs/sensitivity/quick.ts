import type { Configuration } from '../../search/grid.ts'
import type { Services } from '../services.ts'
import type { Study } from '../study.ts'

export interface QuickLayer {
  readonly id: string
  readonly config: string
  readonly rank: number
  readonly sqnrDb: number
  readonly weightSqnrDb: number | null
  readonly clippingNsr: number | null
  readonly roundingNsr: number | null
}
export interface QuickScan {
  readonly layers: readonly QuickLayer[]
  readonly samples: number
  readonly passes: number
  readonly wallMs: number
}
export async function runQuickScan(
  _folder: string,
  _study: Study,
  _c: readonly Configuration[],
  _s: Services,
): Promise<QuickScan> {
  throw new Error('not yet')
}
