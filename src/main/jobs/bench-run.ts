import type { Json } from '../../shared/contract/runs.ts'
import { benchModel, type BenchRequest, type BenchResult } from './bench.ts'
import { recordRun } from './record-run.ts'
import type { Services } from './services.ts'
import type { ModelDescription } from './tasks/describe-model.ts'

/** `quantbench bench`: times a model as a run of the store. Times are measured anew every time. @throws Fault as `benchModel` */
export async function runBench(
  request: BenchRequest,
  services: Services,
): Promise<{ run: string; value: BenchResult }> {
  const { pool, signal, onProgress, onLog } = services
  const { layers: _layers, report: _report, ...parameters } = request
  return recordRun(
    services,
    { kind: 'bench', modelPath: request.model, parameters: parameters as unknown as Json },
    async (run) => {
      const { hash } = await pool.run<{ path: string }, ModelDescription>(
        'describeModel',
        { path: request.model },
        { signal },
      )
      run.identify({ modelHash: hash })
      const value = await benchModel(request, pool, { signal, onProgress, onLog })
      return {
        value,
        metrics: benchMetrics(value),
        layers: value.layers.map(({ id, op, execution, ms, reason }) => ({
          id,
          op,
          type: execution,
          execution,
          ms,
          reason,
          metrics: {},
        })),
        warnings: value.warnings,
        results: {
          interval: value.interval as Json,
          other: value.other as unknown as Json,
          shapes: value.shapes as unknown as Json,
        },
      }
    },
  )
}

function benchMetrics({ medianMs, referenceMedianMs, speedup, batch, threads }: BenchResult): Record<string, number> {
  if (referenceMedianMs === null || speedup === null) return { medianMs, batch, threads }
  return { medianMs, referenceMedianMs, speedup, batch, threads }
}
