import type { Node } from './model.ts'
import { capturedBy } from './traversal.ts'

/** For each node the indices of the nodes whose results it reads, subgraphs included. */
function sourcesOf(nodes: readonly Node[]): number[][] {
  const producer = new Map<string, number>()
  nodes.forEach((node, i) => {
    for (const name of node.outputs) if (name !== '') producer.set(name, i)
  })
  return nodes.map((node) => {
    const sources = new Set<number>()
    for (const name of [...node.inputs, ...capturedBy(node)]) {
      const source = producer.get(name)
      if (source !== undefined) sources.add(source)
    }
    return [...sources]
  })
}

/**
 * The nodes with producers before consumers, in the given order where that is free (the same list when nothing moves);
 * null when they form a cycle.
 */
export function sortNodes(nodes: readonly Node[]): readonly Node[] | null {
  const sources = sourcesOf(nodes)
  const isInOrder = sources.every((list, i) => list.every((source) => source < i))
  if (isInOrder) return nodes
  const state = new Uint8Array(nodes.length)
  const sorted: Node[] = []
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] === 0 && !visit(root, sources, state, (i) => sorted.push(nodes[i]!))) return null
  }
  return sorted
}

/** Depth first without recursion: graphs are thousands of nodes deep. False when it comes back to a node in progress. */
function visit(
  root: number,
  sources: readonly (readonly number[])[],
  state: Uint8Array,
  leave: (index: number) => void,
): boolean {
  const stack = [{ index: root, next: 0 }]
  state[root] = 1
  while (stack.length > 0) {
    const top = stack.at(-1)!
    const source = sources[top.index]![top.next++]
    if (source === undefined) {
      state[top.index] = 2
      leave(top.index)
      stack.pop()
    } else if (state[source] === 1) return false
    else if (state[source] === 0) {
      state[source] = 1
      stack.push({ index: source, next: 0 })
    }
  }
  return true
}

/** The nodes of one cycle in the direction of the data; empty when there is none. */
export function findCycle(nodes: readonly Node[]): Node[] {
  const sources = sourcesOf(nodes)
  const state = new Uint8Array(nodes.length)
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== 0 || visit(root, sources, state, () => undefined)) continue
    // every node still in progress lies on the path from `root`; some source of the last one closes the circle
    return closeCircle(nodes, sources, state)
  }
  return []
}

function closeCircle(nodes: readonly Node[], sources: readonly (readonly number[])[], state: Uint8Array): Node[] {
  const place = new Map<number, number>()
  const path: number[] = []
  let current = state.indexOf(1)
  while (!place.has(current)) {
    place.set(current, path.length)
    path.push(current)
    current = sources[current]!.find((source) => state[source] === 1)!
  }
  return path
    .slice(place.get(current))
    .map((index) => nodes[index]!)
    .reverse()
}
