import { expect, it } from 'vitest'
import { hasEnded, OWNER_PATTERN, ownProcess } from '../../../src/main/store/owner.ts'
import { endedProcess } from '../../builders/owners.ts'

const [pid, machine, began] = ownProcess().split('_')

it('is the same each time, in letters that names of files may have', () => {
  expect(ownProcess()).toBe(ownProcess())
  expect(ownProcess()).toMatch(new RegExp(`^${OWNER_PATTERN}$`))
  expect(pid).toBe(String(process.pid))
})

it('tells a process that runs from one that has ended', () => {
  expect(hasEnded(ownProcess())).toBe(false)
  expect(endedProcess()).toMatch(new RegExp(`^${OWNER_PATTERN}$`))
  expect(hasEnded(endedProcess())).toBe(true)
})

it.skipIf(began === '')('tells a process from an earlier one with its id', () => {
  expect(hasEnded(`${pid}_${machine}_12345678x1`)).toBe(true)
})

it.each([
  { why: 'another machine, or another container', owner: `${pid}_00000000_${began}` },
  { why: 'none of ours', owner: 'somebody' },
  { why: 'nothing', owner: '' },
])('says that it does not know: $why', ({ owner }) => {
  expect(hasEnded(owner)).toBeNull()
})

it('sees by the id alone where the system does not say when a process began', () => {
  expect(hasEnded(`${process.pid}_${machine}_`)).toBe(false)
  expect(hasEnded(`${endedProcess().split('_')[0]}_${machine}_`)).toBe(true)
})
