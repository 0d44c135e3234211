/** A column: its heading (with its unit) and how its cells stand. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** longest cell shown; longer ones lose their middle */
  readonly maxWidth?: number
}

/** Lines of a plain-text table; cells beyond `maxWidth` are shortened in the middle, where layer names differ least. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((column, i) => shorten(row[i] ?? '', column.maxWidth ?? Infinity)))
  const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map((row) => row[i]!.length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [line(columns.map((column) => column.title)), rule, ...cells.map(line)].join('\n')
}

/** Keeps both ends of a text that is too long. */
export function shorten(text: string, maxWidth: number): string {
  if (text.length <= maxWidth) return text
  const head = Math.ceil((maxWidth - 1) / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (maxWidth - 1 - head))}`
}

/** Bytes for people: 1.31 MB (decimal units, as file managers and the model READMEs use). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(2)} ${units[unit]}`
}

/** A whole number with thousands separated: 1,235,496. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** A share as a percentage: 65.00 %. */
export function formatPercent(fraction: number, digits = 2): string {
  return `${(fraction * 100).toFixed(digits)} %`
}

/** A shape as the model says it: N×3×224×224, ? where nothing is known. */
export function formatShape(shape: readonly (number | string | null)[] | null): string {
  if (shape === null) return '?'
  return shape.length === 0 ? 'scalar' : shape.map((dim) => dim ?? '?').join('×')
}
