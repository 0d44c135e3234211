import { expect, it } from 'vitest'
import { SharedWork } from '../../../../src/main/jobs/desk/shared-work.ts'

function held(): { work: SharedWork<string>; finish: () => void; signal: () => AbortSignal } {
  const { promise, resolve } = Promise.withResolvers<string>()
  let given: AbortSignal | null = null
  const work = new SharedWork((signal) => {
    given = signal
    return promise
  })
  return { work, finish: () => resolve('done'), signal: () => given! }
}

it('goes on while somebody waits', async () => {
  const { work, finish, signal } = held()
  const leave = new AbortController()
  const left = work.wait(leave.signal)
  const stays = work.wait()
  leave.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  expect([signal().aborted, work.stopped]).toEqual([false, false])
  finish()
  expect(await stays).toBe('done')
})

it('is told to stop when the last one leaves', async () => {
  const { work, signal } = held()
  const [one, two] = [new AbortController(), new AbortController()]
  const waits = [work.wait(one.signal), work.wait(two.signal)]
  one.abort()
  two.abort(new Error('last'))
  expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(work.stopped).toBe(true)
  expect(signal().reason).toEqual(new Error('last'))
})

it('gives its result to who comes later, and is not stopped by who leaves then', async () => {
  const { work, finish } = held()
  finish()
  const leave = new AbortController()
  expect(await work.wait(leave.signal)).toBe('done')
  leave.abort()
  expect(work.stopped).toBe(false)
  await expect(work.wait(leave.signal)).rejects.toThrow()
})
