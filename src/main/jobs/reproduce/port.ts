import type { DataSpec } from '../../../shared/contract/data.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { TrainOptions } from '../../training/options.ts'

/** Data that tables are measured on, by their folder's name in the data root. */
export type DataName = 'mnist' | 'fashion-mnist' | 'cifar10' | 'imagenette' | 'synthetic-digits'

/** How much of the work is done: everything, or a smaller, honest version that the output names. */
export interface Scale {
  readonly quick: boolean
  /** learn from at most so many images; null: all */
  readonly trainSamples: number | null
  /** no training lasts longer than this many epochs; null: as the table says */
  readonly epochs: number | null
  /** evaluate on at most so many images; null: the whole test split */
  readonly evaluationSamples: number | null
  readonly calibrationSamples: number
}

/** A measured number with the run it came from. Rates in 0–1, sizes in bytes, times in milliseconds. */
export interface Measured {
  readonly value: number
  /** 95 % interval, where there is one */
  readonly low: number | null
  readonly high: number | null
  readonly run: string
}

/** What was measured so far, by the cell's key. */
export type Cells = ReadonlyMap<string, Measured>

/** A piece of a table's work: one training, one quantization, one curve. What it measures is kept by content, so that it is found again. */
export interface Step {
  readonly name: string
  /** how long it takes beside the others, in seconds of an ordinary computer, about */
  readonly effort: number
  readonly work: (desk: Desk, cells: Cells) => Promise<Readonly<Record<string, Measured>>>
}

/** A float model that tables train. */
export interface FloatAsk {
  readonly recipe: string
  readonly data: DataName
  readonly options: Partial<TrainOptions>
  /** samples held out; null: as `train` chooses */
  readonly validation?: number
  /** [height, width] the pictures are enlarged to */
  readonly size?: readonly [number, number]
}

/** A training for integers that follows a float one. */
export interface QatAsk {
  readonly plan: QuantPlan
  /** as the bits suggest where absent */
  readonly options: Partial<TrainOptions>
  /** learn from at most so many images, also where the scale has more */
  readonly samples?: number
}

/** A model of the table: where it lies, what it scores in ONNX Runtime on the table's evaluation samples. */
export interface ModelFigures {
  readonly path: string
  readonly top1: Measured
  readonly loss: Measured
  readonly bytes: Measured
}

/** One point of a curve over bits. */
export interface BitsPoint {
  readonly bits: number
  readonly top1: Measured
}

/** What a table's steps measure with: the product's own services, on the data root's data. */
export interface Desk {
  readonly scale: Scale
  /** The data as found in the root, or what stands in for them. */
  readonly data: (name: DataName) => DataSpec
  /** A float model: trained now, gone on with where a training was interrupted, or found. */
  readonly float: (ask: FloatAsk) => Promise<ModelFigures>
  /** Accuracy over bits of weights and activations together. */
  readonly curve: (ask: FloatAsk, bits: readonly number[], template: QuantPlan) => Promise<readonly BitsPoint[]>
  /** A model after training quantized by a plan, exported and measured. */
  readonly ptq: (ask: FloatAsk, plan: QuantPlan) => Promise<ModelFigures>
  /** A plan found by search that loses at most `maxDrop`, exported and measured. */
  readonly searched: (ask: FloatAsk, maxDrop: number) => Promise<ModelFigures & { readonly floatLayers: number }>
  /** Training for integers from the float model; `gap` is between QAT's own top-1 and that of the exported file. */
  readonly qat: (ask: FloatAsk, qat: QatAsk) => Promise<ModelFigures & { readonly gap: Measured }>
  /** Time of evaluating all samples in ONNX Runtime, of several models side by side. */
  readonly times: (ask: FloatAsk, paths: readonly string[], batch: number) => Promise<readonly Measured[]>
  /** How much faster a model is than its float model, whole inferences interleaved. */
  readonly speedup: (float: string, model: string) => Promise<Measured>
}

/** Units of a column. */
export type Unit = 'percent' | 'points' | 'megabytes' | 'ratio' | 'milliseconds' | 'plain'

export interface Column {
  readonly title: string
  readonly unit: Unit
  readonly digits: number
  readonly of: 'published' | 'measured'
}

export interface Row {
  readonly label: string
  /** one for each column: a published number, the key of a measured cell, or null where there is none */
  readonly cells: readonly (number | string | null)[]
}

/** A table of the output. */
export interface Section {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** what x is, where the labels are numbers and the figure draws curves over them */
  readonly axis: string | null
  readonly notes: readonly string[]
}

/** Something the table has to show. */
export interface Claim {
  readonly text: string
  /** the measured cell, and what it is held against: a number or another cell, plus an allowance */
  readonly cell: string
  readonly bound: 'atLeast' | 'atMost'
  readonly than: number | string
  readonly allowance: number
  readonly unit: Unit
  readonly digits: number
  /** why it may be missed, said where it is */
  readonly why: string
}

/** One of the classic tables: data and small code. */
export interface Table {
  readonly name: string
  readonly title: string
  /** what was published, and how this table goes about it */
  readonly about: readonly string[]
  readonly data: readonly DataName[]
  readonly steps: (scale: Scale) => readonly Step[]
  readonly sections: (scale: Scale) => readonly Section[]
  readonly claims: readonly Claim[]
}
