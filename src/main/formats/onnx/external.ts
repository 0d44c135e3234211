import { Fault } from '../../../shared/contract/fault.ts'
import { neededBytes } from './decode-tensor.ts'
import { ModelProtoSchema, TensorProto_DataLocation } from './gen/onnx_pb.js'
import type { ModelProto, TensorProto } from './gen/onnx_pb.js'
import { tensorsIn } from './tensors-in.ts'

/** Where a tensor's bytes lie outside the model file. Source: onnx.proto, TensorProto.external_data. */
export interface ExternalReference {
  /** as written in the model: a POSIX path relative to the model's folder, unchecked */
  readonly location: string
  /** byte offset in that file */
  readonly offset: number
  /** bytes, null: as many as the tensor needs, and where that is not known, to the end of the file */
  readonly length: number | null
  /** SHA-1 of the whole file in hex, where the model states one */
  readonly checksum: string | null
  /** name of the tensor, for messages */
  readonly tensor: string
}

/**
 * Gives the bytes of a reference; exactly `reference.length` of them where it is not null. May return a view.
 * @throws Fault format.external* when the file is missing, too short or outside the model's folder
 */
export type ExternalReader = (reference: ExternalReference) => Uint8Array

/** All references of a model, wherever the tensors stand. @throws Fault format.externalEntry */
export function referencesIn(proto: ModelProto, source: string): ExternalReference[] {
  return externalTensors(proto).map((tensor) => referenceOf(tensor, source))
}

/**
 * Puts external data into the tensors of a parsed model.
 * @throws Fault format.externalMissing where there is data to read and no reader; what the reader throws
 */
export function bringIn(proto: ModelProto, external: ExternalReader | null, source: string): void {
  for (const tensor of externalTensors(proto)) {
    const reference = referenceOf(tensor, source)
    if (external === null) {
      throw new Fault(
        'format.externalMissing',
        `${source}: tensor "${tensor.name}" keeps its data in "${reference.location}", which is not at hand`,
        { location: reference.location },
      )
    }
    tensor.rawData = external(reference)
    tensor.externalData = []
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT
  }
}

function externalTensors(proto: ModelProto): TensorProto[] {
  return [...tensorsIn(ModelProtoSchema, proto)].filter(
    (tensor) => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL,
  )
}

function referenceOf(proto: TensorProto, source: string): ExternalReference {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]))
  const location = entries.get('location') ?? ''
  if (location === '') {
    throw new Fault(
      'format.externalEntry',
      `${source}: tensor "${proto.name}" is marked as external but names no file`,
      { tensor: proto.name },
    )
  }
  const number = (key: string): number | null => {
    const text = entries.get(key)
    if (text === undefined || text === '') return null
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (!Number.isSafeInteger(value)) {
      throw new Fault(
        'format.externalEntry',
        `${source}: tensor "${proto.name}" gives "${text.slice(0, 40)}" as external ${key}; expected a whole number of bytes`,
        { tensor: proto.name },
      )
    }
    return value
  }
  return {
    location,
    offset: number('offset') ?? 0,
    length: number('length') ?? neededBytes(proto),
    checksum: entries.get('checksum') || null,
    tensor: proto.name,
  }
}
