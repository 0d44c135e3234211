import { create, isMessage, toBinary } from '@bufbuild/protobuf'
import type { Message, MessageInitShape } from '@bufbuild/protobuf'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
} from '../../src/main/formats/onnx/gen/onnx_pb.js'
import type { TensorProto, TensorProtoSchema } from '../../src/main/formats/onnx/gen/onnx_pb.js'

type GraphInit = Exclude<MessageInitShape<typeof GraphProtoSchema>, { $typeName: string }>
type ModelInit = Exclude<MessageInitShape<typeof ModelProtoSchema>, { $typeName: string }>

/** Adds a field that no schema has (number 999, naming the message type) to a message and all messages within. */
export function addUnknownFields(message: Message): void {
  const content = new TextEncoder().encode(message.$typeName)
  message.$unknown = [{ no: 999, wireType: 2, data: Uint8Array.of(content.length, ...content) }]
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (isMessage(value)) addUnknownFields(value)
    else if (typeof value === 'object' && value !== null && 'case' in value && 'value' in value) visit(value.value)
  }
  Object.values(message).forEach(visit)
}

/** `name` as a float tensor of the dims given. */
export function floatInfo(name: string, dims: readonly (number | string)[]) {
  const dim = dims.map((value) =>
    typeof value === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(value) } }
      : { value: { case: 'dimParam' as const, value } },
  )
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } } }
}

/** A file with the graph given, written without the codec, so that anything at all can stand in it. */
export function modelFileOf(graph: GraphInit, rest: ModelInit = {}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
      ...rest,
      graph: create(GraphProtoSchema, graph),
    }),
  )
}

/** A file that holds one initializer `w`, as the tensor given. */
export function fileWithTensor(tensor: Exclude<MessageInitShape<typeof TensorProtoSchema>, TensorProto>): Uint8Array {
  return modelFileOf({
    node: [{ opType: 'Relu', input: ['x'], output: ['y'] }],
    initializer: [{ name: 'w', ...tensor }],
    input: [floatInfo('x', [1])],
    output: [floatInfo('y', [1])],
  })
}
