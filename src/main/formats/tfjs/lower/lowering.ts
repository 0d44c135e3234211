import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import type { Attribute, Model, Node, Tensor, ValueInfo } from '../../../graph/model.ts'
import { ints } from '../../../graph/attributes.ts'
import { inferGraph, tensorFact, UNKNOWN, type Fact } from '../../../graph/shapes/index.ts'
import { int64Tensor } from '../../../graph/tensors.ts'
import { productOf } from '../../../graph/shapes/facts.ts'
import { permuteTensor, renamed } from './constants.ts'
import { Malformed, Unsupported } from './problem.ts'
import {
  heldOrder,
  inverse,
  isPlain,
  orderOf,
  permuted,
  plainOrder,
  sameNumbers,
  type Order,
  type Value,
} from './value.ts'

/** The opset written: LayerNormalization is of 17. */
export const TFJS_OPSET = 17

export interface EmitSpec {
  readonly opType: string
  /** id of the node; made unique */
  readonly name: string
  readonly inputs: readonly string[]
  readonly attributes?: Iterable<readonly [string, Attribute]>
  /** 1 by default */
  readonly outputs?: number
}

/**
 * An ONNX graph under construction from a TensorFlow.js model. Nodes are added in order, with what is known of their outputs inferred
 * at once; values are read in the form an operator needs, and a Transpose or Reshape is written only when a form is missing.
 */
export class Lowering {
  readonly #nodes: Node[] = []
  readonly #inputs: ValueInfo[] = []
  readonly #initializers = new Map<string, Tensor>()
  readonly #facts = new Map<string, Fact>()
  readonly #opsets = new Map([['', TFJS_OPSET]])
  readonly #nodeNames = new Set<string>()
  readonly #tensorNames = new Set<string>()
  /** constants by what they are made of, so that one weight read twice is stored once */
  readonly #madeConstants = new Map<Tensor, Map<string, string>>()

