import type { Block } from './blocks.ts'
import type { Card, CardGraph, CardKind } from './cards.ts'

/** One box that is drawn: a card, or a block that is folded. */
export interface Item {
  readonly id: string
  readonly kind: CardKind | 'block'
  /** set where kind is block */
  readonly block: Block | null
  /** one, or those of the block */
  readonly cards: readonly Card[]
  readonly layerIds: readonly string[]
}

/** One line between two items; several tensors where a folded block hides their ends. */
export interface ItemEdge {
  readonly from: number
  readonly to: number
  readonly tensors: readonly string[]
}

/** What is drawn at one state of folding, in topological order. */
export interface ItemGraph {
  readonly items: readonly Item[]
  readonly edges: readonly ItemEdge[]
  /** blocks that are unfolded, with the items they span */
  readonly unfolded: readonly { readonly block: Block; readonly first: number; readonly last: number }[]
}

/** The items of a graph with the blocks of `folded` (ids) drawn as one box each. */
export function foldBlocks(graph: CardGraph, blocks: readonly Block[], folded: ReadonlySet<string>): ItemGraph {
  const items: Item[] = []
  const unfolded: { block: Block; first: number; last: number }[] = []
  const itemOf = new Int32Array(graph.cards.length)
  let next = 0
  for (let card = 0; card < graph.cards.length;) {
    while (next < blocks.length && blocks[next]!.last < card) next++
    const block = blocks[next]?.first === card ? blocks[next]! : null
    const last = block && folded.has(block.id) ? block.last : card
    if (block && last === card) {
      unfolded.push({ block, first: items.length, last: items.length + block.last - block.first })
    }
    itemOf.fill(items.length, card, last + 1)
    items.push(last === card ? itemFor(graph.cards[card]!) : blockItem(block!, graph.cards))
    card = last + 1
  }
  return { items, edges: mergeEdges(graph, itemOf), unfolded }
}

function itemFor(card: Card): Item {
  const layerId = card.layer?.id
  return { id: card.id, kind: card.kind, block: null, cards: [card], layerIds: layerId === undefined ? [] : [layerId] }
}

function blockItem(block: Block, cards: readonly Card[]): Item {
  const members = cards.slice(block.first, block.last + 1)
  const layerIds = new Set(members.flatMap(({ layer }) => (layer ? [layer.id] : [])))
  return { id: block.id, kind: 'block', block, cards: members, layerIds: [...layerIds] }
}

function mergeEdges({ edges }: CardGraph, itemOf: Int32Array): ItemEdge[] {
  const merged = new Map<string, { from: number; to: number; tensors: string[] }>()
  for (const edge of edges) {
    const from = itemOf[edge.from]!
    const to = itemOf[edge.to]!
    if (from === to) continue
    const key = `${from} ${to}`
    const known = merged.get(key)
    if (!known) merged.set(key, { from, to, tensors: [edge.tensor] })
    else if (!known.tensors.includes(edge.tensor)) known.tensors.push(edge.tensor)
  }
  return [...merged.values()]
}
