import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startBrowserHost } from '../../src/main/hosts/browser/host.ts'

// A browser host as a process of its own that watches its event loop: `node host-child.ts HOME`. Says its link when it is up, and how long
// its event loop was held, in ms, whenever it is asked.

const RESOLUTION_MS = 2

/** How long timers came late, in ms. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly readings: number
}

const host = await startBrowserHost({ home: process.argv[2]!, roots: [process.argv[2]!] })
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
// the histogram counts the whole time between two timers: what is above the interval was lateness
const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
process.on('message', (ask: 'begin' | 'end') => {
  if (ask === 'begin') {
    delay.reset()
    delay.enable()
    return
  }
  delay.disable()
  const answer: LoopDelay = {
    p50: late(delay.percentile(50)),
    p99: late(delay.percentile(99)),
    max: late(delay.max),
    readings: delay.count,
  }
  process.send!(answer)
})
process.on('disconnect', () => void host.close().finally(() => process.exit(0)))
process.send!({ link: host.newLink() })
