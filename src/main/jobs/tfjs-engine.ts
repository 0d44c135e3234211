import { Fault } from '../../shared/contract/fault.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import { findInstallation } from '../engines/tf/cache.ts'
import { openTfjsSession, type TfjsModelFile } from '../engines/tf/inference.ts'
import { loadTensorEngine, tfjsVersion } from '../engines/tf/load.ts'
import type { Engine } from '../engines/port.ts'
import type { ValueInfo } from '../graph/model.ts'
import { readModelParts } from './model-file.ts'

/**
 * TensorFlow.js itself as a measuring engine, for its own files: what a page that loads them computes, on native TensorFlow. For worker
 * processes only. Threads and optimisation are TensorFlow's own.
 */
export function createTfjsEngine(): Engine {
  return {
    name: 'tfjs',
    version: tfjsEngineVersion(),
    createSession: async (model) => {
      if (typeof model !== 'string') throw new Error('TensorFlow.js models are opened by their path')
      const file = await readTfjs(model)
      return openTfjsSession(loadTensorEngine(), file)
    },
  }
}

/** Versions of tfjs-node and of libtensorflow, told without loading them. */
export function tfjsEngineVersion(): string {
  return `tfjs-node ${tfjsVersion()}, libtensorflow ${findInstallation()?.version ?? 'unknown'}`
}

/**
 * A TensorFlow.js model's own content, checked by reading it as a graph before TensorFlow.js sees it.
 * @throws Fault usage.engine for other formats; as `readModelFile`
 */
async function readTfjs(given: string): Promise<TfjsModelFile> {
  const { file, path, bytes, external } = await readModelParts(given)
  if (file.format === 'onnx') {
    throw new Fault(
      'usage.engine',
      `${path} is an ONNX file, which TensorFlow.js does not read: convert it first, or measure it in ONNX Runtime.`,
      { path },
    )
  }
  const json = JSON.parse(new TextDecoder().decode(bytes)) as TfjsModelFile['json']
  const shards = json.weightsManifest.flatMap(({ paths }) => paths.map((shard) => external.get(shard)!))
  const { inputs, outputs, initializers } = file.model.graph
  return {
    path,
    json: { ...json, format: file.format === 'tfjs-layers' ? 'layers-model' : 'graph-model' },
    weights: Buffer.concat(shards),
    inputs: inputs.filter(({ name }) => !initializers.has(name)).map(specOf),
    outputs: outputs.map(specOf),
  }
}

function specOf({ name, dataType, shape }: ValueInfo): ValueSpec {
  return { name, dataType: dataType ?? 'float', shape }
}
