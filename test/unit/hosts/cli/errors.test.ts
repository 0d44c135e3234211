import { CommanderError } from 'commander'
import { expect, it } from 'vitest'
import { endOf } from '../../../../src/main/hosts/cli/errors.ts'
import { Fault } from '../../../../src/shared/contract/fault.ts'

const live = new AbortController().signal
const aborted = AbortSignal.abort()

it.each([
  { why: 'a usage fault', error: new Fault('usage.overlap', 'x'), signal: live, exitCode: 2 },
  {
    why: 'commander found an unknown option',
    error: new CommanderError(1, 'commander.unknownOption', 'x'),
    signal: live,
    exitCode: 2,
  },
  { why: 'help was asked for', error: new CommanderError(0, 'commander.help', 'x'), signal: live, exitCode: 0 },
  { why: 'a broken model file', error: new Fault('format.truncated', 'x'), signal: live, exitCode: 3 },
  { why: 'bad data', error: new Fault('data.empty', 'x'), signal: live, exitCode: 3 },
  { why: 'a dead engine', error: new Fault('engine.crashed', 'x'), signal: live, exitCode: 4 },
  { why: 'a locked store', error: new Fault('store.locked', 'x'), signal: live, exitCode: 4 },
  { why: 'a target out of reach', error: new Fault('target.notReached', 'x'), signal: live, exitCode: 5 },
  {
    why: 'Ctrl-C, whatever it broke on the way',
    error: new Fault('engine.crashed', 'x'),
    signal: aborted,
    exitCode: 130,
  },
  { why: 'a bug', error: new TypeError('x'), signal: live, exitCode: 1 },
])('$why ends with $exitCode', ({ error, signal, exitCode }) => {
  expect(endOf(error, signal).exitCode).toBe(exitCode)
})

it('shows a fault without a stack and a bug with one', () => {
  expect(endOf(new Fault('data.empty', 'The folder is empty.'), live).message).toBe(
    'error: The folder is empty. [data.empty]',
  )
  expect(endOf(new TypeError('boom'), live).message).toMatch(/TypeError: boom\n\s+at /)
})
