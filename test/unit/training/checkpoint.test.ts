import { describe, expect, it } from 'vitest'
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/main/training/checkpoint.ts'

const metrics = {
  epoch: 1,
  learningRate: 0.1,
  loss: 2,
  accuracy: 0.5,
  validationLoss: null,
  validationAccuracy: null,
  samplesPerSecond: 10,
}
const state = {
  epoch: 1,
  steps: 12,
  history: [metrics],
  tensors: new Map([
    ['a', Float32Array.of(1, -2.5)],
    ['b', new Float32Array(0)],
    ['c/momentum', Float32Array.of(3e-9)],
  ]),
}
const bytes = Buffer.concat(encodeCheckpoint(state))

describe('checkpoints', () => {
  it('come back as they were', () => {
    expect(decodeCheckpoint(bytes, 'c.bin')).toEqual(state)
  })

  it.each([
    { why: 'nothing', damaged: Buffer.alloc(0) },
    { why: 'another file', damaged: Buffer.from('PK\u0003\u0004 some other archive') },
    { why: 'cut in its header', damaged: bytes.subarray(0, 40) },
    { why: 'cut in its tensors', damaged: bytes.subarray(0, bytes.length - 1) },
    { why: 'longer than it says', damaged: Buffer.concat([bytes, Buffer.alloc(4)]) },
    {
      why: 'a header that is no JSON',
      damaged: Buffer.concat([bytes.subarray(0, 12), Buffer.from('?'), bytes.subarray(13)]),
    },
  ])('refuses $why', ({ damaged }) => {
    expect(() => decodeCheckpoint(damaged, 'c.bin')).toThrow(expect.objectContaining({ code: 'format.checkpoint' }))
  })
})
