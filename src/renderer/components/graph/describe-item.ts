import type { GraphDecor } from '../../graph/decor.ts'
import type { Look } from '../../graph/canvas/looks.ts'
import type { Item } from '../../graph/scene/items.ts'
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
  if (look?.note && decor.overlay) lines.push(`${decor.overlay.name} ${look.note}${look.outline ? ' (estimated)' : ''}`)
  if (look?.isChanged) lines.push('differs between the two plans')
  const reason = item.block ? null : item.cards[0]!.layer?.reason
  if (reason) lines.push(`not quantizable: ${reason}`)
  return { name: item.block?.name ?? item.cards[0]!.name, lines }
}
