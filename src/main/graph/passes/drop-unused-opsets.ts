import type { Model } from '../model.ts'
import { graphsOf } from '../traversal.ts'

/** Removes opset imports of domains that no node uses; the standard domain stays. A file with functions of its own keeps all: we do not read their bodies. */
export function dropUnusedOpsets(model: Model): Model {
  if (model.functions !== undefined && model.functions.size > 0) return model
  const used = new Set(['', 'ai.onnx'])
  for (const { nodes } of graphsOf(model.graph)) for (const { domain } of nodes) used.add(domain)
  const opsets = new Map([...model.opsets].filter(([domain]) => used.has(domain)))
  return opsets.size === model.opsets.size ? model : { ...model, opsets }
}
