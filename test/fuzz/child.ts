import { examine } from './examine.ts'
import type { Outcome } from './examine.ts'
import { allBases, mutant } from './mutants.ts'

/*
 * The process in which mutants are opened: a hang or a crash costs one mutant, and the parent sees it. Answers each index with
 * what came of that mutant and how much memory the process has ever held.
 */

/** What the parent asks for. */
export interface Question {
  readonly index: number
  readonly seed: number
}

export interface Answer {
  readonly index: number
  readonly outcome: Outcome
  readonly ms: number
  readonly peakMiB: number
}

const bases = allBases()

process.on('message', ({ index, seed }: Question) => {
  const { bytes } = mutant(bases, index, seed)
  const start = performance.now()
  const outcome = examine(bytes)
  const ms = performance.now() - start
  // KiB on Linux and Windows, and what libuv makes of it elsewhere
  process.send!({ index, outcome, ms, peakMiB: process.resourceUsage().maxRSS / 1024 } satisfies Answer)
})

process.send!('ready')
