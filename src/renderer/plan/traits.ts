import type { GraphView } from '../../shared/contract/graph-view.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'

/** What rules ask of a layer beyond its op: read from the graph's attributes and constants. */
export interface LayerTraits {
  readonly layer: LayerInfo
  /** spatial sizes of a convolution's kernel, null for other ops */
  readonly kernel: readonly number[] | null
  /** groups of a convolution, 1 for other ops */
  readonly groups: number
  /** every group has one input channel, and there are several */
  readonly isDepthwise: boolean
}

const numbers = (text: string | undefined): number[] =>
  text === undefined
    ? []
    : text
        .split(',')
        .map((part) => Number(part.trim()))
        .filter((value) => Number.isFinite(value))

/** Traits of a graph's layers, in graph order. */
export function traitsOf(view: Pick<GraphView, 'nodes' | 'layers' | 'tensors'>): LayerTraits[] {
  const nodes = new Map(view.nodes.map((node) => [node.id, node]))
  const shapes = new Map(view.tensors.map(({ name, shape }) => [name, shape]))
  return view.layers.map((layer) => {
    const node = nodes.get(layer.id)
    const attribute = (name: string): number[] => numbers(node?.attributes.find((one) => one.name === name)?.text)
    if (layer.op !== 'Conv' && layer.op !== 'ConvTranspose')
      return { layer, kernel: null, groups: 1, isDepthwise: false }
    // [outChannels, inChannels / groups, …kernel]
    const shape = shapes.get(node?.inputs[1] ?? '')?.map((dim) => (typeof dim === 'number' ? dim : Number.NaN))
    const kernel = attribute('kernel_shape')
    const groups = attribute('group')[0] ?? 1
    return {
      layer,
      kernel: kernel.length > 0 ? kernel : (shape?.slice(2) ?? null),
      groups,
      isDepthwise: groups > 1 && (shape === undefined || shape[1] === 1),
    }
  })
}

/** What a layer is, in words: `Conv 3×3 + Relu`, `depthwise Conv 3×3`, `Gemm`. */
export function describeTraits({ layer, kernel, groups, isDepthwise }: LayerTraits): string {
  const size = kernel === null || kernel.length === 0 ? '' : ` ${kernel.join('×')}`
  const kind = isDepthwise ? 'depthwise ' : ''
  const grouped = !isDepthwise && groups > 1 ? `, ${groups} groups` : ''
  return `${kind}${layer.op}${size}${layer.activation === null ? '' : ` + ${layer.activation}`}${grouped}`
}
