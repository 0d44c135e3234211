import type { LayerInfo } from '../../shared/contract/model.ts'
import type { Feeds } from '../engines/port.ts'
import { ints } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import type { Model, ValueInfo } from '../graph/model.ts'
import type { ShapeMap } from '../graph/shapes/index.ts'
import { elementCount, int64Tensor } from '../graph/tensors.ts'

/** Most elements that one sample gives to the histogram of one tensor (about; larger tensors are thinned out). */
export const ELEMENTS_PER_SAMPLE = 16_384
/** Fewest that one sample gives, however many samples there are. */
const FEWEST_ELEMENTS = 64
/** Values of one tensor over all samples that even the cheapest model gives: 13 of them stand above the 99.99th percentile. */
const FEWEST_VALUES = 2 ** 17
/** Values of one tensor over all samples that suffice: 200 of them stand above the 99.99th percentile. */
const ENOUGH_VALUES = 2 ** 21
/**
 * Multiply-accumulates of the model for each element that is counted. Counting an element takes 4 to 5 ns, 400 of them 10 to 15 ns on
 * one thread (SqueezeNet, ResNet-20 on AVX-512): counting costs about half as much as the inference at most.
 */
const MACS_PER_ELEMENT = 400
/** Tensors up to this factor above the limit are taken whole: a stride of 2 would save less than its own cost. */
const WHOLE_FACTOR = 1.5
/** Tensors up to this size have their bounds taken here; for larger ones the graph is faster. */
const SMALL_TENSOR = 1024
const FURTHEST = 2 ** 52
/** Spreads the starting points of neighbouring batches over the stride. A prime, so that every start is reached. */
const PHASE_STEP = 7919

/** How one tensor is observed in a run of the instrumented model. */
export interface Probe {
  readonly tensor: string
  /** where the elements are: a graph input that is fed anyway, or an output of the instrumented model */
  readonly source: 'feed' | 'output'
  /** name of that input or output */
  readonly elements: string
  /** every `stride`-th element of the flattened batch is counted, from `phaseOf` on */
  readonly stride: number
  /** true: `elements` holds only those; false: it holds all */
  readonly thinned: boolean
  /**
   * outputs with the exact bounds, [observations], [observations, channels] or [1]; null where they are computed
   * from `elements`, which then holds everything
   */
  readonly bounds: { readonly min: string; readonly max: string; readonly channels: boolean } | null
  /** elements in a run with the smallest batch, null where not known in advance */
  readonly length: number | null
}

/** What a session on the instrumented model is run with, and what is read from it. Plain data. */
export interface ProbePlan {
  readonly probes: readonly Probe[]
  /** int64 input [1] of the instrumented model that says where thinning starts; null when nothing is thinned */
  readonly phaseInput: string | null
  /** outputs to fetch */
  readonly fetches: readonly string[]
  readonly elementsPerSample: number
}

export interface Instrumented {
  readonly model: Model
  readonly plan: ProbePlan
}

/** Dims of tensors in one run with the smallest batch. */
export type RunShapes = ReadonlyMap<string, readonly number[]>

export interface InstrumentOptions {
  readonly elementsPerSample?: number
}

/**
 * The tensors that can carry a pair under some plan: float32 inputs and outputs of all quantizable layers, in graph order.
 * @param shapes types and shapes of the prepared model (`inferShapes`)
 */
export function observableTensors(model: Model, layers: readonly LayerInfo[], shapes: ShapeMap): string[] {
  const wanted = new Set<string>()
  for (const layer of layers) {
    if (layer.quantizable) for (const name of [...layer.inputs, ...layer.outputs]) wanted.add(name)
  }
  const { graph } = model
  const inOrder = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap((node) => node.outputs)]
  return inOrder.filter(
    (name) => wanted.has(name) && !graph.initializers.has(name) && shapes.get(name)?.dataType === 'float',
  )
}

