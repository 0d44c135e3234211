import { z } from 'zod'
import { Fault } from '../../shared/contract/fault.ts'
import type { TrainState } from './loop.ts'

/** First bytes of a checkpoint; the digit is its version. */
const MAGIC = 'QBTRAIN1'
/** Bytes before the header, which say how long it is. */
export const HEAD = MAGIC.length + 4

const rate = z.number().nullable()
const header = z.strictObject({
  epoch: z.int().min(0),
  steps: z.int().min(0),
  history: z.array(
    z.strictObject({
      epoch: z.int(),
      learningRate: z.number(),
      loss: z.number(),
      accuracy: z.number(),
      validationLoss: rate,
      validationAccuracy: rate,
      samplesPerSecond: z.number(),
    }),
  ),
  tensors: z.array(z.strictObject({ name: z.string(), length: z.int().min(0) })),
})

/** A training's state as bytes: magic, length of the JSON header (uint32, little-endian), header, then the tensors as float32. */
export function encodeCheckpoint({ epoch, steps, history, tensors }: TrainState): Uint8Array[] {
  const list = [...tensors].map(([name, values]) => ({ name, length: values.length }))
  const json = new TextEncoder().encode(JSON.stringify({ epoch, steps, history, tensors: list }))
  const head = new Uint8Array(HEAD)
  head.set(new TextEncoder().encode(MAGIC))
  new DataView(head.buffer).setUint32(MAGIC.length, json.length, true)
  const data = [...tensors.values()].map(
    (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  )
  return [head, json, ...data]
}

/**
 * Where the header ends that begins at `HEAD`.
 * @param bytes at least the first `HEAD` of the file
 * @throws Fault format.checkpoint for another kind of file
 */
export function headerEnd(bytes: Uint8Array, file: string): number {
  if (bytes.length < HEAD || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw damaged(file, 'it begins otherwise')
  return HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
}

/**
 * What a checkpoint says of itself, without its tensors.
 * @param bytes the header, `HEAD` to `headerEnd`
 * @throws Fault format.checkpoint
 */
export function decodeHeader(bytes: Uint8Array, file: string): z.infer<typeof header> {
  const parsed = header.safeParse(parseJson(new TextDecoder().decode(bytes)))
  if (parsed.success) return parsed.data
  throw damaged(file, 'its header is not sound')
}

/** @throws Fault format.checkpoint for a file that is cut short or something else */
export function decodeCheckpoint(bytes: Uint8Array, file: string): TrainState {
  const start = headerEnd(bytes, file)
  if (start > bytes.length) throw damaged(file, 'it ends within its header')
  const { tensors: list, ...state } = decodeHeader(bytes.subarray(HEAD, start), file)
  const expected = list.reduce((sum, { length }) => sum + length * 4, start)
  if (expected !== bytes.length) throw damaged(file, `it has ${bytes.length} bytes, ${expected} were due`)
  const tensors = new Map<string, Float32Array>()
  let offset = start
  for (const { name, length } of list) {
    // a copy, since floats need an aligned start (a Buffer's own slice would share memory)
    const values = new Float32Array(length)
    new Uint8Array(values.buffer).set(bytes.subarray(offset, offset + length * 4))
    tensors.set(name, values)
    offset += length * 4
  }
  return { ...state, tensors }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function damaged(file: string, why: string): Fault {
  return new Fault('format.checkpoint', `${file} is not a whole checkpoint: ${why}. Start the training anew.`, { file })
}
