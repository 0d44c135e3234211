import type { Card, CardGraph } from './cards.ts'
import { findMotifs } from './motifs.ts'

/** A stretch of cards that repeats, and can be folded into one box. */
export interface Block {
  readonly id: string
  /** the common part of the names, or the ops */
  readonly name: string
  /** indices of its cards, `last` included */
  readonly first: number
  readonly last: number
  /** how many blocks of this make there are */
  readonly alike: number
}

interface Stretch {
  readonly first: number
  readonly last: number
  readonly name: string
  /** what it is made of; equal for blocks that are alike */
  readonly make: string
}

/** Fewest and most cards of a block. */
const MIN_CARDS = 2
const MAX_CARDS = 256
/** Scopes deeper than this are not looked at. */
const MAX_DEPTH = 12

/**
 * Repeated blocks, none overlapping, in order. Where names have scopes (`layer1/0/conv1`, `fire2.squeeze`) the innermost scopes that repeat are blocks;
 * elsewhere runs of the same ops, one after the other. Blocks are contiguous in the topological order, so that folding them leaves
 * the graph without circles.
 */
export function findBlocks(graph: CardGraph): readonly Block[] {
  const signatures = signaturesOf(graph)
  const taken = new Uint8Array(graph.cards.length)
  graph.cards.forEach(({ kind }, i) => {
    if (kind === 'input' || kind === 'output') taken[i] = 1
  })
  const stretches = [...namedStretches(graph.cards, signatures, taken), ...repeatedStretches(graph, signatures, taken)]
  const counts = new Map<string, number>()
  for (const { make } of stretches) counts.set(make, (counts.get(make) ?? 0) + 1)
  return stretches
    .sort((a, b) => a.first - b.first)
    .map(({ first, last, name, make }) => ({
      id: `block:${graph.cards[first]!.id}`,
      name,
      first,
      last,
      alike: counts.get(make)!,
    }))
}

/** What a card is for the sake of repetition: op, kernel, grouping, and how far back its nearest source is. */
function signaturesOf({ cards, edges }: CardGraph): string[] {
  const nearest = new Int32Array(cards.length)
  for (const { from, to } of edges) nearest[to] = Math.max(nearest[to]!, from + 1)
  return cards.map((card, i) => {
    const attributes = card.nodes[0]?.attributes ?? []
    const kernel = attributes.find(({ name }) => name === 'kernel_shape')?.text ?? ''
    const isGrouped = attributes.some(({ name, text }) => name === 'group' && text !== '1')
    const back = nearest[i] === 0 ? '' : String(i + 1 - nearest[i]!)
    return `${card.op}|${kernel}${isGrouped ? '|grouped' : ''}|${back}`
  })
}

/** The ops of a stretch, without distances: those of its first cards depend on what stands before it. */
function makeOf(signatures: readonly string[], first: number, last: number): string {
  return signatures
    .slice(first, last + 1)
    .map((text) => text.slice(0, text.lastIndexOf('|')))
    .join(';')
}

function scopesOf(name: string): string[] {
  const parts: string[] = []
  for (let i = 1; i < name.length && parts.length < MAX_DEPTH; i++) {
    if (name[i] === '/' || name[i] === '.') parts.push(name.slice(0, i))
  }
  return parts
}

/** Stretches of cards within one scope, the innermost that occur at least twice; marks their cards as taken. */
function namedStretches(cards: readonly Card[], signatures: readonly string[], taken: Uint8Array): Stretch[] {
  const scopes = cards.map(({ name, nodes }) => (nodes.length === 0 ? [] : scopesOf(name)))
  const found: Stretch[] = []
  const deepest = scopes.reduce((most, { length }) => Math.max(most, length), 0)
  for (let depth = deepest - 1; depth >= 0; depth--) {
    const candidates = runsOf(scopes, depth)
      .filter(({ first, last }) => last - first + 1 >= MIN_CARDS && last - first < MAX_CARDS)
      .filter(({ first, last }) => taken.subarray(first, last + 1).every((value) => value === 0))
      .map(({ first, last, name }) => ({ first, last, name, make: makeOf(signatures, first, last) }))
    const counts = new Map<string, number>()
    for (const { make } of candidates) counts.set(make, (counts.get(make) ?? 0) + 1)
    for (const stretch of candidates) {
      if (counts.get(stretch.make)! < 2) continue
      taken.fill(1, stretch.first, stretch.last + 1)
      found.push(stretch)
    }
  }
  return found
}

/** Neighbouring cards of the same scope. */
function runsOf(
  scopes: readonly (readonly string[])[],
  depth: number,
): { first: number; last: number; name: string }[] {
  const runs: { first: number; last: number; name: string }[] = []
  scopes.forEach((parts, i) => {
    const name = parts[depth]
    const previous = runs.at(-1)
    if (name === undefined) return
    if (previous?.name === name && previous.last === i - 1) previous.last = i
    else runs.push({ first: i, last: i, name })
  })
  return runs
}

/** Stretches found by their ops alone, where no named one is. */
function repeatedStretches(graph: CardGraph, signatures: readonly string[], taken: Uint8Array): Stretch[] {
  const found = findMotifs(signatures, taken, crossings(graph)).flatMap(({ length, starts }) =>
    starts.map((first) => ({ first, last: first + length - 1 })),
  )
  found.sort((a, b) => a.first - b.first)
  const names = found.map(({ first, last }) => commonName(graph.cards.slice(first, last + 1)))
  const counts = new Map<string | null, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return found.map(({ first, last }, i) => {
    const name = names[i] ?? null
    // a name that all share tells nothing
    const isTelling = name !== null && counts.get(name) === 1
    return { first, last, name: isTelling ? name : `block ${i + 1}`, make: makeOf(signatures, first, last) }
  })
}

/** Edges and tensors across each place between two cards: few where one block ends and the next begins. */
function crossings({ cards, edges }: CardGraph): Int32Array {
  const spans = new Map<string, { from: number; to: number }>()
  const crossing = new Int32Array(cards.length + 1)
  const add = (from: number, to: number): void => {
    crossing[from + 1]!++
    crossing[to + 1]!--
  }
  for (const { from, to, tensor } of edges) {
    add(from, to)
    const span = spans.get(tensor)
    if (span) span.to = Math.max(span.to, to)
    else spans.set(tensor, { from, to })
  }
  for (const { from, to } of spans.values()) add(from, to)
  for (let i = 1; i < crossing.length; i++) crossing[i]! += crossing[i - 1]!
  return crossing
}

/** What the names begin with, up to the end of a word; null where they have nothing in common. */
function commonName(cards: readonly Card[]): string | null {
  const names = cards.map(({ name }) => name)
  let length = 0
  while (names.every((name) => length < name.length && name[length] === names[0]![length])) length++
  const word = /^(.*\w)[^\w]+\w*$/.exec(names[0]!.slice(0, length))?.[1] ?? ''
  return word.length > 1 ? word : null
}