/**
 * Elements of a tensor that one sample should give to its histogram: fewer the more samples there are and the cheaper the model is to
 * run, so that counting never costs more than the inference.
 * @param samples to be run in all
 */
export function elementLimit(layers: readonly LayerInfo[], tensors: number, samples: number): number {
  const macs = layers.reduce((sum, layer) => sum + (layer.macs ?? 0), 0)
  const affordable = macs / MACS_PER_ELEMENT / Math.max(1, tensors)
  const wanted = Math.max(FEWEST_VALUES / samples, Math.min(affordable, ENOUGH_VALUES / samples))
  return Math.ceil(Math.max(FEWEST_ELEMENTS, Math.min(ELEMENTS_PER_SAMPLE, wanted)))
}

/**
 * Adds outputs to a model that give the statistics of `tensors`: small ones themselves; of larger ones exact bounds by ReduceMin and
 * ReduceMax (per channel for [batch, channels, height, width]) and every stride-th element. Strides have no factor in common
 * with the size of a sample, and the start moves with the batch, so that all positions are covered in turn. The float computation itself
 * is untouched, and tensors are read after the fused activation, so that fusions stay.
 * @param shapes dims of the tensors in a run with one sample (or the model's fixed batch); a tensor that is missing is taken whole
 */
export function instrument(
  model: Model,
  tensors: readonly string[],
  shapes: RunShapes,
  options: InstrumentOptions = {},
): Instrumented {
  const limit = options.elementsPerSample ?? ELEMENTS_PER_SAMPLE
  const writer = new ProbeWriter(model, limit)
  const inputs = new Set(model.graph.inputs.map(({ name }) => name))
  const probes = tensors.map((name) => {
    const dims = shapes.get(name) ?? null
    return inputs.has(name) ? feedProbe(name, dims, limit) : writer.probe(name, dims)
  })
  return writer.finish(probes)
}

/** Where thinning of a batch starts: a whole number below 2^52 that `stride` is taken from. @param position of its first sample */
export function phaseOf(position: number): number {
  return (position * PHASE_STEP) % FURTHEST
}

/** A batch as the instrumented model takes it. */
export function withPhase(feeds: Feeds, plan: ProbePlan, position: number): Feeds {
  if (plan.phaseInput === null) return feeds
  const data = BigInt64Array.of(BigInt(phaseOf(position)))
  return { ...feeds, [plan.phaseInput]: { dataType: 'int64', dims: [1], data } }
}

function feedProbe(name: string, dims: readonly number[] | null, limit: number): Probe {
  const length = dims && elementCount(dims)
  return {
    tensor: name,
    source: 'feed',
    elements: name,
    stride: strideFor(length, limit),
    thinned: false,
    bounds: null,
    length,
  }
}

/** The smallest stride that keeps to the limit and meets every position in turn. */
function strideFor(length: number | null, limit: number): number {
  if (length === null || length <= limit * WHOLE_FACTOR) return 1
  let stride = Math.ceil(length / limit)
  while (greatestCommonDivisor(stride, length) > 1) stride++
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return x
}

/** Writes the probes' nodes into a draft of the model. */
class ProbeWriter {
  readonly #draft: Draft
  readonly #limit: number
  readonly #opset: number
  readonly #fetches = new Set<string>()
  readonly #starts = new Map<number, string>()
  #phase: string | null = null
  #constants: { flat: string; axis: string; end: string } | null = null

  constructor(model: Model, limit: number) {
    this.#draft = new Draft(model)
    this.#limit = limit
    this.#opset = model.opsets.get('') ?? 0
  }

