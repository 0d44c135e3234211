import type { ClassBalance } from '../../../../shared/contract/api/data.ts'
import type { DataInfo, DataSpec, DataSplit } from '../../../../shared/contract/data.ts'
import { shuffledOrder } from '../../../data/order.ts'
import { listSplits } from '../../../data/registry.ts'
import { defaultSplit } from '../../../data/order.ts'
import type { SampleSource } from '../../../data/port.ts'
import type { Task } from '../../worker-host.ts'
import type { TaskDeps } from '../deps.ts'

export interface BalanceDataInput {
  readonly spec: DataSpec
  /** null: the one a job would evaluate */
  readonly split: DataSplit | null
}

export interface BalanceDataOutput {
  readonly info: DataInfo
  readonly splits: readonly DataSplit[]
  readonly balance: ClassBalance | null
}

/** Labels are counted for so long; a random part of a larger set tells the balance as well. */
const MOST_MS = 1500

/** Opens a data set, says what it holds, and counts its labels. @throws Fault data.*, file.* */
export function createBalanceDataTask(deps: Pick<TaskDeps, 'openSamples'>): Task<BalanceDataInput, BalanceDataOutput> {
  return async ({ spec, split }, { signal }) => {
    const splits = await listSplits(spec)
    const source = await deps.openSamples(spec, split ?? defaultSplit(splits), { signal })
    try {
      return { info: source.info, splits, balance: source.info.labelled ? await countLabels(source, signal) : null }
    } finally {
      await source.close()
    }
  }
}

async function countLabels(source: SampleSource, signal: AbortSignal): Promise<ClassBalance> {
  const end = performance.now() + MOST_MS
  const counts: number[] = new Array<number>(source.info.classes?.length ?? 0).fill(0)
  let unlabelled = 0
  let looked = 0
  for (const index of shuffledOrder(source.info.count, 0)) {
    if (looked % 64 === 0) {
      signal.throwIfAborted()
      if (performance.now() > end) break
    }
    const { label } = source.readNow ? source.readNow(index) : await source.read(index)
    looked++
    if (label === null) unlabelled++
    else counts[label] = (counts[label] ?? 0) + 1
  }
  return { counts: Array.from(counts, (count) => count ?? 0), unlabelled, looked }
}
