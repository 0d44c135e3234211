import { Fault } from '../../../shared/contract/fault.ts'
import type { Tensor, TensorEngine, Tfjs, Variable } from '../../engines/tensor-api.ts'
import type { QuantParams } from '../../quant/params.ts'
import type { TensorPair } from '../../quant/placement.ts'
import { smallestScale, weightBounds } from '../../quant/scheme.ts'
import type { WeightSite } from '../../quant/weight-site.ts'
import type { Learned } from '../optimizer.ts'
import type { TrainableGraph } from '../trainable/graph.ts'
import { bestShare, bestWeightStep, lostByShare } from './best-step.ts'
import { reducedAxes, type WeightGrid } from './weight-grid.ts'

/** Name of a step size beside what it belongs to. */
const STEP = '/step'

/**
 * Step sizes that are learned by gradient: of weights a scale a channel (or one), of activations one a tensor, whose zero point stays as
 * it was calibrated.
 * Source: Esser et al. 2020, Learned Step Size Quantization.
 */
export class LearnedSteps {
  readonly #engine: TensorEngine
  readonly #weights = new Map<string, Variable>()
  readonly #activations = new Map<string, Variable>()
  /** tensor → what each share of its covering step lost of the batches looked at */
  readonly #lost = new Map<string, Float64Array>()

  constructor(engine: TensorEngine, graph: TrainableGraph, sites: Iterable<WeightSite>, roots: Iterable<string>) {
    this.#engine = engine
    for (const site of sites) this.#weights.set(site.layerId, this.#startOfWeight(graph, site))
    for (const tensor of roots) this.#activations.set(tensor, this.#variable(engine.tf.scalar(1)))
  }

  get learned(): Learned[] {
    const named = (prefix: string, variables: ReadonlyMap<string, Variable>): Learned[] =>
      [...variables].map(([name, variable]) => ({ name: `${prefix}/${name}${STEP}`, variable, decays: false }))
    return [...named('weight', this.#weights), ...named('tensor', this.#activations)]
  }

  /**
   * The step that loses least of the weights as they are, a channel. The paper's 2 · mean |w| / sqrt(qmax) is made for training from
   * there for long; a short one keeps what the start gives.
   */
  #startOfWeight(graph: TrainableGraph, site: WeightSite): Variable {
    const { tf } = this.#engine
    const weight = graph.weights.find(({ name }) => name === site.weightName)
    if (!weight || !site.scheme.symmetric) {
      throw new Fault(
        'plan.qatSteps',
        `Layer "${site.layerId}" has affine weights; step sizes are learned of symmetric ones only. Ask for symmetric weights, or leave out --lsq.`,
        { layer: site.layerId },
      )
    }
    const stored = graph.variables.get(site.weightName)!
    const { axis } = site.layout
    return this.#variable(
      tf.tidy(() => {
        const axes = reducedAxes(stored.rank, axis, weight.layout)
        const steps = stepsOf(site)
        const covering = tf.maximum(tf.div(tf.max(tf.abs(stored), axes, true), steps), smallestScale)
        return tf.maximum(bestWeightStep(tf, stored, covering, [-steps, steps], axes), smallestScale)
      }),
    )
  }

