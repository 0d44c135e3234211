import type { GraphDecor } from '../../graph/decor.ts'
import type { Look } from '../../graph/canvas/looks.ts'
import type { GraphViewTensor } from '../../../shared/contract/graph-view.ts'
import type { Item } from '../../graph/scene/items.ts'
import type { Scene } from '../../graph/scene/scene.ts'
import { shapeText } from '../../graph/text.ts'

/** An item in words, as a screen reader says it and the tooltip shows it: name first. */
export function describeItem(item: Item, look: Look | undefined, decor: GraphDecor): { name: string; lines: string[] } {
  const lines: string[] = []
  if (item.block) {
    lines.push(`block of ${item.cards.length} layers, ${item.block.alike} of this make`)
  } else {
    const { op, shape, kind } = item.cards[0]!
    lines.push([kind === 'input' || kind === 'output' ? kind : '', op, shapeText(shape)].filter(Boolean).join(' · '))
  }
  if (look?.chip) lines.push(look.chip.words)
  if (look?.note && decor.overlay)
    lines.push(`${decor.overlay.name} ${look.note.replace('≈ ', '')}${look.outline ? ' (estimated)' : ''}`)
  if (look?.isChanged) lines.push('differs between the two plans')
  const reason = item.block ? null : item.cards[0]!.layer?.reason
  if (reason) lines.push(`not quantizable: ${reason}`)
  return { name: item.block?.name ?? item.cards[0]!.name, lines }
}

/** Tensors named in one tip; a line between folded blocks can stand for many. */
const MAX_TENSORS = 4

/** An edge in words: its tensors with type and shape, and what it leads from and to. */
export function describeEdge(
  scene: Scene,
  edge: number,
  tensors: ReadonlyMap<string, GraphViewTensor>,
): { name: string; lines: string[] } {
  const { from, to, tensors: names } = scene.edges[edge]!
  const textOf = (name: string): string => {
    const tensor = tensors.get(name)
    return [tensor?.dataType, shapeText(tensor?.shape ?? null)].filter(Boolean).join(' ')
  }
  const nameOf = (item: number): string => scene.items[item]!.block?.name ?? scene.items[item]!.cards[0]!.name
  const lines =
    names.length === 1 ? [textOf(names[0]!)] : names.slice(0, MAX_TENSORS).map((name) => `${name} ${textOf(name)}`)
  if (names.length > MAX_TENSORS) lines.push(`and ${names.length - MAX_TENSORS} more`)
  return {
    name: names.length === 1 ? names[0]! : `${names.length} tensors`,
    lines: [...lines.filter(Boolean), `${nameOf(from)} → ${nameOf(to)}`],
  }
}
