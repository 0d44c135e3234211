import { create, toBinary } from '@bufbuild/protobuf'
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from '../../graph/model.ts'
import { numberOfDataType } from '../../graph/data-types.ts'
import { plainDomain, typeNumberOf } from './decode.ts'
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from './gen/onnx_pb.js'
import type {
  AttributeProto,
  GraphProto,
  NodeProto,
  OperatorSetIdProto,
  StringStringEntryProto,
  TensorProto,
  TensorShapeProto_Dimension,
  ValueInfoProto,
} from './gen/onnx_pb.js'
import { irVersionFor } from './ir-version.ts'
import { fromOpaque } from './opaque.ts'

/** Protobuf refuses messages of 2 GiB; some room is left for what the runtime adds when it dumps a model. */
export const protoLimitBytes = 2 ** 31 - 2 ** 20

/** Large external tensors start at a page, so that runtimes can map them; the threshold is that of onnxruntime's and onnx's writers. */
const pageBytes = 4096
const mappedFromBytes = 2 ** 20
/** The others start where any element type is aligned. */
const alignmentBytes = 64

export interface EncodeOptions {
  /** `auto` (default): only where the file would pass `limitBytes`; `always`: every tensor of `thresholdBytes` or more */
  readonly external?: 'auto' | 'always' | 'never'
  /** name of the data file beside the model; default `model.onnx.data` */
  readonly location?: string
  /** smaller tensors stay in the model file; default 1024 */
  readonly thresholdBytes?: number
  /** largest model file for `auto`; default `protoLimitBytes` */
  readonly limitBytes?: number
  /** constants that lie in a file already, and are not written; asked for each before anything else */
  readonly outside?: (tensor: Tensor) => OutsidePlace | null
}

/** Where the data of a constant lies, from `offset` on. */
export interface OutsidePlace {
  /** path of the file, relative to the model's folder */
  readonly location: string
  readonly offset: number
}

/** A file as a list of byte ranges to be written one after the other; they are views of the model's tensors where possible. */
export interface EncodedFile {
  readonly chunks: readonly Uint8Array[]
  readonly byteLength: number
}

export interface EncodedModel extends EncodedFile {
  /** the data file that goes beside the model, or null */
  readonly external: (EncodedFile & { readonly location: string }) | null
}

/**
 * Writes an ONNX file. Nothing is copied but small parts: tensors stay views. The IR version is raised where the model
 * needs it (`irVersionFor`), never lowered.
 * @throws Error when the file would pass 2 GiB although `external` is `never`
 */
export function encodeModel(model: Model, options: EncodeOptions = {}): EncodedModel {
  const mode = options.external ?? 'auto'
  const limit = options.limitBytes ?? protoLimitBytes
  const outside = options.outside ?? (() => null)
  if (mode !== 'always') {
    const inline = encodeWith(model, outside, null)
    if (inline.byteLength <= limit) return inline
    if (mode === 'never') throw new Error(`the model takes ${inline.byteLength} bytes, more than one file can hold`)
  }
  const file = new ExternalFile(options.location ?? 'model.onnx.data', options.thresholdBytes ?? 1024)
  return encodeWith(model, (tensor) => outside(tensor) ?? file.placeOf(tensor), file)
}

/** The model as one array of bytes, without external data. */
export function modelBytes(model: Model): Uint8Array {
  return joinChunks(encodeModel(model, { external: 'never' }))
}