  /** Takes the tensor over. */
  #variable(start: Tensor): Variable {
    const variable = this.#engine.tf.variable(start, true)
    start.dispose()
    return variable
  }

  /** Where the step of an activation begins: the one that loses least of a batch. Called for each batch that is looked at. */
  startActivation(pair: TensorPair, x: Tensor, { scale, zeroPoint, qmin, qmax }: QuantParams): void {
    const bounds = [qmin - zeroPoint[0]!, qmax - zeroPoint[0]!] as const
    const lost = lostByShare(this.#engine, x, scale[0]!, pair.scheme.bits, bounds)
    const sum = this.#lost.get(pair.tensor) ?? new Float64Array(lost.length)
    lost.forEach((value, i) => (sum[i]! += value))
    this.#lost.set(pair.tensor, sum)
    const step = Math.max(scale[0]! * bestShare(sum), smallestScale)
    const { tf } = this.#engine
    tf.tidy(() => this.#activations.get(pair.tensor)?.assign(tf.scalar(step)))
  }

  weightGrid(site: WeightSite): WeightGrid {
    const { qmin, qmax, zeroPoint } = weightBounds(site.scheme)
    const scale = this.#engine.tf.maximum(this.#weights.get(site.layerId)!, smallestScale)
    return { scale, zeroPoint: zeroPoint!, qmin, qmax }
  }

  /** The step of an activation as it is used: positive, and no wider than what the tensor can hold at all. */
  activationStep(pair: TensorPair, zeroPoint: number, [qmin, qmax]: readonly [number, number]): Tensor {
    const { tf } = this.#engine
    const step = tf.maximum(this.#activations.get(pair.tensor)!, smallestScale)
    const widest = widestStep(pair, zeroPoint, [qmin, qmax])
    return Number.isFinite(widest) ? tf.minimum(step, widest) : step
  }

  /** The scales of a layer's weights now, one or one a channel. */
  weightScales(layerId: string): Float32Array {
    const values = this.#weights.get(layerId)!.dataSync<'float32'>()
    return values.map((value) => Math.max(value, smallestScale))
  }

  activationScale(pair: TensorPair, zeroPoint: number, bounds: readonly [number, number]): number {
    const value = Math.max(this.#activations.get(pair.tensor)!.dataSync()[0]!, smallestScale)
    return Math.fround(Math.min(value, widestStep(pair, zeroPoint, bounds)))
  }

  dispose(): void {
    for (const variable of [...this.#weights.values(), ...this.#activations.values()]) variable.dispose()
  }
}

/** The scale at which the integers reach just as far as the tensor's values can: the export cuts ranges to that. */
function widestStep({ interval }: TensorPair, zeroPoint: number, [qmin, qmax]: readonly [number, number]): number {
  const up = qmax > zeroPoint ? interval.high / (qmax - zeroPoint) : Infinity
  const down = zeroPoint > qmin && interval.low < 0 ? -interval.low / (zeroPoint - qmin) : Infinity
  return Math.fround(Math.min(up, down))
}

const stepsOf = ({ scheme }: WeightSite): number => {
  const { qmax, zeroPoint } = weightBounds(scheme)
  return Math.max(1, qmax - (zeroPoint ?? 0))
}

/**
 * Weights on a learned grid. Gradients: of the weight straight through within the bounds, of the step
 * sum(dy · (q − v)) within and sum(dy · q) beyond, times 1 / sqrt(count · qmax).
 * Source: Esser et al. 2020, equations 1 to 3 and section 2.2.
 */
export function learnedWeight(tf: Tfjs, x: Tensor, { scale, zeroPoint, qmin, qmax }: WeightGrid): Tensor {
  const [low, high] = [qmin - Number(zeroPoint), qmax - Number(zeroPoint)]
  const axes = scale.shape.flatMap((length, i) => (length === 1 ? [i] : []))
  const damping = 1 / Math.sqrt((x.size / scale.size) * high)
  const custom = tf.customGrad((weight, step, save) => {
    const v = tf.div(weight as Tensor, step as Tensor)
    const q = tf.clipByValue(tf.round(v), low, high)
    ;(save as (tensors: Tensor[]) => void)([v, q])
    const gradFunc = (dy: Tensor, [ratio, integers]: Tensor[]): Tensor[] => {
      const inside = tf.cast(tf.logicalAnd(tf.greaterEqual(ratio!, low), tf.lessEqual(ratio!, high)), 'float32')
      const dWeight = tf.mul(dy, inside)
      const slope = tf.sub(integers!, tf.mul(ratio!, inside))
      return [dWeight, tf.mul(tf.reshape(tf.sum(tf.mul(dy, slope), axes, true), scale.shape), damping)]
    }
    return { value: tf.mul(q, step as Tensor), gradFunc }
  })
  return custom(x, scale)
}

/**
 * An activation on a learned grid, with TensorFlow's own kernel: its gradients to the bounds are those of the values beyond them, and
 * what lies within adds sum(dx · (y − x)) / step.
 * Source: as `learnedWeight`.
 */
export function learnedActivation(
  { tf, native }: TensorEngine,
  x: Tensor,
  step: Tensor,
  bits: number,
  [low, high]: readonly [number, number],
): Tensor {
  const damping = 1 / Math.sqrt((x.size / (x.shape[0] ?? 1)) * Math.max(1, high))
  const custom = tf.customGrad((values, size, save) => {
    const [input, s] = [values as Tensor, size as Tensor]
    const y = native.fakeQuantize(input, tf.mul(s, low), tf.mul(s, high), bits, false)
    ;(save as (tensors: Tensor[]) => void)([input, y, s])
    const gradFunc = (dy: Tensor, [before, after, used]: Tensor[]): Tensor[] => {
      const [min, max] = [tf.mul(used!, low), tf.mul(used!, high)]
      const [dx, dMin, dMax] = native.fakeQuantizeGradient(dy, before!, min, max, bits, false)
      const within = tf.div(tf.sum(tf.mul(dx, tf.sub(after!, before!))), used!)
      const beyond = tf.add(tf.mul(dMin, low), tf.mul(dMax, high))
      return [dx, tf.mul(tf.add(within, beyond), damping)]
    }
    return { value: y, gradFunc }
  })
  return custom(x, step)
}
