import type { Tensor, TensorEngine } from '../../engines/tensor-api.ts'
import type { Node } from '../../graph/model.ts'
import { padValue } from '../../quant/operators.ts'
import type { QuantParams, Range } from '../../quant/params.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { TensorPair } from '../../quant/placement.ts'
import type { WeightSite } from '../../quant/weight-site.ts'
import { quantize, roundHalfEven } from '../../quant/affine.ts'
import { areFinite, roundToNearest, type WeightQuantizer } from '../../quant/weights.ts'
import type { TrainQuantizer } from '../loop.ts'
import type { Learned } from '../optimizer.ts'
import type { ForwardOptions, TrainableGraph } from '../trainable/graph.ts'
import type { TrainableWeight } from '../trainable/weights.ts'
import { fakeQuantizeBias } from './bias.ts'
import { paramsOf, rangeOf, RangeTracker } from './ranges.ts'
import type { QatSetup } from './setup.ts'
import { learnedActivation, LearnedSteps, learnedWeight } from './steps.ts'
import { fakeQuantizeWeight, weightGrid, type WeightGrid } from './weight-grid.ts'

/** How activations and weights find their grids. */
export interface QuantizerOptions {
  /** last epoch in which ranges move; those after it learn with ranges that stand still */
  readonly frozenAfter: number
  /** step sizes are learned by gradient */
  readonly learnsSteps: boolean
}

/** Grid of one activation in one forward pass. */
interface ActivationGrid {
  readonly pair: TensorPair
  readonly scale: Tensor
  /** integers below and above the zero point */
  readonly bounds: readonly [number, number]
  /** factor that sends values at the operator's own bounds to the side of a tie to which the file sends them */
  readonly nudge: number
}

/**
 * Simulates in a training graph what the exported file computes: activations, weights and biases on the grids that the file will have. Holds
 * memory of the engine until disposed.
 */
export class Quantizer implements TrainQuantizer {
  readonly #engine: TensorEngine
  readonly #graph: TrainableGraph
  readonly #setup: QatSetup
  readonly #options: QuantizerOptions
  readonly #ranges: RangeTracker
  readonly #steps: LearnedSteps | null
  readonly #weights: ReadonlyMap<string, TrainableWeight>
  /** outputs of Pads that bring in another value than 0, which must lie on the grid too */
  readonly #padded: ReadonlySet<string>

  constructor(engine: TensorEngine, graph: TrainableGraph, setup: QatSetup, options: QuantizerOptions) {
    this.#engine = engine
    this.#graph = graph
    this.#setup = setup
    this.#options = options
    this.#ranges = new RangeTracker(namedRanges(setup))
    this.#steps = options.learnsSteps
      ? new LearnedSteps(engine, graph, setup.weights.values(), setup.roots.keys())
      : null
    this.#weights = new Map(graph.weights.map((weight) => [weight.name, weight]))
    const pads = graph.model.graph.nodes.filter(
      (node) => node.opType === 'Pad' && padValue(node, graph.model.graph) !== 0,
    )
    this.#padded = new Set(pads.map((node) => node.outputs[0]!))
  }

  get learned(): readonly Learned[] {
    return this.#steps?.learned ?? []
  }

  /** Ranges move through the first part of the training only. */
  isMoving(epoch: number): boolean {
    return epoch <= this.#options.frozenAfter && this.#steps === null
  }

