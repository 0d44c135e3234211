import type { Execution } from './model.ts'

/** What a run did; one for every command that measures. */
export type RunKind =
  | 'inspect'
  | 'quantize'
  | 'evaluate'
  | 'bench'
  | 'calibrate'
  | 'sensitivity'
  | 'search'
  | 'train'
  | 'qat'
  | 'compareQat'
  | 'sweep'
  | 'measurePlan'
  | 'convert'
  | 'reproduce'
  | 'demo'

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** The machine and versions a run was measured on. */
export interface Environment {
  readonly cpu: string
  readonly cores: number
  /** instruction sets that matter for integer kernels, for example avx2, avx512f, avx512_vnni */
  readonly isa: readonly string[]
  readonly memoryBytes: number
  readonly platform: string
  /** node, onnxruntime, quantbench … */
  readonly versions: Readonly<Record<string, string>>
}

/** What one layer was and how it ran. Further numbers (sensitivity and the like) go to `metrics`. */
export interface LayerResult {
  readonly id: string
  readonly op: string
  /** `int8`, `uint8`, `int4`, `float` … as planned */
  readonly type: string
  readonly execution: Execution | null
  readonly ms: number | null
  readonly metrics: Readonly<Record<string, number>>
  readonly reason: string | null
}

/** A file a run wrote or used; the content is kept once, by SHA-256. */
export interface ArtifactInfo {
  readonly role: string
  readonly sha256: string
  readonly bytes: number
  /** where the user's copy was written, or null when it lives in the store only */
  readonly path: string | null
}

/** One row of the runs table. Times are ISO 8601 in UTC; metrics use the units of their names. */
export interface RunSummary {
  readonly id: string
  readonly kind: RunKind
  readonly status: RunStatus
  readonly startedAt: string
  readonly endedAt: string | null
  readonly modelHash: string | null
  readonly modelPath: string | null
  readonly dataHash: string | null
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: readonly string[]
  readonly note: string
}

export interface RunDetail extends RunSummary {
  readonly parameters: Json
  readonly environment: Environment | null
  readonly layers: readonly LayerResult[]
  readonly artifacts: readonly ArtifactInfo[]
  readonly warnings: readonly string[]
  /** results that are not single numbers: confusion matrix, intervals, per-output metrics */
  readonly results: Json
}
