import type { DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import type { SampleSource } from '../../data/port.ts'
import type { OpenOptions } from '../../data/reader.ts'
import type { Engine } from '../../engines/port.ts'

/** What hosts/worker hands to every task factory: the implementations chosen for this process. */
export interface TaskDeps {
  readonly engine: Engine
  /** @throws Fault data.* when the data cannot be opened */
  openSamples(spec: DataSpec, split: DataSplit, options?: OpenOptions): Promise<SampleSource>
}
