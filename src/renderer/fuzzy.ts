/** Where a query was found in a text, and how well. */
export interface Match {
  readonly score: number
  /** places of the found characters, ascending */
  readonly places: readonly number[]
}

const START = 8
const WORD = 6
const NEXT = 7
const PLAIN = 1
const GAP = 0.08

function isWordStart(text: string, place: number): boolean {
  if (place === 0) return true
  const before = text[place - 1]!
  const here = text[place]!
  return (
    /[\s/._:-]/.test(before) || (/[a-z]/.test(before) && /[A-Z]/.test(here)) || (/\D/.test(before) && /\d/.test(here))
  )
}

function walk(query: string, lower: string, text: string, start: number): Match | null {
  const places: number[] = []
  let score = 0
  let from = start
  for (const wanted of query) {
    const place = lower.indexOf(wanted, from)
    if (place < 0) return null
    const follows = places.length > 0 && place === places.at(-1)! + 1
    score += follows ? NEXT : isWordStart(text, place) ? (place === 0 ? START : WORD) : PLAIN
    if (places.length > 0) score -= (place - places.at(-1)! - 1) * GAP
    places.push(place)
    from = place + 1
  }
  return { score: score - text.length * 0.01, places }
}

/**
 * Finds the characters of `query` in `text` in their order, case aside: at the starts of words and next to each other counts more.
 * Spaces of the query are skipped. null where it is not found; an empty query is found everywhere.
 */
export function fuzzyMatch(query: string, text: string): Match | null {
  const wanted = query.toLowerCase().replaceAll(/\s+/g, '')
  if (wanted === '') return { score: 0, places: [] }
  const lower = text.toLowerCase()
  if (lower.length !== text.length) return lower.includes(wanted) ? { score: 0, places: [] } : null
  let best: Match | null = null
  // each place where the first character occurs can be the best start: names of layers repeat their parts
  for (let start = lower.indexOf(wanted[0]!); start >= 0; start = lower.indexOf(wanted[0]!, start + 1)) {
    const match = walk(wanted, lower, text, start)
    if (match === null) break
    if (best === null || match.score > best.score) best = match
  }
  return best
}

/** The best `limit` of many, best first; equal ones stay in their order. */
export function fuzzySort<T>(
  query: string,
  items: readonly T[],
  textOf: (item: T) => string,
  limit: number,
): readonly { readonly item: T; readonly match: Match }[] {
  const found: { item: T; match: Match }[] = []
  for (const item of items) {
    const match = fuzzyMatch(query, textOf(item))
    if (match) found.push({ item, match })
  }
  return found.sort((a, b) => b.match.score - a.match.score).slice(0, limit)
}
