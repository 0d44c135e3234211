import type { DataInfo, DataSpec, DataSplit } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { Sample, SampleSource } from './port.ts'

/** How a data set is opened. */
export interface OpenOptions {
  readonly signal?: AbortSignal
  /**
   * The hash found when this process's parent opened the same data: spares a worker the reading of every file. It is
   * taken on trust, so only pass what `DataInfo.hash` said moments ago.
   */
  readonly knownHash?: string
}

/** One kind of data: a row of `registry.ts`. */
export interface DataReader {
  readonly kind: DataSpec['kind']
  /** a line for the help page */
  readonly summary: string
  /** The splits found; data that are not divided have only `test`. @throws Fault file.*, data.* when there is nothing to read */
  splits(spec: DataSpec): Promise<readonly DataSplit[]>
  /** @throws Fault data.noSplit for a split that is not there; data.empty; what the format can get wrong */
  open(spec: DataSpec, split: DataSplit, options: OpenOptions): Promise<SampleSource>
}

/** A source whose content is in memory or drawn on demand. */
export function memorySource(info: DataInfo, sampleAt: (index: number) => Sample): SampleSource {
  if (info.count === 0) throw emptyFault(info.spec, info.split)
  const readNow = (index: number): Sample => {
    checkIndex(info, index)
    return sampleAt(index)
  }
  return {
    info,
    readNow,
    read: (index) => new Promise((resolve) => resolve(readNow(index))),
    close: () => Promise.resolve(),
  }
}

/** An index out of range is a bug of the caller: ranges were cut to `info.count`. */
export function checkIndex(info: DataInfo, index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= info.count) {
    throw new Error(`sample ${index} of ${info.count} in ${info.spec.kind}`)
  }
}

/** The path of a spec that has one. */
export function pathOf(spec: DataSpec): string {
  if (spec.kind === 'synthetic-digits') throw new Error('synthetic-digits has no path')
  return spec.path
}

export function emptyFault(spec: DataSpec, split: DataSplit): Fault {
  const place = spec.kind === 'synthetic-digits' ? spec.kind : spec.path
  return new Fault('data.empty', `${place} holds no samples (${split} split): give a folder or file with data.`, {
    split,
  })
}

/** @param found splits that are there */
export function noSplitFault(spec: DataSpec, split: DataSplit, found: readonly DataSplit[]): Fault {
  const place = spec.kind === 'synthetic-digits' ? spec.kind : spec.path
  const what = found.length === 1 ? `only a ${found[0]} split (or is not divided)` : 'no such split'
  return new Fault('data.noSplit', `${place} has ${what}, not "${split}": use --split ${found[0] ?? 'test'}.`, {
    split,
  })
}
