/** Arrays one after the other, as one of the same kind. */
export function joined<Values extends Uint8Array | Float32Array | Float64Array>(
  Kind: new (length: number) => Values,
  parts: readonly Values[],
): Values {
  const whole = new Kind(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
