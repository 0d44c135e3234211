import type { DataInfo } from '../../shared/contract/data.ts'
import type { EngineTensor, TypedArray } from '../engines/port.ts'

/** A decoded picture, interleaved [height, width, channels], 0–255. */
export interface Picture {
  readonly kind: 'picture'
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  readonly pixels: Uint8Array
}

/** A sample that is already tensors, without the batch axis (npz); by model input name, or '' for the only one. */
export interface TensorSample {
  readonly kind: 'tensors'
  readonly tensors: Readonly<
    Record<
      string,
      { readonly dims: readonly number[]; readonly data: TypedArray; readonly dataType: EngineTensor['dataType'] }
    >
  >
}

export interface Sample {
  readonly index: number
  /** class index, null when unlabelled */
  readonly label: number | null
  /** file name or position, for messages */
  readonly name: string
  readonly content: Picture | TensorSample
}

/** Random access to the samples of one data set and split, in the data set's own order. */
export interface SampleSource {
  readonly info: DataInfo
  /** @throws Fault data.* naming the file and the place */
  read(index: number): Promise<Sample>
  /** The same without waiting, where the samples lie in memory: a promise a sample is a burden on small models. */
  readonly readNow?: (index: number) => Sample
  close(): Promise<void>
}
