import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { GraphView } from '../../../shared/contract/graph-view.ts'
import type { GraphDecor } from '../../graph/decor.ts'
import type { Scene } from '../../graph/scene/scene.ts'
import type { Stage } from '../../graph/stage.ts'
import { walk } from '../../graph/walk.ts'
import { describeEdge, describeItem } from './describe-item.ts'
import type { GraphEvents, GraphFocus, GraphSpot } from './graph-events.ts'
import { graphKey, type GraphKey } from './graph-keys.ts'
import { createPointer, type PointerHandlers } from './graph-pointer.ts'
import type { Hit } from '../../graph/stage.ts'
import type { GraphOnStage } from './use-graph-stage.ts'

export interface ActionOptions {
  readonly host: Readonly<ShallowRef<HTMLElement | null>>
  readonly canvas: Readonly<ShallowRef<HTMLCanvasElement | null>>
  readonly findBox: Readonly<ShallowRef<{ focus(): void } | null>>
  readonly decor: ComputedRef<GraphDecor>
  readonly graph: () => GraphView
  readonly selection: () => readonly string[]
  readonly events: GraphEvents
}

/** What is told of the item below the pointer. */
export interface Tip {
  readonly name: string
  readonly lines: readonly string[]
  readonly x: number
  readonly y: number
}

export interface GraphActions {
  readonly pointer: PointerHandlers
  readonly press: (event: KeyboardEvent) => void
  readonly tip: ShallowRef<Tip | null>
  /** the last thing said to screen readers */
  readonly spoken: Ref<string>
  readonly isFinding: Ref<boolean>
  readonly openFind: () => void
  readonly closeFind: () => void
  readonly showFound: (cardIds: readonly string[]) => void
  /** Goes to a card, unfolding the block around it, and selects it. */
  readonly goTo: (cardId: string) => void
  readonly zoomToSelection: () => void
}

/** How long the pointer rests on a card before it is told in full; ms. */
const TIP_DELAY_MS = 350

