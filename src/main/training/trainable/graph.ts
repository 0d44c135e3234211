import { Fault } from '../../../shared/contract/fault.ts'
import type { Tensor, TensorEngine, Variable } from '../../engines/tensor-api.ts'
import { floatAttribute } from '../../graph/attributes.ts'
import type { Graph, Model, Node } from '../../graph/model.ts'
import { float32Of } from '../../graph/tensors.ts'
import { foldValue } from './constants.ts'
import type { OpCall } from './op.ts'
import { problemsOf } from './problems.ts'
import { OPS } from './registry.ts'
import { plain, toPlain, type Value } from './value.ts'
import { fromStored, storedShape, toStored, trainableWeights, type TrainableWeight } from './weights.ts'

export interface ForwardOptions {
  /** batch statistics and Dropout; false: as the file computes */
  readonly training?: boolean
  /** differs from step to step; Dropout draws by it */
  readonly seed?: number
  /** what a node's weight becomes before it is used: simulated quantization. `layout` says how the tensor lies. */
  readonly onWeight?: (node: Node, weight: TrainableWeight, tensor: Tensor) => Tensor
  /** what an edge's tensor becomes before it is read */
  readonly onTensor?: (name: string, tensor: Tensor) => Tensor
}

/** An ONNX graph that runs, and learns, on the learning engine. Holds memory of the engine until disposed. */
export interface TrainableGraph {
  readonly model: Model
  readonly weights: readonly TrainableWeight[]
  /** variables of the weights, by tensor name, in the engine's layout */
  readonly variables: ReadonlyMap<string, Variable>
  /** running means and variances of BatchNormalization, by tensor name; not learned by gradient */
  readonly statistics: ReadonlyMap<string, Variable>
  /**
   * The graph's outputs, in ONNX's layout and order. To be called within `tidy` or a gradient function.
   * @param feeds by input name, in ONNX's layout
   */
  forward(feeds: Readonly<Record<string, Tensor>>, options?: ForwardOptions): Tensor[]
  /** The model with the variables' values, under the same names. */
  toModel(): Model
  dispose(): void
}

/** BatchNormalization's running statistics, by input place. */
const RUNNING_MEAN = 3
const RUNNING_VARIANCE = 4

/**
 * Makes variables of a graph's weights.
 * @param model opset 13 or later, with initializers that are no inputs (as the preparation leaves it)
 * @param isTrained which weights learn; all unless told
 * @throws Fault model.untrainable, naming every operator that cannot be trained
 */
export function createTrainable(
  engine: TensorEngine,
  model: Model,
  isTrained: (name: string) => boolean = () => true,
): TrainableGraph {
  const problems = problemsOf(model.graph)
  if (problems.length > 0) throw untrainable(problems)
  return new Trainable(engine, model, isTrained)
}

function untrainable(problems: readonly string[]): Fault {
  return new Fault(
    'model.untrainable',
    `This model cannot be trained here: ${problems.join('; ')}. It can still be calibrated, quantized and measured.`,
    { problems },
  )
}

class Trainable implements TrainableGraph {
  readonly model: Model
  readonly weights: readonly TrainableWeight[]
  readonly variables: ReadonlyMap<string, Variable>
  readonly statistics: ReadonlyMap<string, Variable>
  readonly #engine: TensorEngine
  readonly #graph: Graph
  readonly #byName: ReadonlyMap<string, TrainableWeight>

  constructor(engine: TensorEngine, model: Model, isTrained: (name: string) => boolean) {
    this.#engine = engine
    this.model = model
    this.#graph = model.graph
    this.weights = trainableWeights(model.graph)
    this.#byName = new Map(this.weights.map((weight) => [weight.name, weight]))
    const { tf } = engine
    const variables = new Map<string, Variable>()
    for (const { name, layout, groups } of this.weights) {
      const tensor = model.graph.initializers.get(name)!
      const start = tf.tensor(toStored(tensor, layout), storedShape(tensor.dims, layout, groups))
      variables.set(name, variableOf(tf, start, isTrained(name)))
    }
    this.variables = variables
    this.statistics = this.#makeStatistics()
  }

