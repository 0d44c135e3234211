import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { JobResult, JobResultOf } from '../../src/shared/contract/api/job-results.ts'
import type { JobKind, JobRequestInput } from '../../src/shared/contract/api/jobs.ts'
import { defaultPlan } from '../../src/shared/contract/plan.ts'
import { runJob, testApplication, type TestClient } from '../builders/application.ts'
import { sequenceClassifier, sequenceData } from '../builders/open-lengths.ts'

// What is timed, over a true port pair: a model that leaves batch and length of its sequences open.

async function resultOf<Kind extends JobKind>(
  client: TestClient,
  request: JobRequestInput & { kind: Kind },
): Promise<JobResultOf<Kind>> {
  const last = (await runJob(client, request)).at(-1)!
  if (last.kind !== 'done') throw new Error(`ended as ${last.kind}: ${JSON.stringify(last)}`)
  return last.result as Extract<JobResult, { kind: Kind }>
}

it('times a plan and a file at any batch and length that the model leaves open', async () => {
  const { connect, home } = testApplication()
  const client = connect()
  const [model, data] = [path.join(home, 'sequence.onnx'), path.join(home, 'sequences.npz')]
  fs.writeFileSync(model, sequenceClassifier())
  fs.writeFileSync(data, sequenceData(64))
  const { summary, sampleShapes } = await client.models.open({ path: model })
  expect(summary.inputs).toMatchObject([{ name: 'x', shape: ['batch', 'steps', 16] }])
  expect(sampleShapes['x']).toHaveLength(3)

  const samples = {
    data: { kind: 'npz' as const, path: data },
    range: { start: 16, end: 64 },
    calibrationRange: { start: 0, end: 16 },
  }
  const measure = { kind: 'measurePlan', model, plan: defaultPlan, samples, threads: 1 } as const
  const one = await resultOf(client, measure)
  expect(one.speed?.shapes).toBeNull()
  const long = await resultOf(client, { ...measure, batch: 4, shapes: { x: [4, 24, 16] } })
  expect(long.speed?.shapes).toEqual({ x: [4, 24, 16] })
  expect(long.speed!.layers.map(({ id }) => id)).toEqual(expect.arrayContaining(['first', 'second']))
  // accuracy is that of the samples, measured once
  expect(long).toMatchObject({ isNew: false, evaluation: one.evaluation })
  const batched = await resultOf(client, { ...measure, batch: 3 })
  expect(batched.speed?.shapes).toEqual({ x: [3, ...sampleShapes['x']!.slice(1)] })
  const { parameters, results } = await client.runs.show({ run: long.run })
  expect(parameters).toMatchObject({ batch: 4, shapes: { x: [4, 24, 16] } })
  expect(results).toMatchObject({ speed: { shapes: { x: [4, 24, 16] } } })

  const { bench } = await resultOf(client, { kind: 'bench', model, batch: 2, threads: 1, shapes: { x: [2, 30, 16] } })
  expect(bench).toMatchObject({ batch: 2, threads: 1 })
  const refused = (await runJob(client, { ...measure, shapes: { x: [1, 24, 17] } })).at(-1)!
  expect(refused).toMatchObject({ kind: 'failed', fault: { code: 'usage.inputShape' } })
})
