import type { DataSpec } from '../data.ts'
import type { Execution } from '../model.ts'
import type { QuantPlan } from '../plan.ts'
import type { Json } from '../runs.ts'
import type { JobKind } from './jobs.ts'
import type { ComparisonRowView, EpochView, TrainingEngineView, TrainOptionsInput } from './training.ts'

/** A value with its 95 % confidence interval. */
export interface IntervalView {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Quality against labels; rates in 0–1. */
export interface ClassScoresView {
  readonly top1: number
  readonly top5: number | null
  readonly loss: number
  /** `[label, predicted class, samples]`, pairs that occur */
  readonly confusion: readonly (readonly [number, number, number])[]
  readonly classes: number
}

/** What an evaluation says; what needs labels, a reference or classes is null without them. */
export interface EvaluationView {
  readonly samples: number
  readonly labelled: number
  readonly model: ClassScoresView | null
  readonly reference: ClassScoresView | null
  readonly agreement: number | null
  readonly kl: number | null
  readonly drop: IntervalView | null
  readonly lossIncrease: IntervalView | null
  readonly outputs:
    | readonly {
        readonly output: string
        readonly sqnrDb: number
        readonly cosine: number
        readonly maxAbsError: number
        readonly maxRelativeError: number
      }[]
    | null
}

/** One layer as written and as it runs. */
export interface QuantizedLayerView {
  readonly id: string
  readonly op: string
  readonly type: string
  readonly execution: Execution | null
  readonly ms: number | null
  readonly scale: number | null
  readonly zeroPoint: number | null
  readonly bits: number | null
  readonly granularity: string | null
  readonly weightScales: readonly [number, number] | null
  /** why it does not run in integers; null where it does */
  readonly reason: string | null
}

export interface BenchLayerView {
  readonly id: string
  readonly op: string
  readonly ms: number | null
  readonly execution: Execution
  readonly referenceMs: number | null
  readonly reason: string | null
}

export interface BenchView {
  readonly medianMs: number
  readonly referenceMedianMs: number | null
  readonly speedup: number | null
  readonly interval: { readonly low: number; readonly high: number } | null
  readonly batch: number
  readonly threads: number
  readonly runs: number
  readonly layers: readonly BenchLayerView[]
  readonly other: readonly { readonly kernel: string; readonly count: number; readonly ms: number | null }[]
  readonly warnings: readonly string[]
}

/** What one layer suffers from one configuration, as far as it is known. */
export interface SensitivityRow {
  readonly layer: string
  readonly config: string
  /** loss, kl, top1, nsr of the exact sweep; sqnrDb of the quick scan (where larger is better) */
  readonly metric: 'loss' | 'kl' | 'top1' | 'nsr' | 'sqnrDb'
  readonly value: number
  /** 95 %; null where there is none */
  readonly interval: readonly [number, number] | null
  readonly samples: number
  /** from 1 within its configuration, the most sensitive first; null while it may still change */
  readonly rank: number | null
}

/** A measured plan of a search, predicted and measured side by side. */
export interface CandidateView {
  /** equal for equal plans of one search */
  readonly key: string
  readonly plan: QuantPlan
  /** ids */
  readonly floatLayers: readonly string[]
  readonly top1: number | null
  readonly agreement: number | null
  readonly drop: number
  readonly dropInterval: readonly [number, number] | null
  readonly bytes: number
  /** measured; null where it was not timed */
  readonly speedup: number | null
  readonly speedupInterval: readonly [number, number] | null
  readonly medianMs: number | null
  readonly predicted: { readonly drop: number | null; readonly bytes: number; readonly speedup: number }
}

/** What came of learning, in float or for integers. */
interface TrainedView {
  readonly run: string
  /** the trained model */
  readonly output: string
  readonly bytes: number
  /** values learned by gradient */
  readonly parameters: number
  /** version of libtensorflow */
  readonly engine: string
  readonly options: Required<TrainOptionsInput>
  readonly history: readonly EpochView[]
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  readonly samples: { readonly train: number; readonly validation: number }
}

/** What a written file scores. */
interface TestView {
  /** `test`, `train` or `validation` */
  readonly split: string
  readonly samples: number
  readonly top1: number | null
  readonly loss: number | null
}

/** What came of a job, by its kind. */
export type JobResult =
  | {
      readonly kind: 'quantize'
      readonly run: string
      readonly output: string
      readonly bytes: number
      readonly referenceBytes: number
      readonly layers: readonly QuantizedLayerView[]
      readonly warnings: readonly string[]
      readonly plan: QuantPlan
      readonly repairs: Json
    }
  | {
      readonly kind: 'evaluate'
      readonly run: string
      /** what ran the model; a reference runs in ONNX Runtime */
      readonly engine: 'onnxruntime' | 'tfjs'
      readonly evaluation: EvaluationView
      readonly bytes: number
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'bench'; readonly run: string; readonly bench: BenchView }
  | {
      readonly kind: 'calibrate'
      readonly run: string
      readonly sha256: string
      readonly samples: number
      readonly tensors: number
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'sensitivity'
      readonly run: string
      readonly base: 'float' | 'quantized'
      readonly rows: readonly SensitivityRow[]
      /** the whole quantized model by configuration; only with base `quantized` */
      readonly whole: readonly { readonly config: string; readonly value: number }[]
      readonly evaluations: number
      readonly found: number
      readonly samples: number
      readonly wallMs: number
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'quickScan'
      readonly run: string
      readonly rows: readonly (SensitivityRow & {
        readonly weightSqnrDb: number | null
        readonly clippingNsr: number | null
        readonly roundingNsr: number | null
      })[]
      readonly samples: number
      readonly wallMs: number
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'search'
      readonly run: string
      /** the plan file */
      readonly output: string
      readonly strategy: string
      readonly dropKind: 'top1' | 'disagreement' | 'nsr'
      readonly best: CandidateView
      readonly base: CandidateView
      readonly front: readonly CandidateView[]
      /** sentences: targets that the best plan misses; empty when all are met */
      readonly misses: readonly string[]
      readonly trials: number
      readonly measuredNow: number
      readonly referenceBytes: number
      readonly wallMs: number
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'sweep'
      readonly run: string
      readonly points: readonly SweepPointView[]
      readonly reference: SweepReferenceView
      readonly files: { readonly json: string; readonly csv: string; readonly svg: string }
      readonly samples: number
      /** plans measured now, and those found in the store; points whose plans are equal count once */
      readonly measured: number
      readonly found: number
      readonly wallMs: number
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'measurePlan'
      readonly run: string
      readonly evaluation: EvaluationView
      /** the drop as the search counts it: of top-1, else 1 − agreement, else the noise-to-signal ratio */
      readonly drop: number
      readonly dropKind: 'top1' | 'disagreement' | 'nsr'
      readonly bytes: number
      readonly referenceBytes: number
      /** null where it was not timed */
      readonly speed: {
        readonly speedup: number
        readonly interval: { readonly low: number; readonly high: number }
        readonly medianMs: number
        readonly referenceMedianMs: number
        /** dims of the inputs as timed; null: one sample's */
        readonly shapes: Readonly<Record<string, readonly number[]>> | null
        readonly layers: readonly {
          readonly id: string
          readonly ms: number | null
          readonly execution: Execution
          readonly referenceMs: number | null
        }[]
      } | null
      /** false: a kept measurement of an equal plan */
      readonly isNew: boolean
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'convert'
      readonly run: string
      readonly output: string
      readonly target: 'onnx' | 'tfjs'
      readonly bytes: number
      readonly referenceBytes: number
      /** files written, model.json or the .onnx file last */
      readonly files: readonly string[]
      /** of what was written, read back and run, against the source */
      readonly maxRelativeError: number
      readonly layers: readonly {
        readonly id: string
        readonly op: string
        readonly storage: string
        readonly sizeBytes: number
        /** null where the weights are exact */
        readonly weightSqnrDb: number | null
      }[]
      /** of the written model, measured by its own engine against the source; null where no samples were named */
      readonly accuracy: {
        readonly run: string
        readonly engine: 'onnxruntime' | 'tfjs'
        readonly evaluation: EvaluationView
      } | null
      readonly warnings: readonly string[]
    }
  | (TrainedView & {
      readonly kind: 'train'
      /** of the written file in ONNX Runtime */
      readonly test: TestView
    })
  | (TrainedView & {
      readonly kind: 'qat'
      readonly referenceBytes: number
      readonly plan: QuantPlan
      /** why the learning rate is what it is */
      readonly learningRateWhy: string
      /** run of the float training that came first; null without one */
      readonly floatRun: string | null
      /** the float model in ONNX Runtime */
      readonly float: { readonly top1: number; readonly loss: number }
      /** the written file in ONNX Runtime */
      readonly test: TestView & { readonly drop: IntervalView | null }
      /** QAT's own evaluation of the same samples */
      readonly own: { readonly top1: number; readonly loss: number; readonly samples: number }
      /** between QAT's own top-1 and that of its file */
      readonly gap: number
      readonly layers: readonly QuantizedLayerView[]
      readonly warnings: readonly string[]
    })
  | {
      readonly kind: 'compareQat'
      readonly run: string
      readonly rows: readonly ComparisonRowView[]
      readonly hybrid: QuantPlan
      /** layers that the hybrid plan treats otherwise */
      readonly hybridLayers: readonly string[]
      readonly samples: number
      readonly split: string
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'pullData'
      readonly name: string
      readonly spec: DataSpec
      readonly sizeBytes: number
      /** false: it was there already */
      readonly isNew: boolean
    }
  | {
      readonly kind: 'reproduce'
      readonly run: string
      readonly table: string
      readonly quick: boolean
      /** the table as a page of text */
      readonly markdown: string
      /** the same, cell by cell; `published`: columns of values that were not measured here */
      readonly sections: readonly {
        readonly title: string
        readonly heads: readonly string[]
        readonly rows: readonly { readonly label: string; readonly cells: readonly string[] }[]
        readonly published: readonly number[]
      }[]
      /** `found` and `wanted` with their units */
      readonly claims: readonly {
        readonly text: string
        readonly met: boolean
        readonly found: string
        readonly wanted: string
      }[]
      readonly files: { readonly markdown: string; readonly csv: string; readonly svg: string }
    }
  | { readonly kind: 'installEngine'; readonly engine: TrainingEngineView }
  | {
      readonly kind: 'demo'
      readonly reportPath: string
      readonly files: readonly string[]
    }

/** The whole model at one width of weights, activations or both. */
export interface SweepPointView {
  readonly what: 'weights' | 'activations' | 'both'
  readonly bits: number
  readonly top1: number | null
  readonly loss: number | null
  readonly agreement: number | null
  readonly sqnrDb: number | null
  /** float top-1 minus this; null without labels */
  readonly drop: number | null
  /** 95 %: of `drop` where there are labels, else of `agreement` */
  readonly interval: { readonly low: number; readonly high: number } | null
  readonly bytes: number
}

/** The float model on the samples of a sweep. */
export interface SweepReferenceView {
  readonly top1: number | null
  readonly loss: number | null
  readonly bytes: number
}

/** The result of one kind of job. */
export type JobResultOf<Kind extends JobKind> = Extract<JobResult, { kind: Kind }>
