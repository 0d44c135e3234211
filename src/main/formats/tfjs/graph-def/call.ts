import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Lowering } from '../lower/lowering.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import type { Value } from '../lower/value.ts'
import type { GraphNode } from './node.ts'

/** One node of a GraphDef with its inputs: what an operator sees. */
export class OpCall {
  readonly to: Lowering
  readonly node: GraphNode
  readonly inputs: readonly Value[]

  constructor(to: Lowering, node: GraphNode, inputs: readonly Value[]) {
    this.to = to
    this.node = node
    this.inputs = inputs
  }

  get name(): string {
    return this.node.name
  }

  /** @throws Malformed where there are fewer inputs */
  input(i: number): Value {
    const value = this.inputs[i]
    if (!value) throw new Malformed(`has ${this.inputs.length} inputs, expected ${i + 1} or more`)
    return value
  }

  /** Elements of a small integer input; open lengths by name. */
  dims(i: number): readonly Dim[] | null {
    return this.to.known(this.input(i))
  }

  /** Elements of an input that must be known now. @throws Unsupported where it is computed */
  numbers(i: number): readonly number[] {
    const values = this.dims(i)
    if (values?.every((value) => typeof value === 'number')) return values
    throw new Unsupported(`needs its input ${i} ("${this.input(i).name}") as a constant, but it is computed`)
  }

  /** The one element of an input that must be known now. */
  number(i: number): number {
    const [number] = this.numbers(i)
    if (number === undefined) throw new Malformed(`has an empty input ${i}, expected a number`)
    return number
  }
}
