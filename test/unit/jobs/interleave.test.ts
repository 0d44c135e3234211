import { describe, expect, it } from 'vitest'
import type { Session } from '../../../src/main/engines/port.ts'
import { timeInterleaved, type BenchLimits, type Contender } from '../../../src/main/jobs/tasks/interleave.ts'

/** A session that takes `ms` of busy time a run and notes its name. */
function contender(name: string, ms: number, log: string[]): Contender {
  const session: Session = {
    inputs: [],
    outputs: [],
    run: async () => {
      log.push(name)
      const end = performance.now() + ms
      while (performance.now() < end);
      return {}
    },
    release: () => Promise.resolve(),
    endProfiling: () => Promise.reject(new Error('not profiled')),
  }
  return { session, feeds: {} }
}

const quick: BenchLimits = { warmupMs: 1, minRounds: 6, minMs: 5, maxMs: 2000, precision: 0.2 }
const never = new AbortController().signal

describe('an interleaved comparison', () => {
  it('alternates who goes first, and measures the ratio', async () => {
    const log: string[] = []
    const timed = await timeInterleaved(
      contender('a', 2, log),
      contender('b', 6, log),
      { ...quick, minRounds: 8 },
      never,
      () => {},
    )
    const order = log.join('')
    expect(order).toMatch(/ab+a/)
    expect(order).toMatch(/ba+b/)
    expect(timed.speedup!.value).toBeGreaterThan(2)
    expect(timed.speedup!.value).toBeLessThan(4)
    expect(timed.speedup!.value).toBeCloseTo(timed.referenceMedianMs! / timed.medianMs, 10)
  })

  it('without a reference gives the time alone', async () => {
    const timed = await timeInterleaved(contender('a', 1, []), null, quick, never, () => {})
    expect(timed).toMatchObject({ referenceMedianMs: null, speedup: null })
    expect(timed.medianMs).toBeGreaterThanOrEqual(1)
    expect(timed.rounds).toBeGreaterThanOrEqual(6)
  })

  it('stops at the cap when the interval stays wide', async () => {
    const start = performance.now()
    await timeInterleaved(
      contender('a', 1, []),
      contender('b', 1, []),
      { ...quick, precision: 0, maxMs: 100 },
      never,
      () => {},
    )
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('stops between runs when aborted', async () => {
    const abort = new AbortController()
    const running = timeInterleaved(
      contender('a', 1, []),
      null,
      { ...quick, minMs: 60_000, maxMs: 60_000 },
      abort.signal,
      () => {
        abort.abort(new Error('enough'))
      },
    )
    await expect(running).rejects.toThrow('enough')
  })
})
