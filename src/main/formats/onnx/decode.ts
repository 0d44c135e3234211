import { Fault } from '../../../shared/contract/fault.ts'
import type { Dim } from '../../../shared/contract/tensor.ts'
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from '../../graph/model.ts'
import { dataTypeOfNumber } from '../../graph/data-types.ts'
import { decodeTensor } from './decode-tensor.ts'
import type { DecodeContext } from './decode-tensor.ts'
import { bringIn, referencesIn } from './external.ts'
import type { ExternalReader, ExternalReference } from './external.ts'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from './gen/onnx_pb.js'
import type { AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto } from './gen/onnx_pb.js'
import { fromOpaque, restMessage, restOf, toOpaque } from './opaque.ts'
import { parseModel } from './parse.ts'

export interface DecodeOptions {
  /** how to read tensors kept outside the file; without it such a tensor is a fault */
  readonly external?: ExternalReader
  /** name of the file, for messages; default `model` */
  readonly source?: string
}

/** A file read so far that it is known what external data it needs. */
export interface OpenedModel {
  readonly references: readonly ExternalReference[]
  /** The model; call it once. @param external gives the bytes of each of `references` */
  readonly decode: (external: ExternalReader | null) => Model
}

/**
 * Reads an ONNX file. Every tensor encoding becomes raw little-endian bytes (views of `bytes` where the file has
 * raw_data: do not write to it afterwards); what the graph value does not hold is kept in the `opaque` members.
 * @param bytes a ModelProto
 * @throws Fault format.* naming the file, the place and the cause
 * Source: onnx.proto, IR 14.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  return openModel(bytes, options.source ?? 'model').decode(options.external ?? null)
}

/**
 * As `decodeModel`, in two steps, so that a caller can fetch external data in between.
 * @param source name of the file, for messages
 */
export function openModel(bytes: Uint8Array, source: string): OpenedModel {
  // a plain view: a Node Buffer would make every tensor's data a Buffer
  const proto = parseModel(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), source)
  const decode = (external: ExternalReader | null): Model => {
    bringIn(proto, external, source)
    return modelOf(proto, { source })
  }
  return { references: referencesIn(proto, source), decode }
}

const modelFields = new Set([
  'irVersion',
  'opsetImport',
  'producerName',
  'producerVersion',
  'domain',
  'modelVersion',
  'docString',
  'graph',
  'metadataProps',
])

/** Lists whose entries carry something unknown are kept as they are too, so that the encoder finds it there. */
function modelFieldsOf(proto: ModelProto): ReadonlySet<string> {
  const fields = new Set(modelFields)
  if (proto.opsetImport.some(({ $unknown }) => $unknown?.length)) fields.delete('opsetImport')
  if (proto.metadataProps.some(({ $unknown }) => $unknown?.length)) fields.delete('metadataProps')
  return fields
}

function modelOf(proto: ModelProto, context: DecodeContext): Model {
  const opaque = restOf(ModelProtoSchema, proto, modelFieldsOf(proto))
  const functions = new Set(proto.functions.map(({ domain, name }) => `${plainDomain(domain)}::${name}`))
  return {
    irVersion: Number(proto.irVersion),
    opsets: opsetsOf(proto, context),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    domain: proto.domain,
    modelVersion: proto.modelVersion,
    docString: proto.docString,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    graph: graphOf(proto.graph!, 'the graph', context),
    ...(functions.size === 0 ? {} : { functions }),
    ...(opaque === null ? {} : { opaque }),
  }
}

function opsetsOf(proto: ModelProto, context: DecodeContext): Map<string, number> {
  const opsets = new Map<string, number>()
  for (const entry of proto.opsetImport) {
    const domain = plainDomain(entry.domain)
    const version = Number(entry.version)
    const other = opsets.get(domain)
    if (other !== undefined && other !== version) {
      throw new Fault(
        'format.duplicateName',
        `${context.source} imports the operator set "${domain || 'ai.onnx'}" twice, in versions ${other} and ${version}`,
      )
    }
    opsets.set(domain, version)
  }
  return opsets
}

/** `ai.onnx` is the other spelling of the empty domain. Source: ONNX IR.md, operator sets. */
export function plainDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

const graphFields = new Set(['name', 'node', 'initializer', 'input', 'output', 'valueInfo'])

