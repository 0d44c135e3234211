import { evaluateModel } from '../evaluate.ts'
import { recordRun } from '../record-run.ts'
import { chooseSamples, samplesJson, type SampleOptions } from '../samples.ts'
import type { Services } from '../services.ts'
import type { ModelDescription } from '../tasks/describe-model.ts'
import type { Measured } from './port.ts'

/** Every model is evaluated so often, in turn, and its fastest time counts: what else the machine does only ever adds. */
const ROUNDS = 3

/**
 * Time inside ONNX Runtime that models need for all samples, in one process on one thread. Measured anew every time, in turn.
 * @throws Fault as `chooseSamples` and `evaluateModel`
 */
export async function measureTimes(
  paths: readonly string[],
  samples: SampleOptions,
  batch: number,
  services: Services,
): Promise<readonly Measured[]> {
  const times: Measured[] = paths.map(() => ({ value: Infinity, low: null, high: null, run: '' }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, path] of paths.entries()) {
      const { run, value } = await timeOnce(path, samples, batch, services)
      if (value < times[i]!.value) times[i] = { value, low: null, high: null, run }
    }
  }
  return times
}

function timeOnce(
  model: string,
  samples: SampleOptions,
  batch: number,
  services: Services,
): Promise<{ run: string; value: number }> {
  const { pool, signal, onProgress } = services
  return recordRun(services, { kind: 'bench', modelPath: model, parameters: { batch, workers: 1 } }, async (run) => {
    const description = await pool.run<{ path: string }, ModelDescription>(
      'describeModel',
      { path: model },
      { signal, retry: true },
    )
    const quiet = { ...services, onLog: () => undefined }
    const chosen = await chooseSamples(samples, description, false, quiet)
    run.identify({ modelHash: description.hash, dataHash: chosen.evaluation.hash })
    const { time, result } = await evaluateModel(
      {
        model,
        data: chosen.spec,
        split: chosen.evaluation.split,
        dataHash: chosen.evaluation.hash,
        range: chosen.ranges.evaluation,
        seed: chosen.seed,
        preprocess: chosen.preprocess,
        batch,
        workers: 1,
      },
      pool,
      { signal, onProgress },
    )
    return {
      value: time.modelMs,
      metrics: { modelMs: time.modelMs, wallMs: time.wallMs, samples: result.samples, batch },
      results: { samples: samplesJson(chosen) },
    }
  })
}