/** What pointer, keyboard and find do with a graph on its stage. */
export function useGraphActions(view: GraphOnStage, options: ActionOptions): GraphActions {
  const { stage, scene, folds, focusedCard } = view
  const { host, canvas, findBox, decor, selection, events } = options
  const spoken = ref('')
  const isFinding = ref(false)
  const tip = shallowRef<Tip | null>(null)
  let tipTimer = 0
  onScopeDispose(() => clearTimeout(tipTimer))

  const isSelected = (layerIds: readonly string[]): boolean => {
    const { selection: chosen } = decor.value
    return layerIds.length > 0 && layerIds.every((id) => chosen.has(id))
  }

  function focusOf(item: number): GraphFocus | null {
    const found = scene.value?.items[item]
    if (!found) return null
    const nodeIds = found.cards.flatMap(({ nodes }) => nodes.map(({ id }) => id))
    return { id: found.id, kind: found.kind, layerIds: found.layerIds, nodeIds }
  }

  /** Gives an item the keyboard, tells it, and selects its layers. */
  function focusItem(item: number, how: 'only' | 'extend' | 'keep'): void {
    const found = scene.value?.items[item]
    if (!found || !stage.value) return
    focusedCard.value = found.cards[0]!.id
    stage.value.setMarks({ focus: item })
    stage.value.reveal(item)
    events.focus(focusOf(item))
    if (how === 'only') events.select(found.layerIds)
    if (how === 'extend') events.select([...new Set([...selection(), ...found.layerIds])])
    const { name, lines } = describeItem(found, stage.value.looks[item], decor.value)
    spoken.value = [name, ...lines].join(', ')
  }

  function toggleInSelection(layerIds: readonly string[]): void {
    const next = new Set(selection())
    const isAll = isSelected(layerIds)
    for (const id of layerIds) {
      if (isAll) next.delete(id)
      else next.add(id)
    }
    events.select([...next])
  }

  /** A spot for menus: beside the item, or at a point of the canvas. */
  function spotAt(item: number, x?: number, y?: number): GraphSpot {
    const { left, top } = host.value!.getBoundingClientRect()
    const box = scene.value?.boxes[item]
    const { scale, x: offsetX, y: offsetY } = view.camera.value
    const focus = focusOf(item)
    const own = focus?.layerIds ?? []
    return {
      x: left + (x ?? (box ? (box.x + box.width) * scale + offsetX : 0)),
      y: top + (y ?? (box ? box.y * scale + offsetY : 0)),
      layerIds: isSelected(own) ? selection() : own,
      focus,
    }
  }

  function openItem(item: number): void {
    const found = scene.value?.items[item]
    if (found?.block) void folds.toggle(found.block.id)
    else if (found?.layerIds[0] !== undefined) events.open(found.layerIds[0])
  }

  function clear(): void {
    focusedCard.value = null
    stage.value?.setMarks({ focus: -1 })
    events.select([])
    events.focus(null)
  }

  const tensors = computed(() => new Map(options.graph().tensors.map((tensor) => [tensor.name, tensor])))

  function tellNothing(): void {
    clearTimeout(tipTimer)
    tip.value = null
  }

  function tellLater(hit: Hit, x: number, y: number): void {
    tellNothing()
    if (hit.kind === 'nothing' || hit.kind === 'frame') return
    tipTimer = window.setTimeout(() => {
      const shown = scene.value
      const words =
        hit.kind === 'edge'
          ? shown?.edges[hit.edge] && describeEdge(shown, hit.edge, tensors.value)
          : shown?.items[hit.item] && describeItem(shown.items[hit.item]!, stage.value?.looks[hit.item], decor.value)
      if (words) tip.value = { ...words, x, y }
    }, TIP_DELAY_MS)
  }

  const pointer = createPointer(() => stage.value, {
    hover(hit, x, y) {
      const item = hit.kind === 'item' ? hit.item : -1
      const edge = hit.kind === 'edge' ? hit.edge : -1
      canvas.value!.style.cursor = hit.kind === 'nothing' ? 'grab' : 'pointer'
      tellLater(hit, x, y)
      const marks = stage.value?.marks
      if (marks?.hovered === item && marks.edge === edge) return
      stage.value?.setMarks({ hovered: item, edge })
      if (marks?.hovered !== item) events.hover(scene.value?.items[item]?.layerIds ?? [])
    },
    leave() {
      tellNothing()
      if (stage.value && stage.value.marks.hovered !== -1) events.hover([])
      stage.value?.setMarks({ hovered: -1, edge: -1 })
    },
    click(hit, x, y, isExtending) {
      canvas.value?.focus({ preventScroll: true })
      if (hit.kind === 'frame') return void folds.toggle(hit.blockId)
      if (hit.kind !== 'item') return isExtending ? undefined : clear()
      const { layerIds } = scene.value!.items[hit.item]!
      if (isExtending) {
        focusItem(hit.item, 'keep')
        return toggleInSelection(layerIds)
      }
      focusItem(hit.item, hit.part === 'chip' && isSelected(layerIds) ? 'keep' : 'only')
      if (hit.part === 'chip') events.editPrecision(spotAt(hit.item, x, y))
    },
    open(hit) {
      if (hit.kind === 'item' && hit.part === 'card') openItem(hit.item)
    },
    menu(hit, x, y) {
      if (hit.kind !== 'item') return events.contextmenu(spotAt(-1, x, y))
      focusItem(hit.item, isSelected(scene.value!.items[hit.item]!.layerIds) ? 'keep' : 'only')
      events.contextmenu(spotAt(hit.item, x, y))
    },
    catchItems(items) {
      const caught = items.flatMap((item) => scene.value!.items[item]!.layerIds)
      events.select([...new Set([...selection(), ...caught])])
      spoken.value = `${caught.length} layers selected`
    },
  })

  function press(event: KeyboardEvent): void {
    const key = graphKey(event)
    if (!key || !stage.value || !scene.value) return
    event.preventDefault()
    event.stopPropagation()
    tellNothing()
    act(key, stage.value, scene.value)
  }

  /** Layers that a key is about: the selection, else those of the focused box. */
  function targets(): readonly string[] {
    return selection().length > 0 ? selection() : (focusOf(stage.value?.marks.focus ?? -1)?.layerIds ?? [])
  }

  function act(key: GraphKey, on: Stage, shown: Scene): void {
    const { focus } = on.marks
    switch (key.action) {
      case 'walk':
        return focusItem(
          focus < 0 ? firstSeen(on, shown) : walk(shown, focus, key.step),
          key.extends ? 'extend' : 'only',
        )
      case 'pan':
        return on.pan(key.dx, key.dy)
      case 'zoomIn':
        return on.zoom(1.25, undefined, undefined, true)
      case 'zoomOut':
        return on.zoom(0.8, undefined, undefined, true)
      case 'fit':
        return on.fit()
      case 'frame':
        return zoomToSelection()
      case 'toggle':
        return targets().length > 0 ? events.toggle(targets()) : undefined
      case 'bits':
        return targets().length > 0 ? events.setBits(targets(), key.bits) : undefined
      case 'open':
        return openItem(focus)
      case 'fold':
        return foldAround()
      case 'find':
        return openFind()
      case 'menu':
        return events.contextmenu(spotAt(focus))
      case 'selectAll':
        return events.select([...new Set(shown.items.flatMap(({ layerIds }) => layerIds))])
      case 'clear':
        return clear()
    }
  }

  /** Folds the block that the focused card is in. */
  function foldAround(): void {
    const block = focusedCard.value === null ? null : folds.blockOf(focusedCard.value)
    if (!block || folds.folded.value.has(block.id)) return
    view.afterScene.value = () => focusItem(scene.value?.itemOf.get(focusedCard.value ?? '') ?? -1, 'keep')
    void folds.toggle(block.id)
  }

  /** Where walking begins: the selected layer, else the topmost box in view. */
  function firstSeen(on: Stage, shown: Scene): number {
    const chosen = decor.value.selection
    const selected = shown.items.findIndex(({ layerIds }) => layerIds.some((id) => chosen.has(id)))
    return selected >= 0 ? selected : (on.itemsWithin({ x: 0, y: 0, ...on.size })[0] ?? 0)
  }

  function showFound(cardIds: readonly string[]): void {
    const found = cardIds.flatMap((id) => scene.value?.itemOf.get(id) ?? [])
    stage.value?.setMarks({ found: new Set(found) })
  }

  function reach(cardId: string): void {
    const item = scene.value?.itemOf.get(cardId)
    if (item === undefined || !stage.value) return
    focusItem(item, 'only')
    stage.value.reveal(item, true)
  }

  function goTo(cardId: string): void {
    const block = folds.blockOf(cardId)
    if (!block || !folds.folded.value.has(block.id)) return reach(cardId)
    view.afterScene.value = () => reach(cardId)
    void folds.toggle(block.id)
  }

  function openFind(): void {
    if (isFinding.value) findBox.value?.focus()
    isFinding.value = true
  }

  function closeFind(): void {
    isFinding.value = false
    stage.value?.setMarks({ found: new Set() })
    canvas.value?.focus({ preventScroll: true })
  }

  function zoomToSelection(): void {
    const { selection: chosen } = decor.value
    const items = scene.value?.items.flatMap(({ layerIds }, i) => (layerIds.some((id) => chosen.has(id)) ? [i] : []))
    stage.value?.frame(items ?? [])
  }

  return { pointer, press, tip, spoken, isFinding, openFind, closeFind, showFound, goTo, zoomToSelection }
}