function graphOf(proto: GraphProto, where: string, context: DecodeContext): Graph {
  const initializers = new Map<string, Tensor>()
  for (const tensor of proto.initializer) {
    if (initializers.has(tensor.name)) {
      throw new Fault(
        'format.duplicateName',
        `${context.source}: two initializers of ${where} are named "${tensor.name}"`,
        { tensor: tensor.name },
      )
    }
    initializers.set(tensor.name, decodeTensor(tensor, `initializer`, context))
  }
  const opaque = restOf(GraphProtoSchema, proto, graphFields)
  const sparse = proto.sparseInitializer.flatMap(({ values }) => (values ? [values.name] : []))
  const info = (value: ValueInfoProto): ValueInfo => valueInfoOf(value, context)
  return {
    name: proto.name,
    nodes: proto.node.map((node, index) => nodeOf(node, index, context)),
    inputs: proto.input.map(info),
    outputs: proto.output.map(info),
    valueInfo: new Map(proto.valueInfo.map((value) => [value.name, info(value)])),
    initializers,
    ...(sparse.length === 0 ? {} : { opaqueNames: sparse }),
    ...(opaque === null ? {} : { opaque }),
  }
}

const nodeFields = new Set(['name', 'opType', 'domain', 'input', 'output', 'attribute'])

function nodeOf(proto: NodeProto, index: number, context: DecodeContext): Node {
  const where = `node ${index} (${proto.opType}${proto.name === '' ? '' : ` "${proto.name}"`})`
  const attributes = new Map<string, Attribute>()
  const extras: AttributeProto[] = []
  for (const attribute of proto.attribute) {
    if (attributes.has(attribute.name)) {
      throw new Fault(
        'format.duplicateName',
        `${context.source}: ${where} has two attributes named "${attribute.name}"`,
        { attribute: attribute.name },
      )
    }
    const value = attributeOf(attribute, where, context)
    attributes.set(attribute.name, value)
    const extra = value.kind === 'other' ? null : attributeExtra(attribute, value.kind)
    if (extra) extras.push(extra)
  }
  return {
    name: proto.name,
    opType: proto.opType,
    domain: plainDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    attributes,
    ...nodeRest(proto, extras),
  }
}

function nodeRest(proto: NodeProto, extras: AttributeProto[]): { opaque?: Node['opaque'] } {
  const rest = restMessage(NodeProtoSchema, proto, nodeFields)
  if (rest === null && extras.length === 0) return {}
  const message = rest ?? fromOpaque(NodeProtoSchema, null)
  message.attribute = extras
  return { opaque: toOpaque(NodeProtoSchema, message) }
}

const attributeFields = new Set(['name', 'type', 'f', 'i', 's', 't', 'g', 'floats', 'ints', 'strings', 'graphs'])

/** Doc string and unknown fields of an attribute; they travel in the node's opaque part. */
function attributeExtra(proto: AttributeProto, kind: SimpleKind): AttributeProto | null {
  const extra = restMessage(AttributeProtoSchema, proto, attributeFields)
  if (extra === null) return null
  extra.name = proto.name
  extra.type = typeNumberOf(kind)
  return extra
}

function attributeOf(proto: AttributeProto, where: string, context: DecodeContext): Attribute {
  const place = `attribute "${proto.name}" of ${where}`
  // the nodes read here are those of graphs; functions, where such references belong, are carried unread
  if (proto.refAttrName !== '') {
    throw new Fault(
      'format.malformed',
      `${context.source}: ${place} refers to the attribute "${proto.refAttrName}" of a function, but stands in none`,
    )
  }
  switch (declaredType(proto)) {
    case AttributeProto_AttributeType.FLOAT:
      return { kind: 'float', value: proto.f }
    case AttributeProto_AttributeType.INT:
      return { kind: 'int', value: proto.i }
    case AttributeProto_AttributeType.STRING:
      return { kind: 'string', value: proto.s }
    case AttributeProto_AttributeType.TENSOR:
      if (!proto.t) throw missing(place, 'tensor', context)
      return { kind: 'tensor', value: decodeTensor(proto.t, `the tensor in ${place}`, context) }
    case AttributeProto_AttributeType.GRAPH:
      if (!proto.g) throw missing(place, 'graph', context)
      return { kind: 'graph', value: graphOf(proto.g, `the subgraph in ${place}`, context) }
    case AttributeProto_AttributeType.FLOATS:
      return { kind: 'floats', value: proto.floats }
    case AttributeProto_AttributeType.INTS:
      return { kind: 'ints', value: proto.ints }
    case AttributeProto_AttributeType.STRINGS:
      return { kind: 'strings', value: proto.strings }
    case AttributeProto_AttributeType.GRAPHS:
      return { kind: 'graphs', value: proto.graphs.map((graph) => graphOf(graph, `a subgraph in ${place}`, context)) }
    default:
      return { kind: 'other', value: toOpaque(AttributeProtoSchema, proto) }
  }
}

