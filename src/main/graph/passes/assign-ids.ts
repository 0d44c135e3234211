import type { Graph, Model, Node } from '../model.ts'
import { graphsOf, mapSubgraphs } from '../traversal.ts'

/**
 * Gives every node, also those inside subgraphs, a name that is not empty and unique in the model: its id for good (DESIGN
 * section 6). The rule, which depends on nothing but the file:
 * - a name stays where it is not empty and was not met before (main graph first, then subgraphs depth first, in node order);
 * - a repeated name gets `_2`, `_3`, … until it is free;
 * - an empty one becomes `Conv_12`, the op and the node's position among all nodes of its graph, counted from 0; inside a
 *   subgraph it is led by the id of the node that holds it and the attribute: `If_3/then_branch/Conv_0`;
 * - names that the file gives anywhere win over made ones.
 */
export function assignIds(model: Model): Model {
  if (idsAreGood(model.graph)) return model
  const given = new Set<string>()
  for (const graph of graphsOf(model.graph)) for (const node of graph.nodes) given.add(node.name)
  return { ...model, graph: nameNodes(model.graph, '', new Set(), given) }
}

function idsAreGood(graph: Graph): boolean {
  const seen = new Set<string>([''])
  for (const { nodes } of graphsOf(graph)) {
    for (const { name } of nodes) {
      if (seen.has(name)) return false
      seen.add(name)
    }
  }
  return true
}

function nameNodes(graph: Graph, prefix: string, taken: Set<string>, given: ReadonlySet<string>): Graph {
  const named = graph.nodes.map((node, position): Node => ({
    ...node,
    name: nameOf(node, position, prefix, taken, given),
  }))
  const nodes = named.map((node) =>
    mapSubgraphs(node, (body, attribute, index) => {
      const place = index === 0 ? attribute : `${attribute}_${index + 1}`
      return nameNodes(body, `${node.name}/${place}/`, taken, given)
    }),
  )
  return { ...graph, nodes }
}

function nameOf(node: Node, position: number, prefix: string, taken: Set<string>, given: ReadonlySet<string>): string {
  const base = node.name === '' ? `${prefix}${node.opType}_${position}` : node.name
  const free = (name: string): boolean => !taken.has(name) && (name === node.name || !given.has(name))
  let name = base
  for (let i = 2; !free(name); i++) name = `${base}_${i}`
  taken.add(name)
  return name
}
