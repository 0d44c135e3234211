import {
  computed,
  onBeforeUnmount,
  onMounted,
  ref,
  shallowRef,
  watch,
  type ComputedRef,
  type Ref,
  type ShallowRef,
} from 'vue'
import type { Look } from '../../graph/canvas/looks.ts'
import type { Camera, Size } from '../../graph/camera.ts'
import type { GraphDecor } from '../../graph/decor.ts'
import type { GraphTheme } from '../../graph/palette.ts'
import type { Box, Scene } from '../../graph/scene/scene.ts'
import { Stage } from '../../graph/stage.ts'
import { useGraphScene, type GraphScene, type SceneOptions } from './use-graph-scene.ts'

export interface StageOptions {
  readonly host: Readonly<ShallowRef<HTMLElement | null>>
  readonly canvas: Readonly<ShallowRef<HTMLCanvasElement | null>>
  readonly options: () => SceneOptions
  readonly decor: ComputedRef<GraphDecor>
  readonly theme: ComputedRef<GraphTheme>
  readonly onShown: (state: { readonly items: number; readonly layoutMs: number }) => void
}

/** A graph on its stage, as the parts of the canvas see it. */
export interface GraphOnStage {
  readonly stage: ShallowRef<Stage | null>
  readonly scene: ShallowRef<Scene | null>
  readonly camera: ShallowRef<Camera>
  readonly size: ShallowRef<Size>
  readonly looks: ComputedRef<readonly Look[]>
  /** the part of the drawing in view */
  readonly seen: ComputedRef<Box>
  readonly folds: GraphScene
  /** the card that has the keyboard; kept through folding */
  readonly focusedCard: Ref<string | null>
  /** what comes once the next scene is on show */
  readonly afterScene: Ref<(() => void) | null>
  setAllFolded(isFolded: boolean): void
}

/** Brings a graph onto a canvas: scenes as they are laid out, size, theme and decor, and what stays in place when blocks fold. */
export function useGraphStage({ host, canvas, options, decor, theme, onShown }: StageOptions): GraphOnStage {
  const stage = shallowRef<Stage | null>(null)
  const scene = shallowRef<Scene | null>(null)
  const camera = shallowRef<Camera>({ scale: 1, x: 0, y: 0 })
  const size = shallowRef<Size>({ width: 1, height: 1 })
  const focusedCard = ref<string | null>(null)
  const afterScene = shallowRef<(() => void) | null>(null)
  const folds = useGraphScene(options, showScene)
  let isSized = false
  let layoutMs = 0

  function showScene(next: Scene, anchor: string | null, ms: number): void {
    const before = scene.value
    scene.value = next
    layoutMs = ms
    // laid out before the canvas is there: the canvas shows it when it is mounted
    if (stage.value) putOnStage(stage.value, before, next, anchor)
  }

  function putOnStage(on: Stage, before: Scene | null, next: Scene, anchor: string | null): void {
    on.setScene(next)
    const boxIn = (of: Scene | null): Box | undefined => of?.boxes[of.itemOf.get(anchor ?? '') ?? -1]
    const old = boxIn(before)
    const now = boxIn(next)
    if (old && now) {
      const { scale, x, y } = on.camera
      const aside = old.x + old.width / 2 - now.x - now.width / 2
      on.moveTo({ scale, x: x + aside * scale, y: y + (old.y - now.y) * scale }, false)
    } else if (anchor === null) {
      focusedCard.value = null
      on.open()
    }
    on.setMarks({ focus: next.itemOf.get(focusedCard.value ?? '') ?? -1 })
    afterScene.value?.()
    afterScene.value = null
    requestAnimationFrame(() => onShown({ items: next.items.length, layoutMs }))
  }

  // flush: the minimap reads the looks after the stage has made them
  watch([decor, theme], () => stage.value?.setDecor(decor.value, theme.value), { flush: 'sync' })
  const looks = computed(() => {
    void [scene.value, decor.value, theme.value]
    return stage.value?.looks ?? []
  })
  const seen = computed(() => {
    const { scale, x, y } = camera.value
    return { x: -x / scale, y: -y / scale, width: size.value.width / scale, height: size.value.height / scale }
  })

  const observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry!.contentRect
    if (width === 0 || height === 0) return
    size.value = { width, height }
    stage.value?.resize({ width, height })
    // a scene that came before there was any room
    if (!isSized && scene.value) stage.value?.open()
    isSized = true
  })
  onMounted(() => {
    stage.value = new Stage(canvas.value!, (moved) => (camera.value = moved))
    stage.value.setDecor(decor.value, theme.value)
    observer.observe(host.value!)
    if (scene.value) putOnStage(stage.value, null, scene.value, null)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    stage.value?.close()
  })

  /** The card in the middle of the view, which folding keeps in place. */
  function middleCard(): string | null {
    const on = stage.value
    const shown = scene.value
    if (!on || !shown) return null
    const near = on.itemsWithin({ x: 0, y: 0, ...on.size })
    const [first] = near
    if (first === undefined) return null
    const middle = on.toDrawing(on.size.width / 2, on.size.height / 2).y
    const distance = (item: number): number => Math.abs(shown.boxes[item]!.y + shown.boxes[item]!.height / 2 - middle)
    return shown.items[near.reduce((best, item) => (distance(item) < distance(best) ? item : best), first)]!.cards[0]!
      .id
  }

  function setAllFolded(isFolded: boolean): void {
    const ids = isFolded ? folds.blocks.value.map(({ id }) => id) : []
    void folds.setFolded(new Set(ids), middleCard())
  }

  return { stage, scene, camera, size, looks, seen, folds, focusedCard, afterScene, setAllFolded }
}
