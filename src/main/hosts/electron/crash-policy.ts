/** Reloads within this time count together. */
const WINDOW_MS = 60_000
const MOST_RELOADS = 3

/**
 * Whether a page that crashed is loaded again: what it shows lives in the host, so that nothing is lost; a page that crashes again and again
 * is left alone.
 * @param now the clock, in ms
 */
export function createCrashPolicy(now: () => number): (reason: string) => 'reload' | 'giveUp' | 'ignore' {
  let reloads: number[] = []
  return (reason) => {
    if (reason === 'clean-exit') return 'ignore'
    reloads = reloads.filter((at) => now() - at < WINDOW_MS)
    if (reloads.length >= MOST_RELOADS) return 'giveUp'
    reloads.push(now())
    return 'reload'
  }
}
