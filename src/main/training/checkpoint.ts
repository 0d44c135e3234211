import { z } from 'zod'
import { Fault } from '../../shared/contract/fault.ts'
import type { TrainState } from './loop.ts'

/** First bytes of a checkpoint; the digit is its version. */
const MAGIC = 'QBTRAIN1'
const HEAD = MAGIC.length + 4

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

/** @throws Fault format.checkpoint for a file that is cut short or something else */
export function decodeCheckpoint(bytes: Uint8Array, file: string): TrainState {
  const text = new TextDecoder()
  if (bytes.length < HEAD || text.decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw damaged(file, 'it begins otherwise')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const start = HEAD + view.getUint32(MAGIC.length, true)
  if (start > bytes.length) throw damaged(file, 'it ends within its header')
  const parsed = header.safeParse(parseJson(text.decode(bytes.subarray(HEAD, start))))
  if (!parsed.success) throw damaged(file, 'its header is not sound')
  const { tensors: list, ...state } = parsed.data
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