function missing(place: string, what: string, context: DecodeContext): Fault {
  return new Fault('format.malformed', `${context.source}: ${place} is declared as a ${what} but holds none`)
}

/** The stated type, or, in files from before IR 2, the one whose field is filled. */
function declaredType(proto: AttributeProto): AttributeProto_AttributeType {
  const types = AttributeProto_AttributeType
  if (proto.type !== types.UNDEFINED) return proto.type
  if (proto.t) return types.TENSOR
  if (proto.g) return types.GRAPH
  if (Object.hasOwn(proto, 'f')) return types.FLOAT
  if (Object.hasOwn(proto, 'i')) return types.INT
  if (Object.hasOwn(proto, 's')) return types.STRING
  if (proto.floats.length > 0) return types.FLOATS
  if (proto.ints.length > 0) return types.INTS
  if (proto.strings.length > 0) return types.STRINGS
  if (proto.graphs.length > 0) return types.GRAPHS
  return types.UNDEFINED
}

/** The kinds whose value the graph holds. */
export type SimpleKind = Exclude<Attribute['kind'], 'other'>

/** The number of an attribute kind in a file. Source: onnx.proto, AttributeProto.AttributeType. */
export function typeNumberOf(kind: SimpleKind): AttributeProto_AttributeType {
  const types = AttributeProto_AttributeType
  switch (kind) {
    case 'float':
      return types.FLOAT
    case 'int':
      return types.INT
    case 'string':
      return types.STRING
    case 'tensor':
      return types.TENSOR
    case 'graph':
      return types.GRAPH
    case 'floats':
      return types.FLOATS
    case 'ints':
      return types.INTS
    case 'strings':
      return types.STRINGS
    case 'graphs':
      return types.GRAPHS
  }
}

function valueInfoOf(proto: ValueInfoProto, context: DecodeContext): ValueInfo {
  const type = proto.type?.value
  const tensor = type?.case === 'tensorType' ? type.value : null
  const dataType = tensor ? dataTypeOfNumber(tensor.elemType) : null
  const shape = tensor?.shape ? tensor.shape.dim.map((dim) => dimOf(dim.value, proto.name, context)) : null
  const opaque = isPlain(proto) && dataType !== null ? null : toOpaque(ValueInfoProtoSchema, proto)
  return { name: proto.name, dataType, shape, ...(opaque === null ? {} : { opaque }) }
}

function dimOf(
  value:
    { case: 'dimValue'; value: bigint } | { case: 'dimParam'; value: string } | { case: undefined; value?: undefined },
  name: string,
  context: DecodeContext,
): Dim {
  if (value.case === 'dimParam') return value.value === '' ? null : value.value
  if (value.case === undefined) return null
  if (value.value < 0n || value.value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Fault(
      'format.shape',
      `${context.source}: "${name}" has a dimension of ${value.value}; a length is 0 or more, and one that varies is a symbolic name`,
      { tensor: name },
    )
  }
  return Number(value.value)
}

/** True where name, element type and dims say everything. */
function isPlain(proto: ValueInfoProto): boolean {
  if (proto.docString !== '' || proto.metadataProps.length > 0 || proto.$unknown?.length) return false
  const type = proto.type
  if (type?.value.case !== 'tensorType' || type.denotation !== '' || type.$unknown?.length) return false
  const { shape, $unknown } = type.value.value
  if ($unknown?.length || shape?.$unknown?.length) return false
  return !shape?.dim.some((dim) => dim.denotation !== '' || dim.$unknown?.length)
}
