/** A seeded stream of random numbers; the same on every machine. */
export interface RandomSource {
  /** a whole number in [0, 2^32) */
  uint32(): number
  /** uniform in [0, 1), 32 bits fine */
  unit(): number
  /** uniform in [low, high) */
  between(low: number, high: number): number
  /** a whole number in [0, bound), every value equally likely; bound in 1 … 2^32 */
  below(bound: number): number
}

/**
 * Creates a stream from one or more whole numbers; other numbers, or another order, give an unrelated stream.
 * The generator is xoshiro128**, its state filled by a splitmix32 chain over the words of the seeds.
 * Only integer operations and one exact division: no platform can differ.
 * Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators" (2018), xoshiro128starstar.c.
 */
export function createRandom(...seeds: readonly number[]): RandomSource {
  const state = stateFrom(seeds)
  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(state[1]!, 5), 7), 9) >>> 0
    const shifted = state[1]! << 9
    state[2]! ^= state[0]!
    state[3]! ^= state[1]!
    state[1]! ^= state[2]!
    state[0]! ^= state[3]!
    state[2]! ^= shifted
    state[3] = rotateLeft(state[3]!, 11)
    return result
  }
  const unit = (): number => uint32() / 4294967296
  return {
    uint32,
    unit,
    between: (low, high) => low + (high - low) * unit(),
    below: (bound) => {
      const limit = 4294967296 - (4294967296 % bound)
      let value = uint32()
      while (value >= limit) value = uint32()
      return value % bound
    },
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function stateFrom(seeds: readonly number[]): Uint32Array {
  const state = new Uint32Array(4)
  let chain = 0x9e3779b9
  const absorb = (word: number): void => {
    for (let i = 0; i < 4; i++) {
      chain = mix((chain ^ word) + Math.imul(i + 1, 0x9e3779b9))
      state[i]! ^= chain
    }
  }
  absorb(seeds.length)
  for (const seed of seeds) {
    absorb(seed >>> 0)
    absorb(Math.floor(seed / 4294967296) >>> 0)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return state
}

/** The finaliser of splitmix32. */
function mix(value: number): number {
  let t = value | 0
  t = Math.imul(t ^ (t >>> 16), 0x21f0aaad)
  t = Math.imul(t ^ (t >>> 15), 0x735a2d97)
  return (t ^ (t >>> 15)) >>> 0
}
