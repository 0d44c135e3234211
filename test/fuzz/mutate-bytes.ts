/** Blind changes: the file as a row of bytes, its meaning unknown. */
type Change = (bytes: Uint8Array, random: () => number) => Uint8Array

const below = (random: () => number, limit: number): number => Math.floor(random() * limit)

const interesting = [0, 1, 0x7f, 0x80, 0xff]

const changes: readonly Change[] = [
  function flipBits(bytes, random) {
    const copy = bytes.slice()
    for (let i = 1 + below(random, 16); i > 0; i--) copy[below(random, copy.length)]! ^= 1 << below(random, 8)
    return copy
  },
  function overwrite(bytes, random) {
    const copy = bytes.slice()
    for (let i = 1 + below(random, 8); i > 0; i--)
      copy[below(random, copy.length)] = interesting[below(random, interesting.length)]!
    return copy
  },
  function overwriteNearTheStart(bytes, random) {
    const copy = bytes.slice()
    copy[below(random, Math.min(64, copy.length))] = below(random, 256)
    return copy
  },
  function cut(bytes, random) {
    return bytes.slice(0, below(random, bytes.length))
  },
  function drop(bytes, random) {
    const at = below(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 64))])
  },
  function insert(bytes, random) {
    const at = below(random, bytes.length)
    const more = Uint8Array.from({ length: 1 + below(random, 64) }, () => below(random, 256))
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
  },
  function repeat(bytes, random) {
    const at = below(random, bytes.length)
    const piece = bytes.subarray(at, at + 1 + below(random, 4096))
    const to = below(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)])
  },
  function clear(bytes, random) {
    const copy = bytes.slice()
    const at = below(random, copy.length)
    return copy.fill(below(random, 2) * 255, at, at + below(random, 256))
  },
]

/** The bytes changed in one of eight ways that know nothing of their meaning. */
export function mutateBytes(bytes: Uint8Array, random: () => number): Uint8Array {
  return changes[below(random, changes.length)]!(bytes, random)
}
