/** A number as charts and tables write it: significant digits, no trailing zeros, exponents only where they save room. */
export function shortNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e7 || size < 1e-4) return withMinus(trimmed(value.toExponential(Math.max(0, digits - 2))))
  if (Number.isInteger(value) && size < 1e7) return withMinus(String(value))
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)))
  return withMinus(trimmed(value.toFixed(Math.min(decimals, 8))))
}

function trimmed(text: string): string {
  const [mantissa = '', exponent] = text.split('e')
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa
  return exponent === undefined ? short : `${short}e${exponent.replace('+', '')}`
}

/** A true minus sign: as wide as the plus, so that columns of signed numbers align. */
function withMinus(text: string): string {
  return text.replace('-', '−')
}

/** With its sign, as deltas are written. */
export function signedNumber(value: number, digits = 3): string {
  return value > 0 ? `+${shortNumber(value, digits)}` : shortNumber(value, digits)
}

/** A value and its interval: `0.031 (0.024 … 0.04)`; the value alone where there is none. */
export function withInterval(
  value: number,
  low: number | null | undefined,
  high: number | null | undefined,
  digits = 4,
): string {
  if (low === null || low === undefined || high === null || high === undefined) return shortNumber(value, digits)
  return `${shortNumber(value, digits)} (${shortNumber(low, digits)} … ${shortNumber(high, digits)})`
}
