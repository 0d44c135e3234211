import { expect, it } from 'vitest'
import { isLoss, problemOf } from '../../../src/renderer/problem.ts'
import { Fault } from '../../../src/shared/contract/fault.ts'

it('shows a fault by its sentence, and keeps code and data to copy', () => {
  const problem = problemOf(new Fault('format.truncated', 'a.onnx is cut off.', { at: 12 }))
  expect(problem).toMatchObject({ sentence: 'a.onnx is cut off.', next: null, code: 'format.truncated' })
  expect(problem.detail).toContain('"at": 12')
})

it('says what to do where the sentence does not', () => {
  expect(problemOf(new Fault('engine.crashed', 'The worker ended.')).next).toContain('doctor')
  expect(problemOf(new Fault('internal.bug', 'Oh.')).next).toContain('report')
})

it('has words for what is no fault', () => {
  expect(problemOf(new TypeError('x is not a function'))).toMatchObject({ sentence: 'x is not a function', code: null })
  expect(problemOf('plain').sentence).toBe('plain')
  expect(problemOf(new Error('')).sentence).not.toBe('')
})

it('knows a lost connection, and says that it comes back by itself', () => {
  const lost = Object.assign(new Error('The connection to the host was lost before it answered.'), {
    name: 'ConnectionLost',
  })
  expect([isLoss(lost), isLoss(new Error('x'))]).toEqual([true, false])
  expect(problemOf(lost).next).toContain('reconnects')
})
