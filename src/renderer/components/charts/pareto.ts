/** A point that is judged by two numbers. */
export interface ParetoPoint {
  readonly id: string
  readonly x: number
  readonly y: number
}

/**
 * Points that no other one beats in both numbers, ordered along x. Of equal points the first stays.
 * @param xBetter whether less or more is good, for x; `yBetter` for y
 */
export function paretoFront<Point extends ParetoPoint>(
  points: readonly Point[],
  xBetter: 'less' | 'more',
  yBetter: 'less' | 'more',
): Point[] {
  const xSign = xBetter === 'less' ? 1 : -1
  const ySign = yBetter === 'less' ? 1 : -1
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
  const byX = finite.toSorted((a, b) => xSign * (a.x - b.x) || ySign * (a.y - b.y))
  const front: Point[] = []
  let best = Infinity
  for (const point of byX) {
    if (ySign * point.y >= best) continue
    best = ySign * point.y
    front.push(point)
  }
  return xBetter === 'less' ? front : front.reverse()
}
