import type { Model } from '../model.ts'
import { capturedBy } from '../traversal.ts'
import { Draft } from '../draft.ts'

/** Removes nodes none of whose outputs reach a graph output, and initializers that nobody reads. */
export function dropDeadNodes(model: Model): Model {
  const { graph } = model
  const needed = new Set(graph.outputs.map((output) => output.name))
  const live = new Set<string>()
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue
    live.add(node.name)
    for (const name of [...node.inputs, ...capturedBy(node)]) needed.add(name)
  }
  const unread = [...graph.initializers.keys()].some((name) => !needed.has(name))
  if (live.size === graph.nodes.length && !unread) return model
  const draft = new Draft(model)
  draft.nodes = graph.nodes.filter((node) => live.has(node.name))
  return draft.finish()
}
