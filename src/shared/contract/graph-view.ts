import type { LayerInfo } from './model.ts'
import type { DataType, Dim, ValueSpec } from './tensor.ts'

/** `prepared`: the graph that plans, layers and calibration speak of; `file`: the graph as the file holds it, nothing folded. */
export type GraphForm = 'prepared' | 'file'

/** A tensor that a node of the view reads or writes. */
export interface GraphViewTensor {
  readonly name: string
  /** null where nothing is known, or the value is a sequence, map or optional */
  readonly dataType: DataType | null
  /** null where the rank is unknown */
  readonly shape: readonly Dim[] | null
  /** bytes of a constant as stored; null for what is computed or fed */
  readonly constantBytes: number | null
}

/** An attribute in words: `kernel_shape` as `3, 3`; tensors and subgraphs by what they are, never their numbers in full. */
export interface GraphViewAttribute {
  readonly name: string
  readonly text: string
}

/** One operator call. Edges follow from the tensor names: who reads what another writes. */
export interface GraphViewNode {
  /** the node's name, made unique where the file leaves it empty or repeats it (DESIGN section 6) */
  readonly id: string
  readonly op: string
  /** '' is ai.onnx */
  readonly domain: string
  /** the layer it belongs to, a fused activation or bias to its main op's; null where the file's node is of no layer */
  readonly layerId: string | null
  /** tensor names in the operator's order, '' for an omitted optional one; constants included */
  readonly inputs: readonly string[]
  /** '' for an omitted one */
  readonly outputs: readonly string[]
  /** tensors of the main graph that its subgraphs read (If, Loop, Scan) */
  readonly captures: readonly string[]
  readonly attributes: readonly GraphViewAttribute[]
  /** of its first output; null where the rank is unknown */
  readonly outputShape: readonly Dim[] | null
}

/** What the graph canvas draws and the properties panel lists: the main graph as plain JSON, without weights. */
export interface GraphView {
  readonly form: GraphForm
  /** the graph's name in the file, possibly '' */
  readonly name: string
  /** what has to be fed */
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  /** in topological order */
  readonly nodes: readonly GraphViewNode[]
  readonly layers: readonly LayerInfo[]
  /** every tensor that a node reads or writes, once */
  readonly tensors: readonly GraphViewTensor[]
}
