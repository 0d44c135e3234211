import { createApp, defineComponent, h, ref, shallowRef } from 'vue'
import type { GraphView } from '../../../src/shared/contract/graph-view.ts'
import GraphCanvas from '../../../src/renderer/components/graph/GraphCanvas.vue'
import { precisionOf, type GraphOverlay, type LayerPrecision } from '../../../src/renderer/graph/decor.ts'
import { createFindIndex } from '../../../src/renderer/graph/find.ts'
import { makeCards } from '../../../src/renderer/graph/scene/cards.ts'
import type { Stage } from '../../../src/renderer/graph/stage.ts'
import '../../../src/renderer/styles/base.css'

/** Settings of the page, from its address: `?graph=/a.json&theme=dark&folding=none&overlay=damage&changed=1`. */
const query = new URLSearchParams(location.search)

/** What the page measures of itself; times in ms. */
export interface PageFigures {
  readonly parseMs: number
  /** from the parsed JSON to the first painted frame */
  readonly paintMs: number
  readonly layoutMs: number
  readonly items: number
}

/** What scripts that drive the page may use. */
export interface PageHandle {
  readonly ready: Promise<PageFigures>
  stage(): Stage
  exposed(): ExposedCanvas
  /** frames a second while the view moves by steps of `move` for `seconds` */
  framesPerSecond(move: 'pan' | 'zoom', seconds: number): Promise<number>
  /** longest of the queries, in ms */
  findMs(queries: readonly string[]): number
  events: { name: string; value: unknown }[]
}

interface ExposedCanvas {
  readonly stage: Stage
  fit(): void
  foldAll(): void
  unfoldAll(): void
  openFind(): void
  reveal(layerId: string): void
  exportSvg(): string | null
  exportPng(): Promise<unknown>
}

const text = await (await fetch(query.get('graph') ?? '/graph.json')).text()
const parseStart = performance.now()
const graph = JSON.parse(text) as GraphView
const parsed = performance.now()

/** A plan that looks like one: mostly 8 bits, some float, 4 and odd ones. */
function somePrecisions(): ReadonlyMap<string, LayerPrecision> {
  return new Map(
    graph.layers.map((layer, i) => {
      if (!layer.quantizable || i === 0) return [layer.id, precisionOf(null, null)]
      const bits = i % 11 === 5 ? 4 : i % 13 === 7 ? 16 : i % 17 === 9 ? 3 : 8
      return [layer.id, precisionOf(bits, bits === 4 ? 8 : bits)]
    }),
  )
}

function someOverlay(): GraphOverlay | null {
  const kind = query.get('overlay')
  if (kind === null) return null
  if (kind === 'execution') {
    return {
      kind: 'categories',
      name: 'runs as',
      categories: [
        { id: 'int8', label: 'integers', hue: 'bits8' },
        { id: 'simulated', label: 'simulated', hue: 'bits4' },
        { id: 'float', label: 'float', hue: 'float' },
      ],
      values: new Map(
        graph.layers.map(({ id, quantizable }, i) => [
          id,
          quantizable ? (i % 7 === 3 ? 'simulated' : 'int8') : 'float',
        ]),
      ),
    }
  }
  const values = new Map(
    graph.layers
      .filter(({ quantizable }) => quantizable)
      .map(({ id }, i) => [id, { value: 0.0004 * 1.35 ** (i % 23), estimated: kind === 'estimated' || i % 5 === 4 }]),
  )
  return { kind: 'sequential', name: 'sensitivity', unit: 'ΔKL', values, scale: 'log', combine: 'max' }
}

const precisions = somePrecisions()
const overlay = someOverlay()
const changed = query.has('changed') ? new Set(graph.layers.filter((_, i) => i % 6 === 2).map(({ id }) => id)) : null
const theme = query.get('theme') === 'dark' ? 'dark' : 'light'
document.documentElement.dataset['theme'] = theme
const events: PageHandle['events'] = []
const selection = shallowRef<readonly string[]>([])
const canvas = ref<unknown>(null)
const { promise: ready, resolve } = Promise.withResolvers<PageFigures>()

const page = defineComponent(() => {
  const told = (name: string) => (value: unknown) => void events.push({ name, value })
  return () =>
    h(GraphCanvas, {
      ref: canvas,
      graph,
      theme,
      precisions,
      overlay,
      changed,
      selection: selection.value,
      fused: query.get('fused') !== 'no',
      folding: query.get('folding') ?? 'auto',
      onSelect: (ids: readonly string[]) => {
        selection.value = ids
        events.push({ name: 'select', value: ids })
      },
      onToggle: told('toggle'),
      onSetBits: (ids: readonly string[], bits: number) => events.push({ name: 'setBits', value: [ids, bits] }),
      onOpen: told('open'),
      onContextmenu: told('contextmenu'),
      onEditPrecision: told('editPrecision'),
      onFocus: told('focus'),
      onShown: ({ items, layoutMs }: { items: number; layoutMs: number }) =>
        // the frame after the one that painted: by then it is on the screen
        requestAnimationFrame(() =>
          resolve({ parseMs: parsed - parseStart, paintMs: performance.now() - parsed, layoutMs, items }),
        ),
    } as never)
})

const exposed = (): ExposedCanvas => canvas.value as ExposedCanvas

async function framesPerSecond(move: 'pan' | 'zoom', seconds: number): Promise<number> {
  const { stage } = exposed()
  const { width, height } = stage.scene!
  const smallest = Math.min(stage.size.width / width, stage.size.height / height)
  const start = performance.now()
  let frames = 0
  let now = start
  while (now - start < seconds * 1000) {
    const phase = ((now - start) / 1000) * Math.PI
    if (move === 'pan') stage.pan(Math.cos(phase) * 9, -Math.sign(Math.cos(phase / 2)) * 23)
    else stage.zoom(Math.exp(((1 + Math.cos(phase)) / 2) * Math.log(smallest)) / stage.camera.scale)
    await new Promise((next) => requestAnimationFrame(next))
    frames++
    now = performance.now()
  }
  return (frames * 1000) / (now - start)
}

function findMs(queries: readonly string[]): number {
  const index = createFindIndex(makeCards(graph, { fused: true }))
  const times = queries.map((wanted) => {
    const start = performance.now()
    index.find(wanted, 100)
    return performance.now() - start
  })
  return Math.max(...times)
}

const handle: PageHandle = { ready, stage: () => exposed().stage, exposed, framesPerSecond, findMs, events }
Object.assign(window, { graphPage: handle })
createApp(page).mount('#page')
