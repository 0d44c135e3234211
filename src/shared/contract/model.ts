import type { Dim, ValueSpec } from './tensor.ts'

/** `int8`, `simulated` (quantized in the file, computed in float) or `float`, as the runtime's own dump and profile show. */
export type Execution = 'int8' | 'simulated' | 'float'

/**
 * What a layer does for quantization:
 * `weighted` has quantizable weights (Conv, Gemm, MatMul with a constant side); `arithmetic` computes on activations only and
 * has an integer kernel (Add, Mul, Concat, pools, Softmax, Sigmoid, MatMul of two activations …);
 * `movement` passes values on and reuses its input's parameters (MaxPool, Reshape, Transpose, Slice …);
 * `other` has no integer kernel and stays in float.
 */
export type LayerRole = 'weighted' | 'arithmetic' | 'movement' | 'other'

/** The unit a user toggles: one op with the activation fused into it (DESIGN sections 4 and 6). */
export interface LayerInfo {
  /** stable through folding, optimisation, quantization, profiling and export */
  readonly id: string
  readonly op: string
  /** op of the fused activation, for example Relu, or null */
  readonly activation: string | null
  readonly role: LayerRole
  /** ids of all nodes of the prepared graph that belong to it, in order */
  readonly nodes: readonly string[]
  readonly inputs: readonly string[]
  /** tensor names after the fused activation */
  readonly outputs: readonly string[]
  readonly outputShape: readonly Dim[] | null
  /** numbers in its own constants (weights and bias) */
  readonly parameters: number
  /** multiply-accumulates for one sample, null where the shape is unknown */
  readonly macs: number | null
  readonly quantizable: boolean
  /** why not, in words; null when quantizable */
  readonly reason: string | null
}

/** What a model's file is; whatever it is, it is worked on as one ONNX graph (DESIGN section 1). */
export type ModelFormat = 'onnx' | 'tfjs-layers' | 'tfjs-graph'

export interface ModelSummary {
  readonly path: string
  /** `sha256:…` over the file and its external data or shards */
  readonly hash: string
  readonly format: ModelFormat
  readonly producer: string
  readonly irVersion: number
  /** domain → version of the file as it came; '' is ai.onnx */
  readonly opset: Readonly<Record<string, number>>
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  readonly sizeBytes: number
  readonly parameters: number
  readonly macs: number | null
  readonly nodeCount: number
  readonly layers: readonly LayerInfo[]
  /** sentences: what preparation changed or could not do */
  readonly notes: readonly string[]
}
