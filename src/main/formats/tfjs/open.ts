import type { Model } from '../../graph/model.ts'
import { parseModelJson, type ModelJson } from './files/model-json.ts'
import { readWeights, shardPaths, type ShardPath, type ShardReader } from './files/weights.ts'
import { readGraphDef } from './graph-def/read-graph-def.ts'
import { readLayersModel } from './layers/read-layers.ts'

/** A model.json read so far that it is known which shards it needs. */
export interface OpenedTfjs {
  readonly format: ModelJson['format']
  /** paths of the shards, as written: relative to the folder of model.json, unchecked */
  readonly shards: readonly ShardPath[]
  /** The model as an ONNX graph. @throws Fault format.*, model.* */
  readonly decode: (read: ShardReader) => Model
}

/**
 * Reads a TensorFlow.js model: layers-model or graph-model, sharded and quantized weights.
 * @param bytes content of model.json
 * @param source name of the file, for messages
 * @throws Fault format.* naming the file, the place and the cause
 */
export function openTfjs(bytes: Uint8Array, source: string): OpenedTfjs {
  const json = parseModelJson(bytes, source)
  const decode = (read: ShardReader): Model => {
    const weights = readWeights(json, read, source)
    return json.format === 'tfjs-layers' ? readLayersModel(json, weights, source) : readGraphDef(json, weights, source)
  }
  return { format: json.format, shards: shardPaths(json), decode }
}
