import type { Graph, Node } from '../../graph/model.ts'
import { evaluators } from '../../graph/passes/constants/evaluate.ts'
import { OPS } from './registry.ts'

/** What a node costs nothing to know: constants, and what follows from shapes. */
const ALWAYS_KNOWN = new Set(['Constant', 'Shape', 'Size'])

/** Every reason why a graph cannot be trained, one a kind, with how often and where first. Empty: it can. */
export function problemsOf(graph: Graph): string[] {
  const known = new Set(graph.initializers.keys())
  const found = new Map<string, string[]>()
  for (const node of graph.nodes) {
    if (
      ALWAYS_KNOWN.has(node.opType) ||
      (evaluators.has(node.opType) && node.inputs.every((name) => name === '' || known.has(name)))
    ) {
      for (const name of node.outputs) known.add(name)
      continue
    }
    const problem = problemOf(node)
    if (problem) found.set(problem, [...(found.get(problem) ?? []), node.name])
  }
  return [...found].map(([problem, nodes]) => {
    const others = nodes.length > 1 ? ` and ${nodes.length - 1} more` : ''
    return `${problem} (${nodes[0]}${others})`
  })
}

function problemOf(node: Node): string | null {
  const op = node.domain === '' ? node.opType : `${node.domain}::${node.opType}`
  const row = node.domain === '' ? OPS.get(node.opType) : undefined
  if (!row) return `operator ${op} has no gradient here`
  const why = row.refuse?.(node) ?? null
  return why === null ? null : `${op} ${why}`
}