  /** Looks at a batch of the float model before training: the mean of their ranges is where the moving average begins. */
  look(feeds: Readonly<Record<string, Tensor>>): void {
    const { tf } = this.#engine
    this.#ranges.beginLook()
    tf.tidy(() => {
      this.#graph.forward(feeds, {
        onTensor: (name, tensor) => {
          const pair = this.#setup.roots.get(name)
          if (!pair) return tensor
          this.#ranges.look(name, this.#extent(pair, tensor))
          this.#steps?.startActivation(pair, tensor, this.#calibrated(pair))
          return tensor
        },
      })
    })
  }

  /** What a batch holds; a bound that the tensor's operator gives need not be looked for. */
  #extent({ interval }: TensorPair, tensor: Tensor): Range {
    const { native } = this.#engine
    return { rmin: interval.low >= 0 ? 0 : native.least(tensor), rmax: native.greatest(tensor) }
  }

  #calibrated(pair: TensorPair): QuantParams {
    return paramsOf(pair, this.#ranges.rangeOf(pair.tensor))
  }

  hooks(epoch: number, learning: boolean): Pick<ForwardOptions, 'onWeight' | 'onTensor'> {
    const pass = new Pass(this.#engine, this.#graph, this.#setup, {
      weights: this.#weights,
      steps: this.#steps,
      paramsOf: (pair) => this.#calibrated(pair),
    })
    const moves = learning && this.isMoving(epoch)
    return {
      onTensor: (name, tensor) => {
        const pair = this.#setup.roots.get(name)
        if (!pair)
          return this.#padded.has(name) && this.#setup.rootOf.has(name) ? pass.activation(name, tensor) : tensor
        if (moves) this.#ranges.follow(name, this.#extent(pair, tensor))
        return pass.activation(name, tensor)
      },
      onWeight: (node, weight, tensor) => pass.weight(node, weight, tensor),
    }
  }

  tensors(): ReadonlyMap<string, Float32Array> {
    return this.#ranges.tensors()
  }

  load(tensors: ReadonlyMap<string, Float32Array>): void {
    this.#ranges.load(tensors)
  }

  /** The plan with the ranges that were trained with: what makes of the trained weights the very grids of training. */
  planWithRanges(): QuantPlan {
    const { plan } = this.#setup.resolved
    const tensors = Object.fromEntries(
      [...this.#setup.roots.values()].map((pair) => {
        const { rmin, rmax } = this.#trainedRange(pair)
        return [pair.tensor, { ...plan.tensors?.[pair.tensor], range: [rmin, rmax] as [number, number] }]
      }),
    )
    return { ...plan, tensors: { ...plan.tensors, ...tensors } }
  }

  #trainedRange(pair: TensorPair): Range {
    const calibrated = this.#calibrated(pair)
    if (!this.#steps) return this.#ranges.rangeOf(pair.tensor)
    const zeroPoint = calibrated.zeroPoint[0]!
    const bounds = [calibrated.qmin, calibrated.qmax] as const
    const scale = Float32Array.of(this.#steps.activationScale(pair, zeroPoint, bounds))
    return rangeOf({ ...calibrated, scale }, pair.scheme.symmetric && pair.interval.low < 0)
  }

  /** Integers for the weights: nearest on the learned steps, else on the grid of their extremes. */
  get weightQuantizer(): WeightQuantizer {
    const steps = this.#steps
    if (!steps) return roundToNearest
    return (layerId, values, layout, scheme, minScale) => {
      const { params } = roundToNearest(layerId, values, layout, scheme, minScale)
      if (!areFinite(values, layout.dims)) throw new Error(`the weights of ${layerId} are not finite`)
      const scale = steps.weightScales(layerId).map((step, c) => Math.max(step, minScale?.[c] ?? 0))
      const learned = { ...params, scale }
      return { dims: layout.dims, params: learned, values: quantize(values, learned, layout.dims) }
    }
  }

  dispose(): void {
    this.#steps?.dispose()
  }
}

function namedRanges({ resolved, roots }: QatSetup): Map<string, Range> {
  const named = new Map<string, Range>()
  for (const tensor of roots.keys()) {
    const range = resolved.plan.tensors?.[tensor]?.range
    if (range) named.set(tensor, { rmin: Math.min(0, range[0]), rmax: Math.max(0, range[1]) })
  }
  return named
}

/** Nearer than this to the middle between two integers, in steps, a bound counts as a tie. */
const TIE = 1e-3
const NUDGE = 1e-5

