import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { GraphView } from '../../../shared/contract/graph-view.ts'
import { createFindIndex, type FindIndex } from '../../graph/find.ts'
import { createLayouter } from '../../graph/layouter.ts'
import { findBlocks, type Block } from '../../graph/scene/blocks.ts'
import { makeCards, type CardGraph } from '../../graph/scene/cards.ts'
import { foldBlocks } from '../../graph/scene/items.ts'
import { layoutInputOf, makeScene, type Scene } from '../../graph/scene/scene.ts'

/** What is folded when a graph is opened; `auto` folds repeated blocks of large graphs. */
export type Folding = 'auto' | 'all' | 'none'

/** Graphs with more cards than this open with their blocks folded. */
const AUTO_FOLD_CARDS = 600

export interface SceneOptions {
  readonly graph: GraphView
  readonly fused: boolean
  readonly folding: Folding
}

/** A scene has been made; `anchor` is the card that should stay where it is on the screen, null for a new graph. */
export type OnScene = (scene: Scene, anchor: string | null, layoutMs: number) => void

export interface GraphScene {
  readonly cards: ComputedRef<CardGraph>
  readonly blocks: ComputedRef<readonly Block[]>
  readonly findIndex: ComputedRef<FindIndex>
  readonly folded: ShallowRef<ReadonlySet<string>>
  readonly isBusy: Ref<boolean>
  readonly problem: Ref<string | null>
  /** Folds or unfolds a block; the scene that comes keeps `anchor` in place, the block's first card unless told. */
  toggle(blockId: string): Promise<void>
  setFolded(folded: ReadonlySet<string>, anchor: string | null): Promise<void>
  /** the block a card is in */
  blockOf(cardId: string): Block | null
}

/** Keeps a laid-out scene of a graph: cards, blocks, what is folded, and the layout worker. */
export function useGraphScene(options: () => SceneOptions, onScene: OnScene): GraphScene {
  const layouter = createLayouter()
  onScopeDispose(() => layouter.close())
  const folded = shallowRef<ReadonlySet<string>>(new Set())
  const isBusy = ref(false)
  const problem = ref<string | null>(null)
  const cards = computed(() => makeCards(options().graph, { fused: options().fused }))
  const blocks = computed(() => findBlocks(cards.value))
  const findIndex = computed(() => createFindIndex(cards.value))
  const places = computed(() => new Map(cards.value.cards.map(({ id }, i) => [id, i])))
  let version = 0

  async function show(anchor: string | null): Promise<void> {
    const mine = ++version
    isBusy.value = true
    problem.value = null
    try {
      const items = foldBlocks(cards.value, blocks.value, folded.value)
      const start = performance.now()
      const layout = await layouter.layOut(layoutInputOf(items))
      // a newer request answers later
      if (mine !== version) return
      onScene(makeScene(items, layout), anchor, performance.now() - start)
    } catch (error) {
      if (mine !== version || (error instanceof DOMException && error.name === 'AbortError')) return
      problem.value = error instanceof Error ? error.message : String(error)
    } finally {
      if (mine === version) isBusy.value = false
    }
  }

  async function setFolded(next: ReadonlySet<string>, anchor: string | null): Promise<void> {
    folded.value = next
    await show(anchor)
  }

  async function toggle(blockId: string): Promise<void> {
    const block = blocks.value.find(({ id }) => id === blockId)
    if (!block) return
    const next = new Set(folded.value)
    if (!next.delete(blockId)) next.add(blockId)
    await setFolded(next, cards.value.cards[block.first]!.id)
  }

  function blockOf(cardId: string): Block | null {
    const place = places.value.get(cardId) ?? -1
    return blocks.value.find(({ first, last }) => place >= first && place <= last) ?? null
  }

  watch(
    () => [options().graph, options().fused, options().folding] as const,
    () => {
      const { folding } = options()
      const folds = folding === 'all' || (folding === 'auto' && cards.value.cards.length > AUTO_FOLD_CARDS)
      folded.value = new Set(folds ? blocks.value.map(({ id }) => id) : [])
      void show(null)
    },
    { immediate: true },
  )

  return { cards, blocks, findIndex, folded, isBusy, problem, toggle, setFolded, blockOf }
}
