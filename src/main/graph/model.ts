import type { DataType, Dim } from '../../shared/contract/tensor.ts'

/**
 * What the codec must write back and nobody else reads: unknown fields, functions, training info, annotations.
 * Passes copy it along with the value it belongs to.
 */
export type Opaque = { readonly __opaque: unique symbol } | null

/**
 * A constant. `data` is little-endian, tightly packed in row-major order; 4-bit and 2-bit types are packed with the first
 * element in the low bits (ONNX raw_data layout). Strings are kept apart. External data is resolved when the model is
 * opened, so that passes never see it.
 */
export interface Tensor {
  readonly name: string
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly data: Uint8Array
  /** only for dataType `string`: UTF-8 bytes of each element */
  readonly strings?: readonly Uint8Array[]
  readonly opaque?: Opaque
}

/** A graph input, output or annotated intermediate. `shape` null: rank unknown. `dataType` null: not a tensor (sequence, map, optional). */
export interface ValueInfo {
  readonly name: string
  readonly dataType: DataType | null
  readonly shape: readonly Dim[] | null
  readonly opaque?: Opaque
}

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** sparse tensors, type protos, lists of tensors: carried, never read */
  | { readonly kind: 'other'; readonly value: Opaque }

/**
 * One operator call. `inputs` and `outputs` hold tensor names, '' for an omitted optional one. Once `assignIds` has run,
 * `name` is not empty, unique in the model, and is the node's id (DESIGN section 6).
 */
export interface Node {
  readonly name: string
  readonly opType: string
  /** '' is ai.onnx */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, Attribute>
  readonly opaque?: Opaque
}

/** Nodes stand in topological order. `initializers` may also be listed as inputs in files older than IR 4. */
export interface Graph {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly valueInfo: ReadonlyMap<string, ValueInfo>
  readonly initializers: ReadonlyMap<string, Tensor>
  /** tensor names that `opaque` defines: sparse initializers */
  readonly opaqueNames?: readonly string[]
  readonly opaque?: Opaque
}

/** An ONNX model as a value; passes return new ones. */
export interface Model {
  readonly irVersion: number
  /** domain → version; '' is ai.onnx */
  readonly opsets: ReadonlyMap<string, number>
  readonly producerName: string
  readonly producerVersion: string
  readonly domain: string
  readonly modelVersion: bigint
  readonly docString: string
  readonly metadata: ReadonlyMap<string, string>
  readonly graph: Graph
  /** operators that the file defines itself, kept in `opaque`, as `domain::name` */
  readonly functions?: ReadonlySet<string>
  readonly opaque?: Opaque
}
