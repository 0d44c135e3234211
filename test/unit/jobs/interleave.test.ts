import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../../../src/main/engines/port.ts'
import { timeInterleaved, type BenchLimits, type Contender } from '../../../src/main/jobs/tasks/interleave.ts'

/** The clock that is read meanwhile, in ms: a run moves it on by what it takes, and nothing else does. */
let clock = 0
beforeEach(() => {
  clock = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => clock)
})
afterEach(() => vi.restoreAllMocks())

/** A session that takes `ms` a run and notes its name. */
function contender(name: string, ms: number, log: string[]): Contender {
  const session: Session = {
    inputs: [],
    outputs: [],
    run: () => {
      log.push(name)
      clock += ms
      return Promise.resolve({})
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
    expect(timed).toMatchObject({ medianMs: 2, referenceMedianMs: 6 })
    expect(timed.speedup!.value).toBeCloseTo(3, 10)
  })

  it('without a reference gives the time alone', async () => {
    const timed = await timeInterleaved(contender('a', 1, []), null, quick, never, () => {})
    expect(timed).toMatchObject({ referenceMedianMs: null, speedup: null })
    expect(timed.medianMs).toBe(1)
    expect(timed.rounds).toBeGreaterThanOrEqual(6)
  })

  it('stops at the cap when the interval stays wide', async () => {
    const start = clock
    await timeInterleaved(
      contender('a', 1, []),
      contender('b', 1, []),
      { ...quick, precision: 0, maxMs: 100 },
      never,
      () => {},
    )
    expect(clock - start).toBeLessThan(200)
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
