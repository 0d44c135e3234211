import type { Scene } from './scene/scene.ts'

export type Step = 'up' | 'down' | 'left' | 'right' | 'first' | 'last'

/** The item a step of the keyboard leads to: along edges up and down, along the row left and right; itself where there is none. */
export function walk(scene: Scene, item: number, step: Step): number {
  switch (step) {
    case 'first':
      return 0
    case 'last':
      return scene.items.length - 1
    case 'down':
      return nearest(
        scene,
        item,
        scene.outgoing[item]!.map((edge) => scene.edges[edge]!.to),
      )
    case 'up':
      return nearest(
        scene,
        item,
        scene.incoming[item]!.map((edge) => scene.edges[edge]!.from),
      )
    case 'left':
      return beside(scene, item, -1)
    case 'right':
      return beside(scene, item, 1)
  }
}

/** Of several, the one the fewest rows away, then the one most in line. */
function nearest({ rank, boxes }: Scene, item: number, others: readonly number[]): number {
  const rows = (other: number): number => Math.abs(rank[other]! - rank[item]!)
  const aside = (other: number): number => Math.abs(boxes[other]!.x - boxes[item]!.x)
  return others.reduce(
    (best, other) =>
      best === item || rows(other) < rows(best) || (rows(other) === rows(best) && aside(other) < aside(best))
        ? other
        : best,
    item,
  )
}

function beside({ rank, position, items }: Scene, item: number, side: -1 | 1): number {
  let best = item
  for (let other = 0; other < items.length; other++) {
    const distance = (position[other]! - position[item]!) * side
    if (rank[other] !== rank[item] || distance <= 0) continue
    if (best === item || distance < (position[best]! - position[item]!) * side) best = other
  }
  return best
}