/**
 * TensorFlow's kernel rounds ties upward, ONNX to the even integer. Ties of single values are rare, but a Clip sends many values to one: where its
 * bound lies between two integers (−1 of [−1, 1] on an even number of steps) the factor takes all of them to the file's side.
 */
function nudgeOf({ low, high }: TensorPair['interval'], scale: number): number {
  for (const bound of [low, high]) {
    const steps = Math.abs(Math.fround(bound / scale))
    if (!Number.isFinite(steps) || Math.abs(steps - Math.floor(steps) - 0.5) > TIE) continue
    return roundHalfEven(steps) > steps ? 1 + NUDGE : 1 - NUDGE
  }
  return 1
}

interface PassSources {
  readonly weights: ReadonlyMap<string, TrainableWeight>
  readonly steps: LearnedSteps | null
  readonly paramsOf: (pair: TensorPair) => QuantParams
}

/** One forward pass: grids are made when they are first asked for, and shared by all that use them. */
class Pass {
  readonly #engine: TensorEngine
  readonly #graph: TrainableGraph
  readonly #setup: QatSetup
  readonly #sources: PassSources
  readonly #activations = new Map<string, ActivationGrid>()
  readonly #grids = new Map<WeightSite, WeightGrid>()

  constructor(engine: TensorEngine, graph: TrainableGraph, setup: QatSetup, sources: PassSources) {
    this.#engine = engine
    this.#graph = graph
    this.#setup = setup
    this.#sources = sources
  }

  activation(name: string, tensor: Tensor): Tensor {
    const { tf, native } = this.#engine
    const { pair, scale, bounds, nudge } = this.#grid(name)
    const x = nudge === 1 ? tensor : tf.mul(tensor, nudge)
    if (this.#sources.steps) return learnedActivation(this.#engine, x, scale, pair.scheme.bits, bounds)
    const [low, high] = bounds
    return native.fakeQuantize(x, tf.mul(scale, low), tf.mul(scale, high), pair.scheme.bits, false)
  }

  #grid(name: string): ActivationGrid {
    const root = this.#setup.rootOf.get(name)!
    const found = this.#activations.get(root) ?? this.#makeGrid(this.#setup.roots.get(root)!)
    this.#activations.set(root, found)
    return found
  }

  #makeGrid(pair: TensorPair): ActivationGrid {
    const { tf } = this.#engine
    const { scale, zeroPoint, qmin, qmax } = this.#sources.paramsOf(pair)
    const z = zeroPoint[0]!
    const step = this.#sources.steps?.activationStep(pair, z, [qmin, qmax]) ?? tf.scalar(scale[0]!)
    return { pair, scale: step, bounds: [qmin - z, qmax - z], nudge: nudgeOf(pair.interval, scale[0]!) }
  }

  weight(node: Node, weight: TrainableWeight, tensor: Tensor): Tensor {
    const site = this.#setup.weights.get(node.name)
    if (site?.weightName === weight.name) {
      const grid = this.#weightGrid(site)
      const { tf } = this.#engine
      return this.#sources.steps ? learnedWeight(tf, tensor, grid) : fakeQuantizeWeight(tf, tensor, grid)
    }
    const owner = this.#setup.biases.get(node.name)
    return owner?.bias?.name === weight.name ? this.#bias(owner, tensor) : tensor
  }

  #bias(site: WeightSite, bias: Tensor): Tensor {
    const { scale } = this.#grid(site.inputTensor)
    return fakeQuantizeBias(this.#engine.tf, bias, scale, this.#weightGrid(site).scale, site.biasBits)
  }

  #weightGrid(site: WeightSite): WeightGrid {
    const { weights, steps } = this.#sources
    const stored = this.#graph.variables.get(site.weightName)!
    const found =
      this.#grids.get(site) ??
      steps?.weightGrid(site) ??
      weightGrid(this.#engine, stored, site, weights.get(site.weightName)!.layout)
    this.#grids.set(site, found)
    return found
  }
}
