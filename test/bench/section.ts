/** One figure of the benchmark report; `value` in `unit`, with what it was measured against where there is one. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** the figure that the requirement names, as text: `≥ 2.8`, or '' */
  readonly wanted: string
  /** how it was measured: runs, images, threads */
  readonly how: string
}

/** One subject of `npm run bench`. */
export interface Section {
  readonly name: string
  /** a sentence on what is measured and how */
  readonly about: string
  run(log: (line: string) => void): Promise<readonly Figure[]>
}

/** The median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
