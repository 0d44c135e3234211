import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine, Session, SessionOptions } from '../../engines/port.ts'
import { encodeModel, joinChunks, protoLimitBytes } from '../../formats/onnx/index.ts'
import type { Model } from '../../graph/model.ts'
import { writeModelFile } from '../model-file.ts'

/** The graph as it is written: the runtime's own folding would hide a fault of ours, its fused kernels add rounding. */
const PLAIN: SessionOptions = { optimization: 'disabled' }

/**
 * Runs `use` on a session of a model in memory and releases it. A model too large for one protobuf message goes by way of a
 * temporary file.
 */
export async function withSession<T>(
  engine: Engine,
  model: Model | string,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  if (typeof model === 'string') return useSession(engine, model, use)
  const encoded = encodeModel(model)
  if (encoded.external === null && encoded.byteLength < protoLimitBytes)
    return useSession(engine, joinChunks(encoded), use)
  const folder = await mkdtemp(join(tmpdir(), 'quantbench-'))
  try {
    const path = join(folder, 'model.onnx')
    await writeModelFile(model, path)
    return await useSession(engine, path, use)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function useSession<T>(
  engine: Engine,
  model: string | Uint8Array,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await engine.createSession(model, PLAIN)
  try {
    return await use(session)
  } finally {
    await session.release()
  }
}