  probe(name: string, dims: readonly number[] | null): Probe {
    const length = dims && elementCount(dims)
    const stride = strideFor(length, this.#limit)
    const bounds = dims === null || length! <= SMALL_TENSOR ? null : this.#bounds(name, dims.length)
    const thinned = stride > 1 && bounds !== null
    const elements = thinned ? this.#thin(name, stride) : name
    this.#expose(elements)
    return { tensor: name, source: 'output', elements, stride, thinned, bounds, length }
  }

  finish(probes: readonly Probe[]): Instrumented {
    const plan = { probes, phaseInput: this.#phase, fetches: [...this.#fetches], elementsPerSample: this.#limit }
    return { model: this.#draft.finish(), plan }
  }

  #expose(name: string): void {
    this.#fetches.add(name)
    if (this.#draft.outputs.some((output) => output.name === name)) return
    const known: ValueInfo = this.#draft.valueInfo.get(name) ?? { name, dataType: 'float', shape: null }
    this.#draft.outputs = [...this.#draft.outputs, known]
  }

  #bounds(name: string, rank: number): Probe['bounds'] {
    return {
      min: this.#reduce('ReduceMin', name, rank),
      max: this.#reduce('ReduceMax', name, rank),
      channels: rank === 4,
    }
  }

  /** [N, C, H, W] → [N, C]; other ranks → [N]; rank 1 → a scalar. */
  #reduce(opType: 'ReduceMin' | 'ReduceMax', name: string, rank: number): string {
    const axes = rank === 4 ? [2, 3] : rank === 1 ? [0] : Array.from({ length: rank - 1 }, (_, i) => i + 1)
    const output = this.#draft.freshTensorName(`${name}/${opType}`)
    const keepDims = ['keepdims', { kind: 'int', value: 0n }] as const
    // from opset 18 on the axes are an input
    if (this.#opset >= 18) {
      const list = this.#draft.addInitializer(int64Tensor('calibration/axes', [axes.length], axes))
      this.#draft.addNode({ name: output, opType, inputs: [name, list], outputs: [output], attributes: [keepDims] })
    } else {
      this.#draft.addNode({
        name: output,
        opType,
        inputs: [name],
        outputs: [output],
        attributes: [['axes', ints(axes)], keepDims],
      })
    }
    this.#expose(output)
    return output
  }

  /** Every stride-th element of the flattened tensor. */
  #thin(name: string, stride: number): string {
    const { flat, axis, end } = this.#sharedConstants()
    const { start, step } = this.#startOf(stride)
    const flattened = this.#draft.freshTensorName(`${name}/flat`)
    const thinned = this.#draft.freshTensorName(`${name}/thinned`)
    this.#draft.addNode({ name: flattened, opType: 'Reshape', inputs: [name, flat], outputs: [flattened] })
    this.#draft.addNode({
      name: thinned,
      opType: 'Slice',
      inputs: [flattened, start, end, axis, step],
      outputs: [thinned],
    })
    return thinned
  }

  #sharedConstants(): { flat: string; axis: string; end: string } {
    this.#constants ??= {
      flat: this.#draft.addInitializer(int64Tensor('calibration/flat', [1], [-1])),
      axis: this.#draft.addInitializer(int64Tensor('calibration/axis', [1], [0])),
      end: this.#draft.addInitializer(int64Tensor('calibration/end', [1], [FURTHEST])),
    }
    return this.#constants
  }

  /** The phase modulo the stride; tensors with equal strides share it. */
  #startOf(stride: number): { start: string; step: string } {
    const known = this.#starts.get(stride)
    const step = `calibration/stride-${stride}`
    if (known !== undefined) return { start: known, step }
    this.#phase ??= this.#addPhaseInput()
    this.#draft.initializers.set(step, int64Tensor(step, [1], [stride]))
    const start = this.#draft.freshTensorName(`calibration/start-${stride}`)
    this.#draft.addNode({ name: start, opType: 'Mod', inputs: [this.#phase, step], outputs: [start] })
    this.#starts.set(stride, start)
    return { start, step }
  }

  #addPhaseInput(): string {
    const name = this.#draft.freshTensorName('calibration/phase')
    this.#draft.inputs = [...this.#draft.inputs, { name, dataType: 'int64', shape: [1] }]
    return name
  }
}
