import { join } from 'node:path'
import type { Engine, Session, SessionOptions } from '../../engines/port.ts'
import { encodeModel, joinChunks, protoLimitBytes } from '../../formats/onnx/index.ts'
import type { Model } from '../../graph/model.ts'
import { writeModelFile } from '../model-file.ts'
import { withWorkFolder } from '../work-folder.ts'

/**
 * Runs `use` on a session of a model (a path, or a value in memory) and releases it. A model too large for one protobuf message
 * goes by way of a temporary file.
 * @param options optimisation is `disabled`, the graph as it is written, unless told: the runtime's own folding would hide a fault of
 *   ours, and its fused kernels round otherwise
 */
export async function withSession<T>(
  engine: Engine,
  model: Model | string,
  use: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  if (typeof model === 'string') return useSession(engine, model, use, options)
  const encoded = encodeModel(model)
  if (encoded.external === null && encoded.byteLength < protoLimitBytes) {
    return useSession(engine, joinChunks(encoded), use, options)
  }
  return withWorkFolder('session', async (folder) => {
    const path = join(folder, 'model.onnx')
    await writeModelFile(model, path, { scratch: true })
    return useSession(engine, path, use, options)
  })
}

async function useSession<T>(
  engine: Engine,
  model: string | Uint8Array,
  use: (session: Session) => Promise<T>,
  options: SessionOptions,
): Promise<T> {
  const session = await engine.createSession(model, { optimization: 'disabled', ...options })
  try {
    return await use(session)
  } finally {
    await session.release()
  }
}
