/** Random numbers as pure rooms get them handed in. */
export interface Random {
  /** uniform in [0, 1) */
  unit(): number
  /** a whole number in [0, bound) */
  below(bound: number): number
}

/** Normally distributed values (Box and Muller 1958). */
export function fillNormal(values: Float32Array, random: Random, deviation: number): Float32Array {
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.unit()))
    const angle = 2 * Math.PI * random.unit()
    values[i] = radius * Math.cos(angle)
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle)
  }
  return values
}
