import type { DescMessage, Message } from '@bufbuild/protobuf'
import { TensorProtoSchema } from './gen/onnx_pb.js'
import type { TensorProto } from './gen/onnx_pb.js'

interface Route {
  readonly name: string
  readonly isList: boolean
  readonly desc: DescMessage
}

const routes = new Map<DescMessage, readonly Route[]>()

/** Every TensorProto anywhere in a message: initializers, attributes, functions, sparse tensors, training graphs. */
export function* tensorsIn(desc: DescMessage, message: Message): Generator<TensorProto> {
  if (desc === TensorProtoSchema) {
    yield message as TensorProto
    return
  }
  const values = message as unknown as Record<string, Message | readonly Message[] | undefined>
  for (const { name, isList, desc: inner } of routesOf(desc)) {
    const value = values[name]
    if (value === undefined) continue
    for (const item of isList ? (value as readonly Message[]) : [value as Message]) yield* tensorsIn(inner, item)
  }
}

/** Fields of a message type through which a tensor can be reached. */
function routesOf(desc: DescMessage): readonly Route[] {
  let found = routes.get(desc)
  if (!found) {
    found = desc.fields.flatMap((field) =>
      field.message && !field.oneof && reaches(field.message, new Set())
        ? [{ name: field.localName, isList: field.fieldKind === 'list', desc: field.message }]
        : [],
    )
    routes.set(desc, found)
  }
  return found
}

function reaches(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (desc === TensorProtoSchema) return true
  if (seen.has(desc)) return false
  seen.add(desc)
  return desc.fields.some((field) => field.message !== undefined && reaches(field.message, seen))
}
