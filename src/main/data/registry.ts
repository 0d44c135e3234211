import type { DataSpec, DataSplit } from '../../shared/contract/data.ts'
import type { SampleSource } from './port.ts'
import type { DataReader, OpenOptions } from './reader.ts'
import { cifar10Reader } from './readers/cifar10.ts'
import { imagesReader } from './readers/images.ts'
import { mnistReader } from './readers/mnist.ts'
import { npzReader } from './readers/npz.ts'
import { syntheticDigitsReader } from './readers/synthetic-digits.ts'

/** Every kind of data the product reads. */
export const dataReaders: readonly DataReader[] = [
  mnistReader,
  cifar10Reader,
  imagesReader,
  npzReader,
  syntheticDigitsReader,
]

/**
 * Opens one split of a data set. Close the source when done.
 * @throws Fault data.empty, data.noSplit, data.*, file.* naming the file and the place
 */
export function openSamples(spec: DataSpec, split: DataSplit, options: OpenOptions = {}): Promise<SampleSource> {
  return readerOf(spec).open(spec, split, options)
}

/** The splits a data set has; one that is not divided has only `test`. @throws Fault as `openSamples` */
export function listSplits(spec: DataSpec): Promise<readonly DataSplit[]> {
  return readerOf(spec).splits(spec)
}

function readerOf(spec: DataSpec): DataReader {
  const reader = dataReaders.find(({ kind }) => kind === spec.kind)
  if (!reader) throw new Error(`no reader for ${spec.kind}`)
  return reader
}
