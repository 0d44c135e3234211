import { formatBytes, formatPercent } from './table.ts'

const RATES = /^(top1|top5|drop|agreement|referenceTop1|referenceTop5)$/

/** A metric's value with the unit that its name says: rates in percent, bytes, ms, dB, ratios with ×. */
export function metricText(name: string, value: number): string {
  if (RATES.test(name)) return formatPercent(value)
  if (/bytes$/i.test(name)) return value < 0 ? `-${formatBytes(-value)}` : formatBytes(value)
  if (/ms$/i.test(name)) return `${value.toFixed(3)} ms`
  if (/db$|^sqnr/i.test(name)) return `${value.toFixed(1)} dB`
  if (/speedup|ratio/i.test(name)) return `${value.toFixed(2)}×`
  return Number.isInteger(value) ? String(value) : value.toPrecision(4)
}
