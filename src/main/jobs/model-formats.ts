import { stat } from 'node:fs/promises'
import type { Engine } from '../engines/port.ts'
import { encodeModel, joinChunks } from '../formats/onnx/index.ts'
import { readModelFile } from './model-file.ts'

/**
 * An engine that also runs what is not ONNX: a model.json of TensorFlow.js, or the folder of one, is read and handed on as the ONNX graph
 * it stands for. So every job takes such models wherever it takes a path.
 * @throws Fault as `readModelFile`, for such paths
 */
export function withModelFormats(engine: Engine): Engine {
  return {
    name: engine.name,
    version: engine.version,
    createSession: async (model, options) => {
      if (typeof model !== 'string' || !(await isForeign(model))) return engine.createSession(model, options)
      const { model: graph } = await readModelFile(model)
      return engine.createSession(joinChunks(encodeModel(graph)), options)
    },
  }
}

/** By the name alone, so that ONNX files are not read twice; a folder is never an ONNX file. */
async function isForeign(path: string): Promise<boolean> {
  if (path.toLowerCase().endsWith('.json')) return true
  const found = await stat(path).catch(() => null)
  return found?.isDirectory() === true
}
