import { listsBy, type LayoutInput } from './types.ts'

/**
 * Nodes that hang loose from above: they depend on nothing but what they alone read (inputs, constants, chains of them).
 * @returns [nodes] how many nodes hang on each, itself included; 0 for those that do not hang loose
 */
export function looseSizes({ widths, from, to }: LayoutInput): Int32Array {
  const count = widths.length
  const incoming = listsBy(to, count)
  const readers = new Int32Array(count)
  for (const source of from) readers[source]!++
  const sizes = new Int32Array(count)
  for (let node = 0; node < count; node++) {
    let size = 1
    for (let i = incoming.start[node]!; i < incoming.start[node + 1]! && size > 0; i++) {
      const source = from[incoming.items[i]!]!
      size = sizes[source]! > 0 && readers[source] === 1 ? size + sizes[source]! : 0
    }
    sizes[node] = size
  }
  return sizes
}

/** [nodes] 1 for loose nodes that only add something to a longer way: the main path does not bend for them. */
export function sideNodes(input: LayoutInput): Uint8Array {
  const { widths, from, to } = input
  const sizes = looseSizes(input)
  const weight = (node: number): number => (sizes[node] === 0 ? Infinity : sizes[node]!)
  const heaviest = new Float64Array(widths.length)
  from.forEach((source, edge) => (heaviest[to[edge]!] = Math.max(heaviest[to[edge]!]!, weight(source))))
  const readers = new Int32Array(widths.length)
  for (const source of from) readers[source]!++
  const isSide = new Uint8Array(widths.length)
  from.forEach((source, edge) => {
    if (readers[source] === 1 && weight(source) < heaviest[to[edge]!]!) isSide[source] = 1
  })
  return isSide
}
