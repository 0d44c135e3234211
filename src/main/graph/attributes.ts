import type { Attribute, Graph, Node, Tensor } from './model.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The integer attribute `name`, or `fallback` when it is absent or of another kind. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'int' ? Number(attribute.value) : fallback
}

/** The float attribute `name`, or `fallback`. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'float' ? attribute.value : fallback
}

/** The integer list `name` as numbers, or null when absent. */
export function intsAttribute(node: Node, name: string): number[] | null {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : null
}

/** The string attribute `name` decoded as UTF-8, or `fallback`. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'string' ? decoder.decode(attribute.value) : fallback
}

/** The tensor attribute `name`, or null. */
export function tensorAttribute(node: Node, name: string): Tensor | null {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'tensor' ? attribute.value : null
}

export const int = (value: number): Attribute => ({ kind: 'int', value: BigInt(value) })
export const ints = (values: readonly number[]): Attribute => ({ kind: 'ints', value: values.map((v) => BigInt(v)) })
export const float = (value: number): Attribute => ({ kind: 'float', value })
export const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value })
export const string = (value: string): Attribute => ({ kind: 'string', value: encoder.encode(value) })
export const tensor = (value: Tensor): Attribute => ({ kind: 'tensor', value })
export const graph = (value: Graph): Attribute => ({ kind: 'graph', value })
