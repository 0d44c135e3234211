import { looseSizes } from './loose.ts'
import { listsBy, type LayoutInput } from './types.ts'

/**
 * Gives every node a row below all it reads from: the longest path from the top, then what hangs loose (inputs, chains that depend on
 * nothing else) is moved down to where it is read, so that its edges are short.
 * @returns [nodes] rows from 0, none empty
 */
export function assignRanks(input: LayoutInput): Int32Array {
  const { widths, from, to } = input
  const count = widths.length
  const rank = new Int32Array(count)
  const outgoing = listsBy(from, count)
  // sources stand in topological order, so that a row is final when it is handed on
  for (let node = 0; node < count; node++) {
    for (let i = outgoing.start[node]!; i < outgoing.start[node + 1]!; i++) {
      const target = to[outgoing.items[i]!]!
      rank[target] = Math.max(rank[target]!, rank[node]! + 1)
    }
  }
  const incoming = listsBy(to, count)
  const loose = looseSizes(input)
  for (let node = count - 1; node >= 0; node--) {
    let lowest = Infinity
    for (let i = outgoing.start[node]!; i < outgoing.start[node + 1]!; i++) {
      lowest = Math.min(lowest, rank[to[outgoing.items[i]!]!]! - 1)
    }
    if (lowest === Infinity || lowest === rank[node]) continue
    const outs = outgoing.start[node + 1]! - outgoing.start[node]!
    const ins = incoming.start[node + 1]! - incoming.start[node]!
    // moving down shortens the edges below and lengthens those above, but what is loose above comes along
    if (loose[node]! > 0 || outs > ins) rank[node] = lowest
  }
  return withoutGaps(rank)
}

/** Rows renumbered from 0 without empty ones. */
function withoutGaps(rank: Int32Array): Int32Array {
  const highest = rank.reduce((most, value) => Math.max(most, value), 0)
  const used = new Uint8Array(highest + 1)
  for (const value of rank) used[value] = 1
  const renumbered = new Int32Array(highest + 1)
  for (let value = 0, next = 0; value <= highest; value++) renumbered[value] = used[value] === 1 ? next++ : next
  return rank.map((value) => renumbered[value]!)
}
