import type { CardGraph } from './scene/cards.ts'
import { shapeText } from './text.ts'

/** One thing that was found. */
export interface FindHit {
  readonly kind: 'node' | 'tensor'
  readonly name: string
  /** op of a node; type and shape of a tensor where known */
  readonly detail: string
  /** the card to go to: the node's own, or that which writes the tensor (reads it, where it is a constant) */
  readonly cardId: string
}

export interface FindResult {
  /** best first, at most as many as asked for */
  readonly hits: readonly FindHit[]
  /** how many there are in all */
  readonly count: number
}

/** Searches names of nodes and tensors, and ops. */
export interface FindIndex {
  /** What contains every word of the query, whatever the case; names that equal or begin with it come first. */
  find(query: string, limit: number): FindResult
}

interface Entry {
  readonly hit: FindHit
  /** in lower case */
  readonly name: string
  readonly text: string
}

/** Reads all names once. */
export function createFindIndex(graph: CardGraph): FindIndex {
  const entries: Entry[] = []
  const add = (hit: FindHit): void => {
    const name = hit.name.toLowerCase()
    entries.push({ hit, name, text: `${name} ${hit.detail.toLowerCase()}` })
  }
  const tensors = new Map<string, FindHit>()
  const readers: FindHit[] = []
  for (const card of graph.cards) {
    if (card.nodes.length === 0) {
      const detail = `${card.kind}, ${card.op} ${shapeText(card.shape)}`
      tensors.set(card.name, { kind: 'tensor', name: card.name, detail, cardId: card.id })
    }
    for (const node of card.nodes) {
      add({ kind: 'node', name: node.id, detail: node.op, cardId: card.id })
      for (const name of node.outputs) {
        if (name !== '' && !tensors.has(name)) {
          const detail = name === node.outputs[0] ? shapeText(node.outputShape) : ''
          tensors.set(name, { kind: 'tensor', name, detail, cardId: card.id })
        }
      }
      for (const name of node.inputs) {
        if (name !== '') readers.push({ kind: 'tensor', name, detail: '', cardId: card.id })
      }
    }
  }
  for (const hit of readers) if (!tensors.has(hit.name)) tensors.set(hit.name, { ...hit, detail: 'constant' })
  for (const hit of tensors.values()) add(hit)
  return { find: (query, limit) => find(entries, query, limit) }
}

function find(entries: readonly Entry[], query: string, limit: number): FindResult {
  const wanted = query.trim().toLowerCase()
  const words = wanted.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) return { hits: [], count: 0 }
  // one list for each rank keeps the order of the graph within it, without sorting
  const ranks: FindHit[][] = [[], [], [], []]
  let count = 0
  for (const { hit, name, text } of entries) {
    if (!words.every((word) => text.includes(word))) continue
    count++
    const place = name === wanted ? 0 : name.startsWith(wanted) ? 1 : hit.kind === 'node' ? 2 : 3
    ranks[place]!.push(hit)
  }
  return { hits: ranks.flat().slice(0, limit), count }
}
