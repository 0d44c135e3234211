import type { DataType, Dim } from '../../src/shared/contract/tensor.ts'
import type { Attribute, Model, Node, Tensor, ValueInfo } from '../../src/main/graph/model.ts'
import { float, int, ints, string } from '../../src/main/graph/attributes.ts'
import { floatTensor, int64Tensor, elementCount } from '../../src/main/graph/tensors.ts'

/** Attribute values as a test writes them: whole numbers become ints, text strings; `float(0.1)` and the like pass as they are. */
export type AttributeValue = number | string | readonly number[] | Attribute

/** A small seeded generator (mulberry32): values in [0, 1), the same on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Normally distributed values (Box-Muller) of a seeded generator. */
export function normals(random: () => number, count: number, deviation = 1): Float32Array {
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    values[i] = deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  }
  return values
}

/** Builds small ONNX models in code: nodes in the order they are added, tensors named after their node. */
export class ModelBuilder {
  readonly random: () => number
  readonly #opset: number
  readonly #irVersion: number
  readonly #nodes: Node[] = []
  readonly #inputs: ValueInfo[] = []
  readonly #outputs: ValueInfo[] = []
  readonly #initializers = new Map<string, Tensor>()
  readonly #listInitializers: boolean
  #counter = 0

  constructor(options: { opset?: number; irVersion?: number; seed?: number; initializersAsInputs?: boolean } = {}) {
    this.#opset = options.opset ?? 17
    this.#irVersion = options.irVersion ?? 8
    this.random = seeded(options.seed ?? 1)
    this.#listInitializers = options.initializersAsInputs ?? false
  }

  input(name: string, shape: readonly Dim[] | null, dataType: DataType = 'float'): string {
    this.#inputs.push({ name, dataType, shape })
    return name
  }

  output(name: string, shape: readonly Dim[] | null = null, dataType: DataType = 'float'): string {
    this.#outputs.push({ name, dataType, shape })
    return name
  }

  constant(tensor: Tensor): string {
    this.#initializers.set(tensor.name, tensor)
    return tensor.name
  }

  /** Random weights, normal with the given deviation (He: sqrt(2 / fan-in) unless told). */
  weights(dims: readonly number[], deviation?: number, name = `w${this.#counter++}`): string {
    const fanIn = elementCount(dims.slice(1)) || 1
    return this.constant(
      floatTensor(name, dims, normals(this.random, elementCount(dims), deviation ?? Math.sqrt(2 / fanIn))),
    )
  }

  floats(values: readonly number[], dims: readonly number[] = [values.length], name = `f${this.#counter++}`): string {
    return this.constant(floatTensor(name, dims, values))
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length], name = `i${this.#counter++}`): string {
    return this.constant(int64Tensor(name, dims, values))
  }

  /** Adds a node; gives its first output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    options: { name?: string; outputs?: readonly string[]; domain?: string } = {},
  ): string {
    const name = options.name ?? `${opType.toLowerCase()}${this.#counter++}`
    const outputs = options.outputs ?? [`${name}_out`]
    const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const)
    this.#nodes.push({ name, opType, domain: options.domain ?? '', inputs, outputs, attributes: new Map(entries) })
    return outputs[0]!
  }

  build(): Model {
    const listed = this.#listInitializers
      ? [...this.#initializers.values()].map(({ name, dataType, dims }): ValueInfo => ({ name, dataType, shape: dims }))
      : []
    return {
      irVersion: this.#irVersion,
      opsets: new Map([['', this.#opset]]),
      producerName: 'builder',
      producerVersion: '',
      domain: '',
      modelVersion: 0n,
      docString: '',
      metadata: new Map(),
      graph: {
        name: 'built',
        nodes: this.#nodes,
        inputs: [...this.#inputs, ...listed],
        outputs: this.#outputs,
        valueInfo: new Map(),
        initializers: this.#initializers,
      },
    }
  }
}

function attributeOf(value: AttributeValue): Attribute {
  if (typeof value === 'number') return Number.isInteger(value) ? int(value) : float(value)
  if (typeof value === 'string') return string(value)
  if (Array.isArray(value)) return ints(value as readonly number[])
  return value as Attribute
}
