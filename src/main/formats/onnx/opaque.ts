import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { create, fromBinary, isFieldSet, toBinary } from '@bufbuild/protobuf'
import type { Opaque } from '../../graph/model.ts'

/*
 * What nobody but the codec reads is kept as protobuf bytes of the message it came from, without the fields that the
 * graph value holds. Bytes survive a structured clone and compare by value; two encodings one after the other are one
 * message, so nothing is lost.
 */

/** Keeps a whole message. */
export function toOpaque<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Opaque {
  return toBinary(schema, message) as unknown as Opaque
}

/** The message kept, or an empty one. */
export function fromOpaque<Desc extends DescMessage>(schema: Desc, opaque: Opaque | undefined): MessageShape<Desc> {
  return opaque ? fromBinary(schema, opaque as unknown as Uint8Array) : create(schema)
}

/**
 * Keeps the fields of `message` that are set and not named in `interpreted`, and all unknown fields; null when there
 * are none, so that ordinary values stay plain.
 */
export function restOf<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  interpreted: ReadonlySet<string>,
): Opaque {
  const rest = restMessage(schema, message, interpreted)
  return rest === null ? null : toOpaque(schema, rest)
}

/** As `restOf`, but the message itself. */
export function restMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  interpreted: ReadonlySet<string>,
): MessageShape<Desc> | null {
  const kept = schema.fields.filter((field) => !interpreted.has(field.localName) && isFieldSet(message, field))
  const unknown = message.$unknown
  if (kept.length === 0 && !unknown?.length) return null
  const source = message as unknown as Record<string, unknown>
  const rest = create(schema)
  const target = rest as unknown as Record<string, unknown>
  for (const field of kept) target[field.localName] = source[field.localName]
  if (unknown?.length) rest.$unknown = unknown
  return rest
}
