import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, shallowReactive, type EffectScope } from 'vue'
import {
  useGraphScene,
  type GraphScene,
  type SceneOptions,
} from '../../../../../src/renderer/components/graph/use-graph-scene.ts'
import type { Scene } from '../../../../../src/renderer/graph/scene/scene.ts'
import { residualView, viewOf } from '../../graph/views.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

// without workers the layout runs where it is asked for, and says so
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))
let scope: EffectScope
afterEach(() => {
  scope.stop()
  vi.restoreAllMocks()
})

interface Shown {
  readonly items: readonly string[]
  readonly anchor: string | null
  readonly scene: Scene
}

/** The composable on a graph, with what it has shown so far. */
function start(first: SceneOptions): { folds: GraphScene; shown: Shown[]; options: Writable<SceneOptions> } {
  const options = shallowReactive<Writable<SceneOptions>>({ ...first })
  const shown: Shown[] = []
  scope = effectScope()
  const folds = scope.run(() =>
    useGraphScene(
      () => options,
      (scene, anchor) => shown.push({ items: scene.items.map(({ id }) => id), anchor, scene }),
    ),
  )!
  return { folds, shown, options }
}

const settled = async (): Promise<void> => {
  await nextTick()
  await new Promise((resolve) => setTimeout(resolve))
}

describe('useGraphScene', () => {
  it('shows a small graph unfolded', async () => {
    const { shown, folds } = start({ graph: residualView(3), fused: true, folding: 'auto' })
    await settled()
    expect(shown).toHaveLength(1)
    expect(shown[0]!.items).toContain('layer1/0/conv2')
    expect(shown[0]!.anchor).toBeNull()
    expect(folds.isBusy.value).toBe(false)
  })

  it('shows a large graph folded', async () => {
    const { shown, folds } = start({ graph: residualView(300), fused: true, folding: 'auto' })
    await settled()
    expect(folds.folded.value.size).toBe(300)
    expect(shown[0]!.items).toHaveLength(304)
  })

  it('folds and unfolds a block, with its first card to stay in place', async () => {
    const { shown, folds } = start({ graph: residualView(3), fused: true, folding: 'none' })
    await folds.toggle('block:layer1/0/conv1')
    expect(shown.at(-1)).toMatchObject({ anchor: 'layer1/0/conv1' })
    expect(shown.at(-1)!.items).toContain('block:layer1/0/conv1')
    expect(shown.at(-1)!.scene.itemOf.get('layer1/0/conv1')).toBe(shown.at(-1)!.scene.itemOf.get('layer1/0/add'))
    await folds.toggle('block:layer1/0/conv1')
    expect(shown.at(-1)!.items).toContain('layer1/0/add')
  })

  it('knows the block of a card', async () => {
    const { folds } = start({ graph: residualView(3), fused: true, folding: 'none' })
    await settled()
    expect(folds.blockOf('layer2/0/add')?.name).toBe('layer2/0')
    expect(folds.blockOf('stem')).toBeNull()
    expect(folds.blockOf('no such card')).toBeNull()
  })

  it('shows another graph from its beginning, and only the last of several asked for', async () => {
    const { shown, folds, options } = start({ graph: residualView(3), fused: true, folding: 'none' })
    await settled()
    const asked = folds.toggle('block:layer1/0/conv1')
    options.graph = viewOf([{ id: 'other', op: 'Relu', reads: ['x'] }])
    await asked
    await settled()
    expect(shown.at(-1)!.items).toEqual(['input:x', 'other', 'output:other_out'])
    expect(shown.at(-1)!.anchor).toBeNull()
    expect(folds.folded.value.size).toBe(0)
  })

  it('draws every node on its own when asked to', async () => {
    const { shown, options } = start({ graph: residualView(2), fused: true, folding: 'none' })
    await settled()
    expect(shown.at(-1)!.items).not.toContain('layer0/0/relu')
    options.fused = false
    await settled()
    expect(shown.at(-1)!.items).toContain('layer0/0/relu')
  })
})