  /** A graph input. */
  input(name: string, dataType: DataType, dims: readonly Dim[]): Value {
    if (this.#tensorNames.has(name)) throw new Malformed(`the input "${name}" stands there twice`)
    this.#tensorNames.add(name)
    this.#inputs.push({ name, dataType, shape: dims })
    this.#facts.set(name, { dataType, shape: dims, values: null })
    return this.value(name, name, plainOrder(dims.length))
  }

  /** A value whose content is known. */
  constant(tensor: Tensor): Value {
    return {
      name: tensor.name,
      dataType: tensor.dataType,
      dims: tensor.dims,
      forms: new Map(),
      constant: tensor,
      reshapeOf: null,
      spaced: null,
    }
  }

  /** What is known of a tensor of the ONNX graph. */
  fact(tensor: string): Fact {
    return this.#facts.get(tensor) ?? UNKNOWN
  }

  /** The elements of a small integer value where they are known (shape arithmetic): numbers, names of open axes, null. */
  known(value: Value): readonly Dim[] | null {
    if (value.constant) return tensorFact(value.constant).values
    const plain = value.forms.get(plainOrder(value.dims.length).join())
    if (plain !== undefined) return this.fact(plain).values
    return value.reshapeOf ? this.known(value.reshapeOf) : null
  }

  /** A value of which the graph holds `tensor` in an order. @throws Unsupported where the rank is not known */
  value(name: string, tensor: string, order?: Order): Value {
    const { shape, dataType } = this.fact(tensor)
    if (shape === null || dataType === null) throw new Unsupported('the shape of its result cannot be told')
    const form = order ?? plainOrder(shape.length)
    return {
      name,
      dataType,
      dims: permuted(shape, inverse(form)),
      forms: new Map([[form.join(), tensor]]),
      constant: null,
      reshapeOf: null,
      spaced: null,
    }
  }

  /** Adds a node and gives the names of its outputs: the first is named after the node. */
  emitAll({ opType, name, inputs, attributes, outputs = 1 }: EmitSpec): string[] {
    const nodeName = fresh(name, this.#nodeNames)
    const names = Array.from({ length: outputs }, (_, i) =>
      fresh(i === 0 ? nodeName : `${nodeName}:${i}`, this.#tensorNames),
    )
    const node: Node = {
      name: nodeName,
      opType,
      domain: '',
      inputs,
      outputs: names,
      attributes: new Map(attributes ?? []),
    }
    this.#nodes.push(node)
    const body = { name: '', nodes: [node], inputs: [], outputs: [], valueInfo: new Map(), initializers: new Map() }
    const facts = inferGraph(body, this.#opsets, this.#facts, {
      onProblem: ({ message }) => {
        throw new Malformed(message)
      },
    })
    for (const output of names) this.#facts.set(output, facts.get(output) ?? UNKNOWN)
    return names
  }

  /** Adds a node with one output and gives its name. */
  emit(spec: EmitSpec): string {
    return this.emitAll(spec)[0]!
  }

  /** Stores a constant as it is and gives its name. */
  store(tensor: Tensor): string {
    const name = fresh(tensor.name, this.#tensorNames)
    this.#initializers.set(name, renamed(tensor, name))
    this.#facts.set(name, tensorFact(tensor))
    return name
  }

  /** A one-dimensional int64 constant. */
  integers(name: string, values: readonly number[]): string {
    return this.store(int64Tensor(name, [values.length], values))
  }

  /** Stores what `make` gives of a constant, once for every `key`. */
  storeMade(source: Tensor, key: string, make: () => Tensor): string {
    const made = this.#madeConstants.get(source) ?? new Map<string, string>()
    this.#madeConstants.set(source, made)
    const known = made.get(key)
    if (known !== undefined) return known
    const name = this.store(make())
    made.set(key, name)
    return name
  }

  /** The name of the tensor that holds a value in an order (plain by default), made where there is none yet. */
  read(value: Value, order: Order = plainOrder(value.dims.length)): string {
    const key = order.join()
    const held = value.forms.get(key)
    if (held !== undefined) return held
    const made = this.#make(value, order)
    value.forms.set(key, made)
    return made
  }

  #make(value: Value, order: Order): string {
    const { constant, reshapeOf, spaced } = value
    if (constant) return this.storeMade(constant, order.join(), () => permuteTensor(constant, order))
    if (spaced)
      throw new Unsupported(
        `reads "${value.name}", made by SpaceToBatchND, which is understood only around a convolution`,
      )
    if (reshapeOf && value.forms.size === 0 && sameNumbers(value.dims, order)) {
      return this.#reshape(value.name, reshapeOf, permuted(value.dims, order))
    }
    if (value.forms.size === 0) this.read(value)
    const [key, tensor] = [...value.forms][0]!
    const from = inverse(orderOf(key))
    const perm = order.map((axis) => from[axis]!)
    const suffix = isPlain(order) ? 'channels_last' : 'channels_first'
    return this.emit({
      opType: 'Transpose',
      name: `${value.name}/${suffix}`,
      inputs: [tensor],
      attributes: [['perm', ints(perm)]],
    })
  }

  /** The numbers of `source` under other dims; nothing is written where a form has them already. */
  #reshape(name: string, source: Value, dims: readonly Dim[]): string {
    const held = [...source.forms].find(([key]) => sameNumbers(source.dims, orderOf(key)))?.[1] ?? this.read(source)
    const shape = this.fact(held).shape
    if (shape !== null && shape.length === dims.length && shape.every((dim, i) => dim !== null && dim === dims[i]))
      return held
    if (dims.length === 2 && dims[0] === source.dims[0] && dims[0] !== null && (shape?.length ?? 0) > 2) {
      return this.emit({ opType: 'Flatten', name, inputs: [held] })
    }
    // 0 takes over the length at the same place
    const copied = (dim: Dim, i: number): boolean => typeof dim === 'string' && dim === shape?.[i]
    const lengths = dims.map((dim, i) => (typeof dim === 'number' ? dim : copied(dim, i) ? 0 : -1))
    if (lengths.filter((length) => length === -1).length > 1)
      throw new Unsupported('reshapes to more than one open length')
    const target = this.integers(`${name}/shape`, lengths)
    return this.emit({ opType: 'Reshape', name, inputs: [held, target] })
  }

  /** A value with the same numbers under other dims, made when it is read. */
  reshaped(name: string, source: Value, dims: readonly Dim[]): Value {
    const from = productOf(source.dims)
    const to = productOf(dims)
    if (from !== null && to !== null && from !== to) {
      throw new Malformed(`reshapes ${from} elements to ${to}`)
    }
    if (source.constant && to !== null) return this.constant({ ...source.constant, name, dims: dims as number[] })
    const root = source.reshapeOf && source.forms.size === 0 ? source.reshapeOf : source
    return { name, dataType: source.dataType, dims, forms: new Map(), constant: null, reshapeOf: root, spaced: null }
  }

  /** A value with its axes in another order; nothing is written. `perm`: axis `i` of the result is axis `perm[i]` of the source. */
  transposed(name: string, source: Value, perm: Order): Value {
    const back = inverse(perm)
    if (source.constant) return this.constant(renamed(permuteTensor(source.constant, perm), name))
    if (source.forms.size === 0) this.read(source)
    const forms = new Map(
      [...source.forms].map(([key, tensor]) => [
        orderOf(key)
          .map((axis) => back[axis]!)
          .join(),
        tensor,
      ]),
    )
    return { ...source, name, dims: permuted(source.dims, perm), forms, reshapeOf: null }
  }

  /** Writes `opType` over a value in the form it is held in; the result is held alike. */
  unary(name: string, opType: string, x: Value, attributes: Iterable<readonly [string, Attribute]> = []): Value {
    const order = heldOrder(x)
    return this.value(name, this.emit({ opType, name, inputs: [this.read(x, order)], attributes }), order)
  }

  /**
   * The finished model: each output under its wanted name in the model's own order of axes.
   * @param outputs name → value
   */
  finish(outputs: ReadonlyMap<string, Value>, producer: { name: string; version: string }): Model {
    const taken = new Set(this.#inputs.map((input) => input.name))
    const names = [...outputs].map(([name, value]): [string, string] => {
      // a model may hand an input on under its own name
      return [taken.has(name) ? fresh(`${name}/output`, this.#tensorNames) : name, this.read(value)]
    })
    const renames = this.#outputNames(names)
    const rename = (name: string): string => renames.get(name) ?? name
    const needed = live(
      this.#nodes,
      names.map(([, tensor]) => tensor),
    )
    const nodes: Node[] = needed.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }))
    for (const [wanted, tensor] of names) {
      // an output that is an input or constant, or the same tensor as another one
      if (rename(tensor) !== wanted) nodes.push(this.#identity(rename(tensor), wanted))
    }
    const infos = names.map(([wanted, tensor]): ValueInfo => {
      const { dataType, shape } = this.fact(tensor)
      return { name: wanted, dataType, shape }
    })
    return {
      irVersion: 8,
      opsets: this.#opsets,
      producerName: producer.name,
      producerVersion: producer.version,
      domain: '',
      modelVersion: 0n,
      docString: '',
      metadata: new Map(),
      graph: {
        name: 'main',
        nodes,
        inputs: this.#inputs,
        outputs: infos,
        valueInfo: new Map(),
        initializers: used(this.#initializers, nodes, infos),
      },
    }
  }

  #identity(from: string, to: string): Node {
    return {
      name: fresh(`${to}/Identity`, this.#nodeNames),
      opType: 'Identity',
      domain: '',
      inputs: [from],
      outputs: [to],
      attributes: new Map(),
    }
  }

  /** New names of tensors: outputs get theirs, and whoever holds such a name now gets another. */
  #outputNames(outputs: readonly (readonly [string, string])[]): Map<string, string> {
    const fixed = new Set([...this.#inputs.map((input) => input.name), ...this.#initializers.keys()])
    const renames = new Map<string, string>()
    const wantedNames = new Set(outputs.map(([wanted]) => wanted))
    for (const [wanted, tensor] of outputs) {
      if (!fixed.has(tensor) && !renames.has(tensor) && !fixed.has(wanted)) renames.set(tensor, wanted)
    }
    for (const node of this.#nodes) {
      for (const name of node.outputs) {
        if (wantedNames.has(name) && !renames.has(name)) renames.set(name, fresh(`${name}/inner`, this.#tensorNames))
      }
    }
    return renames
  }
}

/** The nodes that outputs depend on, in their order: shape arithmetic that was told ahead falls away. */
function live(nodes: readonly Node[], outputs: readonly string[]): Node[] {
  const needed = new Set(outputs)
  const kept = new Set<Node>()
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    kept.add(node)
    for (const input of node.inputs) needed.add(input)
  }
  return nodes.filter((node) => kept.has(node))
}

/** `base`, or `base_2`, `base_3`, …; reserved at once. */
function fresh(base: string, taken: Set<string>): string {
  let name = base
  for (let i = 2; name === '' || taken.has(name); i++) name = `${base}_${i}`
  taken.add(name)
  return name
}

function used(
  initializers: ReadonlyMap<string, Tensor>,
  nodes: readonly Node[],
  outputs: readonly ValueInfo[],
): Map<string, Tensor> {
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...outputs.map((output) => output.name)])
  return new Map([...initializers].filter(([name]) => read.has(name)))
}