  #makeStatistics(): Map<string, Variable> {
    const { tf } = this.#engine
    const statistics = new Map<string, Variable>()
    for (const node of this.#graph.nodes) {
      if (node.opType !== 'BatchNormalization') continue
      for (const name of [node.inputs[RUNNING_MEAN]!, node.inputs[RUNNING_VARIANCE]!]) {
        const tensor = this.#graph.initializers.get(name)
        if (tensor && !statistics.has(name)) {
          statistics.set(name, variableOf(tf, tf.tensor(float32Of(tensor).slice(), [...tensor.dims]), false))
        }
      }
    }
    return statistics
  }

  forward(feeds: Readonly<Record<string, Tensor>>, options: ForwardOptions = {}): Tensor[] {
    const { tf } = this.#engine
    const values = new Map<string, Value>()
    for (const { name } of this.#graph.inputs) {
      const feed = feeds[name]
      if (feed) values.set(name, this.#seen(name, plain(feed), options))
    }
    this.#graph.nodes.forEach((node, index) => {
      const value = this.#compute(node, index, values, options)
      values.set(node.outputs[0]!, this.#seen(node.outputs[0]!, value, options))
    })
    return this.#graph.outputs.map(({ name }) => toPlain(tf, this.#read(name, values)!))
  }

  #seen(name: string, value: Value, { onTensor }: ForwardOptions): Value {
    if (!onTensor || value.kind === 'constant') return value
    return { ...value, tensor: onTensor(name, value.tensor) }
  }

  #compute(node: Node, index: number, values: Map<string, Value>, options: ForwardOptions): Value {
    const inputs = node.inputs.map((name) => (name === '' ? null : this.#read(name, values)))
    const constant = foldValue(node, inputs)
    if (constant) return constant
    const call: OpCall = {
      tf: this.#engine.tf,
      native: this.#engine.native,
      node,
      inputs: this.#withWeights(node, inputs, options),
      training: options.training ?? false,
      seed: () => ((options.seed ?? 0) * 7919 + index) % 2 ** 31,
      onStatistics: (owner, mean, variance) => this.#average(owner, mean, variance),
      weight: (place) => this.#stored(node, place, options),
    }
    return OPS.get(node.opType)!.run(call)
  }

  #read(name: string, values: ReadonlyMap<string, Value>): Value | null {
    const value = values.get(name)
    if (value) return value
    const statistic = this.statistics.get(name)
    if (statistic) return plain(statistic)
    const variable = this.variables.get(name)
    // a variable in another layout is read by its own operator only, which asks for `weight`
    if (variable) return plain(variable)
    const tensor = this.#graph.initializers.get(name)
    return tensor ? { kind: 'constant', constant: tensor } : null
  }

  #withWeights(node: Node, inputs: readonly (Value | null)[], options: ForwardOptions): (Value | null)[] {
    if (!options.onWeight) return [...inputs]
    return inputs.map((value, i) => {
      const weight = this.#byName.get(node.inputs[i]!)
      if (!weight || weight.layout !== 'plain' || value?.kind !== 'tensor') return value
      return { ...value, tensor: options.onWeight!(node, weight, value.tensor) }
    })
  }

  #stored(node: Node, place: number, { onWeight }: ForwardOptions): Tensor | null {
    const weight = this.#byName.get(node.inputs[place]!)
    if (!weight || weight.layout === 'plain') return null
    const variable = this.variables.get(weight.name)!
    return onWeight ? onWeight(node, weight, variable) : variable
  }

  /** running = momentum · running + (1 − momentum) · batch. Source: ONNX BatchNormalization-15. */
  #average(node: Node, mean: Tensor, variance: Tensor): void {
    const { tf } = this.#engine
    const momentum = floatAttribute(node, 'momentum', 0.9)
    for (const [name, batch] of [
      [node.inputs[RUNNING_MEAN]!, mean],
      [node.inputs[RUNNING_VARIANCE]!, variance],
    ] as const) {
      const running = this.statistics.get(name)
      running?.assign(tf.tidy(() => tf.add(tf.mul(running, momentum), tf.mul(batch, 1 - momentum))))
    }
  }

  toModel(): Model {
    const initializers = new Map(this.#graph.initializers)
    for (const { name, layout } of this.weights) {
      const values = this.variables.get(name)!.dataSync<'float32'>()
      initializers.set(name, fromStored(this.#graph.initializers.get(name)!, Float32Array.from(values), layout))
    }
    for (const [name, variable] of this.statistics) {
      const values = Float32Array.from(variable.dataSync<'float32'>())
      initializers.set(name, fromStored(this.#graph.initializers.get(name)!, values, 'plain'))
    }
    return { ...this.model, graph: { ...this.#graph, initializers } }
  }

  dispose(): void {
    for (const variable of [...this.variables.values(), ...this.statistics.values()]) variable.dispose()
  }
}

/** The variable takes the tensor over. */
function variableOf(tf: TensorEngine['tf'], start: Tensor, trainable: boolean): Variable {
  const variable = tf.variable(start, trainable)
  start.dispose()
  return variable
}
