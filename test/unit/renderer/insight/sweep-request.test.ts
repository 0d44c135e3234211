import { describe, expect, it } from 'vitest'
import {
  configNames,
  questionFrom,
  questionOfRun,
  requestOfQuestion,
  usualQuestion,
} from '../../../../src/renderer/insight/sweep-request.ts'
import { jobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import type { Json } from '../../../../src/shared/contract/runs.ts'

const samples = { data: { kind: 'synthetic-digits' as const } }

describe('a question', () => {
  it('becomes a sweep, or a quick scan, as the contract takes them', () => {
    const sweep = requestOfQuestion({ ...usualQuestion, base: 'quantized', metric: 'kl' }, '/m.onnx', samples, 'r1')
    expect(sweep).toMatchObject({
      kind: 'sensitivity',
      configs: '8,int4',
      base: 'quantized',
      metric: 'kl',
      resumes: 'r1',
    })
    const scan = requestOfQuestion({ ...usualQuestion, quick: true }, '/m.onnx', samples)
    expect(scan).toEqual({ kind: 'quickScan', model: '/m.onnx', samples, configs: '8,int4' })
    for (const request of [sweep, scan]) expect(jobRequest.safeParse(request).success).toBe(true)
  })

  it('is read back from the run that answered it', () => {
    const asked = { ...usualQuestion, configs: ['8', '8:percentile'], exact: true }
    const parameters = { ...requestOfQuestion(asked, '/m.onnx', samples), quick: false } as unknown as Json
    expect(questionOfRun(parameters)).toEqual(asked)
    expect(questionOfRun({ configs: ' , ' })).toBeNull()
    expect(questionOfRun(null)).toBeNull()
  })

  it('is the usual one where what was kept cannot be read', () => {
    expect(questionFrom(null)).toEqual(usualQuestion)
    expect(questionFrom('{"configs":[]}')).toEqual(usualQuestion)
    expect(questionFrom(JSON.stringify({ ...usualQuestion, quick: true })).quick).toBe(true)
  })
})

it('takes configurations as the command line writes them, each once', () => {
  expect(configNames(' 8, int4 ,,8:percentile=99.9,8')).toEqual(['8', 'int4', '8:percentile=99.9'])
})
