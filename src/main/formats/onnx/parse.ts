import { fromBinary } from '@bufbuild/protobuf'
import { Fault } from '../../../shared/contract/fault.ts'
import { ModelProtoSchema } from './gen/onnx_pb.js'
import type { ModelProto } from './gen/onnx_pb.js'
import { guessFormat } from './sniff.ts'
import { findWireProblem } from './wire.ts'
import type { WireProblem } from './wire.ts'

/**
 * Reads bytes as a ModelProto, after a walk that checks every length and nesting before anything is built.
 * @param source name of the file, for messages
 * @throws Fault format.empty, format.notOnnx, format.truncated, format.malformed
 */
export function parseModel(bytes: Uint8Array, source: string): ModelProto {
  if (bytes.length === 0) throw new Fault('format.empty', `${source} is empty: fetch or export the model again`)
  // no ONNX file starts like a zip archive or a web page, so that asking first costs nothing where the file is fine
  const problem = findWireProblem(bytes, ModelProtoSchema)
  if (problem) throw faultOf(problem, bytes, source)
  const proto = build(bytes, source)
  if (!proto.graph) throw notOnnx(bytes, source, 'it holds no graph')
  return proto
}

function build(bytes: Uint8Array, source: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { recursionLimit: 100 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('format.malformed', `${source} is damaged: ${reason}`, {}, { cause })
  }
}

function faultOf(problem: WireProblem, bytes: Uint8Array, source: string): Fault {
  const place = problem.path === '' ? `at byte ${problem.offset}` : `in ${problem.path} at byte ${problem.offset}`
  // a field of the wrong kind or an impossible tag at the outermost level: some other sort of file
  const isForeign =
    !startsLikeOnnx(bytes) || (!problem.path.includes('.') && !problem.path.startsWith('graph') && !problem.truncated)
  if (isForeign) return notOnnx(bytes, source, `${problem.cause} ${place}`)
  const data = { offset: problem.offset, path: problem.path }
  if (problem.truncated) {
    return new Fault(
      'format.truncated',
      `${source} is cut short: it ends ${place} (${problem.cause}), at ${bytes.length} bytes; fetch or copy the file again`,
      data,
    )
  }
  return new Fault(
    'format.malformed',
    `${source} is damaged ${place}: ${problem.cause}; fetch or export the model again`,
    data,
  )
}

/** Writers put ir_version, a small number, first. */
function startsLikeOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 8 && bytes[1]! < 128
}

function notOnnx(bytes: Uint8Array, source: string, found: string): Fault {
  const guess = guessFormat(bytes)
  if (guess)
    return new Fault('format.notOnnx', `${source} is ${guess.is}, not an ONNX model: ${guess.advice}`, {
      kind: guess.kind,
    })
  return new Fault('format.notOnnx', `${source} is not an ONNX model (${found}): open an .onnx file`, {
    kind: 'unknown',
  })
}
