import type { GraphView, GraphViewNode } from '../../../shared/contract/graph-view.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { Dim, ValueSpec } from '../../../shared/contract/tensor.ts'

/** What a card stands for: a layer with what is fused into it, a node of no layer, or what the graph is fed and gives. */
export type CardKind = 'layer' | 'node' | 'input' | 'output'

/** One box of the drawing before repeated blocks are folded. */
export interface Card {
  /** layer id, node id, or `input:NAME` and `output:NAME`; unique */
  readonly id: string
  readonly kind: CardKind
  /** the name as the model has it */
  readonly name: string
  /** op with the fused activation: `Conv + Relu`; element type of an input or output */
  readonly op: string
  readonly layer: LayerInfo | null
  readonly nodes: readonly GraphViewNode[]
  readonly shape: readonly Dim[] | null
  /** of the layer, on the card of its main op alone */
  readonly parameters: number
  readonly macs: number | null
}

/** A tensor that one card writes and another reads. */
export interface CardEdge {
  /** index of the card */
  readonly from: number
  readonly to: number
  readonly tensor: string
}

/** Cards in topological order: edges lead from a lower index to a higher one. */
export interface CardGraph {
  readonly cards: readonly Card[]
  readonly edges: readonly CardEdge[]
}

/** The cards of a graph: its inputs, its layers (or, unfused, every node), its outputs. Constants are not drawn. */
export function makeCards(view: GraphView, options: { readonly fused: boolean }): CardGraph {
  const layers = new Map(view.layers.map((layer) => [layer.id, layer]))
  const cards: Card[] = view.inputs.map((spec) => terminal('input', spec))
  const cardOf = new Map<string, number>()
  const groups = groupNodes(view, options.fused)
  for (const nodes of groups) {
    for (const node of nodes) cardOf.set(node.id, cards.length)
    cards.push(cardFor(nodes, layers.get(nodes[0]!.layerId ?? '') ?? null, options.fused))
  }
  const firstOutput = cards.length
  for (const spec of view.outputs) cards.push(terminal('output', spec))
  const writers = new Map(view.inputs.map(({ name }, i) => [name, i]))
  for (const node of view.nodes) for (const name of node.outputs) writers.set(name, cardOf.get(node.id)!)
  const edges = new EdgeList(writers)
  for (const node of view.nodes) {
    for (const name of [...node.inputs, ...node.captures]) edges.add(name, cardOf.get(node.id)!)
  }
  view.outputs.forEach(({ name }, i) => edges.add(name, firstOutput + i))
  return sortCards(cards, edges.all)
}

function terminal(kind: 'input' | 'output', { name, dataType, shape }: ValueSpec): Card {
  return { id: `${kind}:${name}`, kind, name, op: dataType, layer: null, nodes: [], shape, parameters: 0, macs: null }
}

/** Nodes that share a card, in the order of their first. */
function groupNodes(view: GraphView, fused: boolean): GraphViewNode[][] {
  const groups = new Map<string, GraphViewNode[]>()
  for (const node of view.nodes) {
    // a layer id is a node id, so that the two never clash
    const key = fused && node.layerId !== null ? node.layerId : node.id
    const group = groups.get(key)
    if (group) group.push(node)
    else groups.set(key, [node])
  }
  return [...groups.values()]
}

function cardFor(nodes: readonly GraphViewNode[], layer: LayerInfo | null, fused: boolean): Card {
  const [first] = nodes
  const main = (fused && layer && nodes.find(({ id }) => id === layer.id)) || first!
  const name = fused && layer ? layer.id : main.id
  const shape = (fused ? layer?.outputShape : null) ?? nodes.at(-1)!.outputShape
  const op = fused && layer ? [layer.op, layer.activation].filter((part) => part !== null).join(' + ') : main.op
  const own = layer && main.id === layer.id ? layer : null
  return {
    id: name,
    kind: layer ? 'layer' : 'node',
    name,
    op,
    layer,
    nodes,
    shape,
    parameters: own?.parameters ?? 0,
    macs: own?.macs ?? null,
  }
}

/** Gathers edges, one for each pair of cards and tensor; what nobody writes, constants above all, has none. */
class EdgeList {
  readonly all: CardEdge[] = []
  readonly #writers: ReadonlyMap<string, number>
  readonly #seen = new Map<string, Set<number>>()

  constructor(writers: ReadonlyMap<string, number>) {
    this.#writers = writers
  }

  add(tensor: string, to: number): void {
    const from = this.#writers.get(tensor)
    if (tensor === '' || from === undefined || from === to) return
    const readers = this.#seen.get(tensor) ?? new Set<number>()
    this.#seen.set(tensor, readers)
    if (readers.has(to)) return
    readers.add(to)
    this.all.push({ from, to, tensor })
  }
}

/** Renumbers cards so that every edge leads up, as near to the given order as that allows; an edge that closes a circle is left out. */
function sortCards(cards: readonly Card[], edges: readonly CardEdge[]): CardGraph {
  if (edges.every(({ from, to }) => from < to)) return { cards, edges }
  const waiting = new Int32Array(cards.length)
  const readers: number[][] = cards.map(() => [])
  for (const { from, to } of edges) {
    waiting[to]!++
    readers[from]!.push(to)
  }
  const sorted: number[] = []
  const done = new Uint8Array(cards.length)
  const take = (root: number): void => {
    const stack = [root]
    while (stack.length > 0) {
      const card = stack.pop()!
      if (done[card] === 1) continue
      done[card] = 1
      sorted.push(card)
      for (const reader of readers[card]!.toReversed())
        if (--waiting[reader]! === 0 && done[reader] === 0) stack.push(reader)
    }
  }
  for (let card = 0; card < cards.length; card++) if (waiting[card] === 0 && done[card] === 0) take(card)
  // only cards on a circle are left
  for (let card = 0; card < cards.length; card++) if (done[card] === 0) take(card)
  const place = new Int32Array(cards.length)
  sorted.forEach((card, i) => (place[card] = i))
  return {
    cards: sorted.map((card) => cards[card]!),
    edges: edges
      .map(({ from, to, tensor }) => ({ from: place[from]!, to: place[to]!, tensor }))
      .filter(({ from, to }) => from < to),
  }
}
