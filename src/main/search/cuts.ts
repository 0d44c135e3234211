import type { Model, Node, ValueInfo } from '../graph/model.ts'
import { capturedBy, producersOf } from '../graph/traversal.ts'
import type { NumberedModel } from './values.ts'

/** A tensor that a suffix reads: its name there, and the tensor of the base model that holds its values. */
export interface FrontierTensor {
  readonly input: string
  readonly tensor: string
}

/** What is left to run of a variant once the base model has run. */
export interface Suffix {
  /** inputs: the frontier; outputs: those of the variant, by its names */
  readonly model: Model
  readonly frontier: readonly FrontierTensor[]
}

/**
 * Cuts off what a variant shares with its base: the suffix holds the nodes whose values the base does not have, and reads the rest
 * through the frontier (skip connections, integers between quantized layers). Given optimised graphs, run without further optimisation,
 * the kernels are those of the whole variant on equal data, and the outputs are equal to the last bit.
 *
 * A frontier tensor is one of `cuttable`; where the base has a value that cannot be handed over (its type is not carried, or unknown),
 * the nodes that compute it join the suffix. Constants are never handed over.
 * @param base numbered, and `variant` by a fork of the same numbers
 * @param cuttable type and shape of the base's tensors that can be fetched from it or are fed to it
 */
export function cutVariant(
  base: NumberedModel,
  variant: NumberedModel,
  cuttable: ReadonlyMap<string, ValueInfo>,
): Suffix {
  const available = availableValues(base, cuttable)
  const cut = new Cut(variant, (tensor) =>
    variant.fed.has(tensor) ? (available.get(variant.numbers.get(tensor) ?? -1) ?? null) : null,
  )
  return cut.suffix(cuttable)
}

/** Number of a value → the base's tensor that holds it. */
function availableValues(
  { numbers, fed }: NumberedModel,
  cuttable: ReadonlyMap<string, ValueInfo>,
): Map<number, string> {
  const available = new Map<number, string>()
  for (const name of cuttable.keys()) {
    const number = numbers.get(name)
    if (number !== undefined && fed.has(name) && !available.has(number)) available.set(number, name)
  }
  return available
}

class Cut {
  readonly #variant: NumberedModel
  readonly #sourceOf: (tensor: string) => string | null
  readonly #producers: ReadonlyMap<string, Node>
  readonly #needed = new Set<Node>()
  readonly #frontier = new Map<string, string>()

  constructor(variant: NumberedModel, sourceOf: (tensor: string) => string | null) {
    this.#variant = variant
    this.#sourceOf = sourceOf
    this.#producers = producersOf(variant.model.graph)
  }

  suffix(cuttable: ReadonlyMap<string, ValueInfo>): Suffix {
    const { model } = this.#variant
    const { graph } = model
    const passed = graph.outputs.filter(({ name }) => this.#need(name)).map(({ name }) => name)
    // an output that the base has already: the suffix hands it through under another name
    const renamed = new Map(passed.map((name) => [name, `${name}/base`]))
    const copies = passed.map((name) => identity(renamed.get(name)!, name))
    const frontier = [...this.#frontier].map(([name, tensor]) => ({ input: renamed.get(name) ?? name, tensor }))
    const nodes = [
      ...copies,
      ...graph.nodes
        .filter((node) => this.#needed.has(node))
        .map((node) => ({ ...node, inputs: node.inputs.map((name) => renamed.get(name) ?? name) })),
    ]
    const read = new Set(nodes.flatMap((node) => [...node.inputs, ...capturedBy(node)]))
    for (const { name } of graph.outputs) read.add(name)
    const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name)))
    const inputs = frontier.map(({ input, tensor }) => ({ ...cuttable.get(tensor)!, name: input }))
    return { model: { ...model, graph: { ...graph, nodes, inputs, initializers, valueInfo: new Map() } }, frontier }
  }

  /** Takes in what computes a tensor, up to the frontier. True where the tensor itself comes from the base. */
  #need(output: string): boolean {
    const waiting = [output]
    for (let tensor = waiting.pop(); tensor !== undefined; tensor = waiting.pop()) {
      if (tensor === '' || this.#frontier.has(tensor)) continue
      const source = this.#sourceOf(tensor)
      if (source !== null) {
        this.#frontier.set(tensor, source)
        continue
      }
      const node = this.#producers.get(tensor)
      if (!node || this.#needed.has(node)) continue
      this.#needed.add(node)
      waiting.push(...node.inputs, ...capturedBy(node))
    }
    return this.#frontier.has(output)
  }
}

function identity(input: string, output: string): Node {
  return {
    name: `${output}/copy`,
    opType: 'Identity',
    domain: '',
    inputs: [input],
    outputs: [output],
    attributes: new Map(),
  }
}

/** The base with `tensors` as further outputs, so that they can be fetched; its own inputs among them are left out. */
export function exposeTensors(model: Model, tensors: Iterable<string>): Model {
  const { graph } = model
  const present = new Set([...graph.outputs, ...graph.inputs].map(({ name }) => name))
  const added = [...new Set(tensors)]
    .filter((name) => !present.has(name))
    .map((name): ValueInfo => ({ name, dataType: null, shape: null }))
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...added] } }
}
