import type { Json } from '../../../shared/contract/runs.ts'
import { recordRun } from '../record-run.ts'
import { samplesJson, type SampleOptions } from '../samples.ts'
import type { Services } from '../services.ts'
import { openStudy } from '../study.ts'
import type { CollectionDescription } from '../tasks/merge-collections.ts'
import { withWorkFolder } from '../work-folder.ts'

/** What a calibration answers beside the run's id. */
export interface CalibrateAnswer {
  readonly sha256: string
  readonly samples: number
  readonly tensors: number
  readonly warnings: readonly string[]
}

/** Collects the statistics of a model on samples as a run of the store; equal ones are found again. @throws Fault as `openStudy` */
export async function runCalibration(
  { model, samples }: { readonly model: string; readonly samples: SampleOptions },
  services: Services,
): Promise<{ run: string; value: CalibrateAnswer }> {
  const parameters = { samples } as unknown as Json
  return recordRun(services, { kind: 'calibrate', modelPath: model, parameters }, (run) =>
    withWorkFolder('calibrate', async (folder) => {
      const identify = (known: { modelHash?: string; dataHash?: string }): void => run.identify(known)
      const study = await openStudy(folder, { model, samples, needsRanges: true, identify }, services)
      const { path, sha256, bytes } = study.statistics!
      const { pool, signal } = services
      const found = await pool.run<{ path: string }, CollectionDescription | null>(
        'describeCollection',
        { path },
        { signal },
      )
      const { samples: count, tensors } = found! // it was written, or found sound, a moment ago
      const value: CalibrateAnswer = { sha256, samples: count, tensors, warnings: study.findings }
      return {
        value,
        metrics: { samples: count, tensors },
        artifacts: [{ role: 'calibration', sha256, bytes, path: null }],
        warnings: study.findings,
        results: { samples: samplesJson(study.chosen!) },
      }
    }),
  )
}
