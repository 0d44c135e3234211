import { expect, it } from 'vitest'
import type { JobRequestInput } from '../../src/shared/contract/api/jobs.ts'
import { FEW_DIGITS, runJob, testApplication, type TestClient } from '../builders/application.ts'

// A model file measured as it is, beside any other, with real workers.

async function lastOf(client: TestClient, request: JobRequestInput) {
  const last = (await runJob(client, request)).at(-1)!
  if (last.kind !== 'done') throw new Error(last.kind === 'failed' ? last.fault.code : last.kind)
  return last.result
}

it('agrees with itself in everything, and less with a copy of 4 bits', async () => {
  const client = testApplication().connect()
  const model = (await client.models.sample()).summary.path
  const evaluate = (reference: string) =>
    lastOf(client, { kind: 'evaluate', model, reference, samples: FEW_DIGITS, batch: 4, threads: 1 })
  const own = await evaluate(model)
  expect(own).toMatchObject({ kind: 'evaluate', engine: 'onnxruntime', evaluation: { samples: 64, agreement: 1 } })
  const plan = await client.plans.fromOptions({ mode: 'weightOnly', weights: 'int4' })
  const written = await lastOf(client, { kind: 'quantize', model, plan, samples: null })
  if (written.kind !== 'quantize' || own.kind !== 'evaluate') throw new Error('other results were asked for')
  const other = await evaluate(written.output)
  if (other.kind !== 'evaluate') throw new Error('an evaluation was asked for')
  expect(other.evaluation.outputs![0]!.sqnrDb).toBeLessThan(own.evaluation.outputs![0]!.sqnrDb)
  expect(other.evaluation.drop).not.toBeNull()
  const timed = await lastOf(client, { kind: 'bench', model, reference: written.output, batch: 2, threads: 1 })
  expect(timed).toMatchObject({ kind: 'bench', bench: { batch: 2, threads: 1 } })
})

it('is not run by TensorFlow.js where it is ONNX', async () => {
  const client = testApplication().connect()
  const model = (await client.models.sample()).summary.path
  await expect(lastOf(client, { kind: 'evaluate', model, engine: 'tfjs', samples: FEW_DIGITS })).rejects.toThrow(
    'usage.engine',
  )
})
