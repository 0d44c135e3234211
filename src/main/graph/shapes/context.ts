import type { DataType, Dim } from '../../../shared/contract/tensor.ts'
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts'
import type { Graph, Node } from '../model.ts'
import type { Fact, Value } from './facts.ts'
import { UNKNOWN } from './facts.ts'

/** A contradiction found at one node; the driver reports it with the node's name. */
export class ShapeMismatch extends Error {}

/** Infers the facts of a graph's outputs in the scope of the node that holds it. */
export type InferBody = (graph: Graph, inputs: readonly Fact[]) => readonly Fact[]

/** What an operator's inference sees: its node, the operator-set version of its domain and the facts of its inputs. */
export class OpContext {
  readonly node: Node
  readonly version: number
  readonly inferBody: InferBody
  readonly #inputs: readonly Fact[]

  constructor(node: Node, version: number, inputs: readonly Fact[], inferBody: InferBody) {
    this.node = node
    this.version = version
    this.inferBody = inferBody
    this.#inputs = inputs
  }

  get inputCount(): number {
    return this.#inputs.length
  }

  /** True when input `i` is given (not omitted). */
  has(i: number): boolean {
    return (this.node.inputs[i] ?? '') !== ''
  }

  input(i: number): Fact {
    return this.#inputs[i] ?? UNKNOWN
  }

  inputs(): readonly Fact[] {
    return this.#inputs
  }

  shape(i: number): readonly Dim[] | null {
    return this.input(i).shape
  }

  type(i: number): DataType | null {
    return this.input(i).dataType
  }

  values(i: number): readonly Value[] | null {
    return this.input(i).values
  }

  /** The elements of input `i`, only when every one is a number. */
  numbers(i: number): number[] | null {
    const values = this.values(i)
    return values !== null && values.every((value) => typeof value === 'number') ? (values as number[]) : null
  }

  int(name: string, fallback: number): number {
    return intAttribute(this.node, name, fallback)
  }

  ints(name: string): number[] | null {
    return intsAttribute(this.node, name)
  }

  float(name: string, fallback: number): number {
    return floatAttribute(this.node, name, fallback)
  }

  string(name: string, fallback: string): string {
    return stringAttribute(this.node, name, fallback)
  }

  /** `axis` counted from 0 for a tensor of that rank; a fault of the node when it lies outside. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis
    if (!(normal >= 0 && normal < rank)) this.fail(`axis ${axis} does not exist in a tensor of rank ${rank}`)
    return normal
  }

  /** Requires a rank where one is known. */
  expectRank(i: number, least: number, most = Infinity): void {
    const rank = this.shape(i)?.length
    if (rank !== undefined && (rank < least || rank > most)) {
      const wanted = most === least ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`
      this.fail(`input ${i} (${this.node.inputs[i]}) has rank ${rank}, expected ${wanted}`)
    }
  }

  fail(message: string): never {
    throw new ShapeMismatch(message)
  }
}

/** The inference of one operator: the facts of its outputs, in order; missing ones are unknown. */
export type Infer = (op: OpContext) => readonly Fact[]
