import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Slots, together } from '../../../src/main/jobs/together.ts'

const never = new AbortController().signal

describe('works together', () => {
  it('give their results in their order', async () => {
    const works = [20, 5, 10].map((ms) => async () => {
      await sleep(ms)
      return ms
    })
    expect(await together(never, works)).toEqual([20, 5, 10])
  })

  it('are told to stop when one fails, which is thrown once all have ended', async () => {
    let ended = 0
    const slow = async (signal: AbortSignal): Promise<void> => {
      await sleep(1000, null, { signal }).catch(() => {})
      await sleep(20) // takes its time even so
      ended++
      signal.throwIfAborted()
    }
    const work = together(never, [slow, () => Promise.reject(new Error('first')), slow])
    await expect(work).rejects.toThrow('first')
    expect(ended).toBe(2)
  })

  it('see the signal from outside', async () => {
    const abort = new AbortController()
    const work = together(abort.signal, [(signal) => sleep(1000, null, { signal })])
    abort.abort(new Error('enough'))
    await expect(work).rejects.toThrow('abort')
  })
})

describe('slots', () => {
  it('hold so many at a time, in the order they come', async () => {
    const slots = new Slots(2)
    const began: number[] = []
    let [now, most] = [0, 0]
    const works = [3, 1, 2, 1].map((ms, i) =>
      slots.run(async () => {
        began.push(i)
        most = Math.max(most, ++now)
        await sleep(ms * 5)
        now--
        return i
      }),
    )
    expect(await Promise.all(works)).toEqual([0, 1, 2, 3])
    expect(began).toEqual([0, 1, 2, 3])
    expect(most).toBe(2)
  })

  it('hold as many as their weights let in, and nobody overtakes', async () => {
    const slots = new Slots(4)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const works = [1, 3, 4, 1].map((weight, i) =>
      slots.run(async () => {
        begun.push(i)
        await new Promise<void>((end) => (ends[i] = end))
      }, weight),
    )
    const settle = (): Promise<void> => new Promise((done) => setTimeout(done))
    await settle()
    expect(begun).toEqual([0, 1])
    ends[0]!()
    await settle()
    expect(begun).toEqual([0, 1])
    ends[1]!()
    await settle()
    expect(begun).toEqual([0, 1, 2])
    ends[2]!()
    await settle()
    expect(begun).toEqual([0, 1, 2, 3])
    ends[3]!()
    await Promise.all(works)
  })

  it('begin nothing more after a failure', async () => {
    const slots = new Slots(1)
    let later = 0
    const works = [
      slots.run(() => Promise.reject(new Error('first'))),
      slots.run(async () => void later++),
      slots.run(async () => void later++),
    ]
    for (const end of await Promise.allSettled(works))
      expect(end).toMatchObject({ status: 'rejected', reason: new Error('first') })
    expect(later).toBe(0)
  })
})
