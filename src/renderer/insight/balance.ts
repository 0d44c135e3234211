import type { DataView } from '../../shared/contract/api/data.ts'

/** Samples of the classes, and what can be said of them. */
export interface Balance {
  readonly counts: readonly number[]
  readonly most: number
  /** a sentence's end: `10 classes of 97 to 105 each` */
  readonly words: string
}

/** A class with less than this part of the middle one's samples is rare. */
const RARE = 0.25

/** How evenly the classes are filled. */
export function balanceOf({ balance, info }: Pick<DataView, 'balance' | 'info'>): Balance {
  if (balance === null || balance.counts.length === 0)
    return { counts: [], most: 0, words: info.labelled ? 'labelled' : 'without labels' }
  const { counts, looked, unlabelled } = balance
  const sorted = counts.filter((count) => count > 0).sort((a, b) => a - b)
  const [least = 0] = sorted
  const most = sorted.at(-1) ?? 0
  const middle = sorted[sorted.length >> 1] ?? 0
  const empty = counts.length - sorted.length
  const rare = sorted.filter((count) => count < RARE * middle).length
  const each = least === most ? `${most}` : `${least} to ${most}`
  const parts = [
    `${sorted.length} classes of ${each} each`,
    // of what was not looked at, nothing can be said
    empty > 0 && looked >= info.count ? `${empty} without a sample` : null,
    looked < info.count ? `among the first ${looked}` : null,
    rare > 0 ? `${rare} rare` : null,
    unlabelled > 0 ? `${unlabelled} without a label` : null,
  ]
  return { counts, most, words: parts.filter((part) => part !== null).join(', ') }
}
