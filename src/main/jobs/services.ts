import type { OnPartial } from '../../shared/contract/api/jobs.ts'
import type { OnLog, OnProgress } from '../../shared/contract/progress.ts'
import type { Environment } from '../../shared/contract/runs.ts'
import type { Store } from '../store/store.ts'
import type { WorkerPool } from './pool.ts'

/** What a job works with; a host puts it together once. */
export interface Services {
  readonly store: Store
  readonly pool: WorkerPool
  readonly environment: Environment
  /** the current time, ISO 8601 in UTC */
  readonly now: () => string
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLog: OnLog
  /** bytes of cached tensors that all workers may keep in memory; a tenth of the machine's when absent */
  readonly memoryBytes?: number
  /** called with what becomes known on the way, where somebody looks */
  readonly onPartial?: OnPartial
  /** called with the id of the run as soon as there is one */
  readonly onRun?: (run: string) => void
}
