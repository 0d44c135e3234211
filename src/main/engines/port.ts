import type { DataType, ValueSpec } from '../../shared/contract/tensor.ts'

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

/** A dense tensor at an engine's border, row-major. float16 and bfloat16 travel as Uint16Array, bool as Uint8Array. */
export interface EngineTensor {
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly data: TypedArray
}

/** Tensors by name, in either direction. */
export type Feeds = Readonly<Record<string, EngineTensor>>

/** A loaded model. Not re-entrant: one run at a time. Must be released, else its memory leaks (DESIGN section 2). */
export interface Session {
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  /**
   * @param fetches names of the outputs wanted; all when absent
   * @param into outputs of a former run, written over in place where they are wanted: of the dims that they have now. No float16.
   */
  run(feeds: Feeds, fetches?: readonly string[], into?: Feeds): Promise<Feeds>
  release(): Promise<void>
  /** Ends profiling and gives the path of the profile file; only on sessions opened with `profilePrefix`. */
  endProfiling(): Promise<string>
}

export type OptimizationLevel = 'disabled' | 'basic' | 'extended' | 'all'

export interface SessionOptions {
  readonly threads?: number
  readonly optimization?: OptimizationLevel
  /** where the optimised graph is written as ONNX when the session is created */
  readonly optimizedModelPath?: string
  /** path prefix of the profile; turns profiling on */
  readonly profilePrefix?: string
  /** ONNX Runtime session config entries, for example `session.disable_prepacking` */
  readonly config?: Readonly<Record<string, string>>
}

/** The measuring engine as pure rooms and jobs see it. */
export interface Engine {
  readonly name: string
  readonly version: string
  /** @param model a path (preferred: no copy, external data found beside it) or the file's bytes */
  createSession(model: string | Uint8Array, options?: SessionOptions): Promise<Session>
}