/** All chunks in one new array. */
export function joinChunks(file: EncodedFile): Uint8Array {
  const bytes = new Uint8Array(file.byteLength)
  let offset = 0
  for (const chunk of file.chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

class ExternalFile {
  readonly location: string
  readonly threshold: number
  readonly chunks: Uint8Array[] = []
  byteLength = 0

  constructor(location: string, threshold: number) {
    this.location = location
    this.threshold = threshold
  }

  /** Appends the data of a large tensor. */
  placeOf({ dataType, data }: Tensor): OutsidePlace | null {
    if (dataType === 'string' || data.length < this.threshold) return null
    return { location: this.location, offset: this.#add(data) }
  }

  #add(data: Uint8Array): number {
    const alignment = data.length >= mappedFromBytes ? pageBytes : alignmentBytes
    const padding = (alignment - (this.byteLength % alignment)) % alignment
    if (padding > 0) this.chunks.push(new Uint8Array(padding))
    const offset = this.byteLength + padding
    this.chunks.push(data)
    this.byteLength = offset + data.length
    return offset
  }
}

type Outside = NonNullable<EncodeOptions['outside']>

function encodeWith(model: Model, outside: Outside, external: ExternalFile | null): EncodedModel {
  const head = fromOpaque(ModelProtoSchema, model.opaque)
  head.irVersion = BigInt(irVersionFor(model))
  head.opsetImport = opsetEntries(model, head.opsetImport)
  if (model.producerName !== '') head.producerName = model.producerName
  if (model.producerVersion !== '') head.producerVersion = model.producerVersion
  if (model.domain !== '') head.domain = model.domain
  if (model.modelVersion !== 0n) head.modelVersion = model.modelVersion
  if (model.docString !== '') head.docString = model.docString
  head.metadataProps = metadataEntries(model, head.metadataProps)
  const graph = graphChunks(model.graph, outside)
  const graphLength = lengthOf(graph)
  const chunks = [
    toBinary(ModelProtoSchema, head),
    lengthPrefix(ModelProtoSchema.field.graph.number, graphLength),
    ...graph,
  ]
  return {
    chunks,
    byteLength: lengthOf(chunks),
    external:
      external && external.chunks.length > 0
        ? { location: external.location, chunks: external.chunks, byteLength: external.byteLength }
        : null,
  }
}

/** @param kept entries of the file the model came from, where they hold more than domain and version */
function opsetEntries(model: Model, kept: readonly OperatorSetIdProto[]): OperatorSetIdProto[] {
  return [...model.opsets].map(([domain, version]) => {
    const entry =
      kept.find((other) => plainDomain(other.domain) === domain) ?? create(OperatorSetIdProtoSchema, { domain })
    entry.version = BigInt(version)
    return entry
  })
}

function metadataEntries(model: Model, kept: readonly StringStringEntryProto[]): StringStringEntryProto[] {
  return [...model.metadata].map(([key, value]) => {
    const entry = kept.find((other) => other.key === key) ?? create(StringStringEntryProtoSchema, { key })
    entry.value = value
    return entry
  })
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** Tag of a length-delimited field and the length. Source: protobuf wire format. */
function lengthPrefix(field: number, length: number): Uint8Array {
  const bytes: number[] = []
  for (let value of [field * 8 + 2, length]) {
    // division, not shifts: a length can pass 2^31
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
    bytes.push(value)
  }
  return Uint8Array.from(bytes)
}

/** The main graph: all but the initializers as one message, then each initializer with its data as a view. */
function graphChunks(graph: Graph, outside: Outside): Uint8Array[] {
  const chunks: Uint8Array[] = [toBinary(GraphProtoSchema, graphProto(graph, false))]
  for (const tensor of graph.initializers.values()) {
    const proto = tensorHead(tensor)
    const place = outside(tensor)
    if (place !== null) {
      pointOutside(proto, place, tensor.data.length)
      const bytes = toBinary(TensorProtoSchema, proto)
      chunks.push(lengthPrefix(GraphProtoSchema.field.initializer.number, bytes.length), bytes)
    } else {
      const bytes = toBinary(TensorProtoSchema, proto)
      const data =
        tensor.dataType === 'string'
          ? []
          : [lengthPrefix(TensorProtoSchema.field.rawData.number, tensor.data.length), tensor.data]
      chunks.push(
        lengthPrefix(GraphProtoSchema.field.initializer.number, bytes.length + lengthOf(data)),
        bytes,
        ...data,
      )
    }
  }
  return chunks
}

function pointOutside(proto: TensorProto, { location, offset }: OutsidePlace, length: number): void {
  const entries = { location, offset: String(offset), length: String(length) }
  proto.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  )
  proto.dataLocation = TensorProto_DataLocation.EXTERNAL
}

function graphProto(graph: Graph, withInitializers: boolean): GraphProto {
  const proto = fromOpaque(GraphProtoSchema, graph.opaque)
  if (graph.name !== '') proto.name = graph.name
  proto.node = graph.nodes.map(nodeProto)
  proto.input = graph.inputs.map(valueInfoProto)
  proto.output = graph.outputs.map(valueInfoProto)
  proto.valueInfo = [...graph.valueInfo.values()].map(valueInfoProto)
  if (withInitializers) proto.initializer = [...graph.initializers.values()].map(tensorProto)
  return proto
}

/** Name, type, dims and, for strings, the data. */
function tensorHead(tensor: Tensor): TensorProto {
  const proto = fromOpaque(TensorProtoSchema, tensor.opaque)
  if (tensor.name !== '') proto.name = tensor.name
  proto.dims = tensor.dims.map(BigInt)
  proto.dataType = numberOfDataType(tensor.dataType)
  if (tensor.dataType === 'string') proto.stringData = [...(tensor.strings ?? [])]
  return proto
}

function tensorProto(tensor: Tensor): TensorProto {
  const proto = tensorHead(tensor)
  if (tensor.dataType !== 'string') proto.rawData = tensor.data
  return proto
}

function nodeProto(node: Node): NodeProto {
  const proto = fromOpaque(NodeProtoSchema, node.opaque)
  const extras = new Map(proto.attribute.map((extra) => [extra.name, extra]))
  if (node.name !== '') proto.name = node.name
  proto.opType = node.opType
  if (node.domain !== '') proto.domain = node.domain
  proto.input = [...node.inputs]
  proto.output = [...node.outputs]
  proto.attribute = [...node.attributes].map(([name, value]) => attributeProto(name, value, extras.get(name)))
  return proto
}

function attributeProto(name: string, attribute: Attribute, extra: AttributeProto | undefined): AttributeProto {
  if (attribute.kind === 'other') {
    const other = fromOpaque(AttributeProtoSchema, attribute.value)
    other.name = name
    return other
  }
  const type = typeNumberOf(attribute.kind)
  const proto = extra?.type === type ? extra : create(AttributeProtoSchema)
  proto.name = name
  proto.type = type
  fillAttribute(proto, attribute)
  return proto
}

function fillAttribute(proto: AttributeProto, attribute: Exclude<Attribute, { kind: 'other' }>): void {
  switch (attribute.kind) {
    case 'float':
      proto.f = Math.fround(attribute.value)
      break
    case 'int':
      proto.i = attribute.value
      break
    case 'string':
      proto.s = attribute.value
      break
    case 'tensor':
      proto.t = tensorProto(attribute.value)
      break
    case 'graph':
      proto.g = graphProto(attribute.value, true)
      break
    case 'floats':
      proto.floats = attribute.value.map(Math.fround)
      break
    case 'ints':
      proto.ints = [...attribute.value]
      break
    case 'strings':
      proto.strings = [...attribute.value]
      break
    case 'graphs':
      proto.graphs = attribute.value.map((graph) => graphProto(graph, true))
      break
  }
}

function valueInfoProto(info: ValueInfo): ValueInfoProto {
  const proto = fromOpaque(ValueInfoProtoSchema, info.opaque)
  if (info.name !== '') proto.name = info.name
  if (info.dataType === null) return proto
  const type = proto.type ?? create(TypeProtoSchema)
  const tensor = type.value.case === 'tensorType' ? type.value.value : create(TypeProto_TensorSchema)
  tensor.elemType = numberOfDataType(info.dataType)
  if (info.shape === null) tensor.shape = undefined
  else {
    const previous = tensor.shape?.dim ?? []
    tensor.shape ??= create(TensorShapeProtoSchema)
    // denotations belong to places: they hold as long as the rank does
    const keep = previous.length === info.shape.length
    tensor.shape.dim = info.shape.map((dim, i) => {
      const proto = keep ? previous[i]! : create(TensorShapeProto_DimensionSchema)
      proto.value = dimValue(dim)
      return proto
    })
  }
  type.value = { case: 'tensorType', value: tensor }
  proto.type = type
  return proto
}

function dimValue(dim: number | string | null): TensorShapeProto_Dimension['value'] {
  if (dim === null) return { case: undefined }
  if (typeof dim === 'string') return { case: 'dimParam', value: dim }
  return { case: 'dimValue', value: BigInt(dim) }
}
