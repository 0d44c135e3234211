import type { GraphView, GraphViewNode } from '../../../../src/shared/contract/graph-view.ts'
import type { LayerInfo } from '../../../../src/shared/contract/model.ts'
import type { LayoutInput } from '../../../../src/renderer/graph/layout/index.ts'
import { layOut } from '../../../../src/renderer/graph/layout/index.ts'
import { findBlocks } from '../../../../src/renderer/graph/scene/blocks.ts'
import { makeCards } from '../../../../src/renderer/graph/scene/cards.ts'
import { foldBlocks } from '../../../../src/renderer/graph/scene/items.ts'
import { layoutInputOf, makeScene, type Scene } from '../../../../src/renderer/graph/scene/scene.ts'

/** A small seeded generator (mulberry32): values in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface NodeSpec {
  readonly id: string
  readonly op: string
  /** what it reads: ids of other nodes, `x` for the graph's input; names that nobody writes are constants */
  readonly reads: readonly string[]
  /** the layer it is fused into; absent: its own, null: none */
  readonly layer?: string | null
}

const SHAPE = ['N', 8, 16, 16] as const

/** A graph as the main side describes it: input `x`, each node writes `ID_out`, outputs are what nobody reads. */
export function viewOf(specs: readonly NodeSpec[]): GraphView {
  const known = new Set(specs.map(({ id }) => id))
  const tensorOf = (name: string): string => (known.has(name) ? `${name}_out` : name)
  const nodes = specs.map(({ id, op, reads, layer = id }): GraphViewNode => ({
    id,
    op,
    domain: '',
    layerId: layer,
    inputs: reads.map(tensorOf),
    outputs: [`${id}_out`],
    captures: [],
    attributes: [],
    outputShape: SHAPE,
  }))
  const read = new Set(specs.flatMap(({ reads }) => reads))
  const outputs = specs.filter(({ id }) => !read.has(id)).map(({ id }) => `${id}_out`)
  const layerIds = [...new Set(nodes.flatMap(({ layerId }) => layerId ?? []))]
  return {
    form: 'prepared',
    name: 'test',
    inputs: [{ name: 'x', dataType: 'float', shape: SHAPE }],
    outputs: outputs.map((name) => ({ name, dataType: 'float', shape: SHAPE })),
    nodes,
    layers: layerIds.map((id) => layerOf(id, nodes)),
    tensors: [...new Set(nodes.flatMap(({ inputs, outputs: written }) => [...inputs, ...written]))].map((name) => ({
      name,
      dataType: 'float',
      shape: SHAPE,
      constantBytes: null,
    })),
  }
}

function layerOf(id: string, nodes: readonly GraphViewNode[]): LayerInfo {
  const members = nodes.filter(({ layerId }) => layerId === id)
  const main = members.find((node) => node.id === id) ?? members[0]!
  const isWeighted = main.op === 'Conv'
  return {
    id,
    op: main.op,
    activation: members.find(({ op }) => op === 'Relu' && main.op !== 'Relu')?.op ?? null,
    role: isWeighted ? 'weighted' : 'arithmetic',
    nodes: members.map((node) => node.id),
    inputs: main.inputs,
    outputs: members.at(-1)!.outputs,
    outputShape: SHAPE,
    parameters: isWeighted ? 1040 : 0,
    macs: isWeighted ? 3_200_000 : 0,
    quantizable: true,
    reason: null,
  }
}

/** Residual blocks `layerK/0/…` of two convolutions and an Add. */
export function residualView(blocks: number): GraphView {
  const specs: NodeSpec[] = [{ id: 'stem', op: 'Conv', reads: ['x', 'w'] }]
  let last = 'stem'
  for (let i = 0; i < blocks; i++) {
    const name = `layer${i}/0`
    specs.push({ id: `${name}/conv1`, op: 'Conv', reads: [last, `w${i}a`] })
    specs.push({ id: `${name}/relu`, op: 'Relu', reads: [`${name}/conv1`], layer: `${name}/conv1` })
    specs.push({ id: `${name}/conv2`, op: 'Conv', reads: [`${name}/relu`, `w${i}b`] })
    specs.push({ id: `${name}/add`, op: 'Add', reads: [`${name}/conv2`, last] })
    last = `${name}/add`
  }
  specs.push({ id: 'head', op: 'Gemm', reads: [last, 'wf'] })
  return viewOf(specs)
}

/** The scene of a graph with some blocks folded. */
export function sceneOf(view: GraphView, folded: 'all' | 'none' = 'none'): Scene {
  const cards = makeCards(view, { fused: true })
  const blocks = findBlocks(cards)
  const items = foldBlocks(cards, blocks, new Set(folded === 'all' ? blocks.map(({ id }) => id) : []))
  return makeScene(items, layOut(layoutInputOf(items)))
}

/** What the layout is asked: boxes of one size, edges as pairs; edges of one source share its tensor unless told. */
export function layoutInput(
  count: number,
  edges: readonly (readonly [number, number])[],
  trunk: (edge: number) => number = (edge) => edges[edge]![0],
): LayoutInput {
  return {
    widths: new Float32Array(count).fill(200),
    heights: new Float32Array(count).fill(60),
    from: Int32Array.from(edges, ([from]) => from),
    to: Int32Array.from(edges, ([, to]) => to),
    trunk: Int32Array.from(edges, (_, i) => trunk(i)),
  }
}
