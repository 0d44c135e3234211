import { z } from 'zod'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'

const nodeSchema = z.object({
  name: z.string().min(1),
  op: z.string().min(1),
  input: z.array(z.string()).optional(),
  attr: z.record(z.string(), z.unknown()).optional(),
})

const graphSchema = z.object({ node: z.array(nodeSchema) })

/** What a node reads: an output of another one. */
export interface Source {
  readonly node: string
  readonly output: number
}

/** A node of a GraphDef in JSON, its attributes read with checks. Source: tensorflow, node_def.proto and attr_value.proto. */
export class GraphNode {
  readonly name: string
  readonly op: string
  /** data inputs; control inputs are left out, they only order what has side effects */
  readonly inputs: readonly Source[]
  readonly #attributes: Readonly<Record<string, unknown>>

  constructor(parsed: z.infer<typeof nodeSchema>) {
    this.name = parsed.name
    this.op = parsed.op
    this.inputs = (parsed.input ?? []).filter((input) => !input.startsWith('^')).map(sourceOf)
    this.#attributes = parsed.attr ?? {}
  }

  #field(name: string, field: string): unknown {
    const attribute = Object.hasOwn(this.#attributes, name) ? this.#attributes[name] : null
    return attribute !== null && typeof attribute === 'object' && Object.hasOwn(attribute, field)
      ? (attribute as Record<string, unknown>)[field]
      : null
  }

  /** int64 is written as text in JSON. */
  int(name: string, fallback: number): number {
    const value = this.#field(name, 'i')
    return value === null ? fallback : this.#number(value, name)
  }

  float(name: string, fallback: number): number {
    const value = this.#field(name, 'f')
    return value === null ? fallback : this.#number(value, name, false)
  }

  boolean(name: string): boolean {
    return this.#field(name, 'b') === true
  }

  /** Text; bytes are written in base64. */
  text(name: string, fallback: string): string {
    const value = this.#field(name, 's')
    return value === null ? fallback : textOf(value, name)
  }

  texts(name: string): string[] {
    const list = this.#list(name, 's')
    return list.map((item) => textOf(item, name))
  }

  ints(name: string): number[] {
    return this.#list(name, 'i').map((item) => this.#number(item, name))
  }

  /** Element type, or null where it is not given. */
  dataType(name: string): DataType | null {
    const value = this.#field(name, 'type')
    if (value === null) return null
    const key = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '?'
    if (!Object.hasOwn(TYPES, key)) throw new Unsupported(`is of type ${key.slice(0, 40)}`)
    return TYPES[key]!
  }

  /** Lengths of the attribute `shape`, −1 as null; null where the rank is open. */
  shape(): Dim[] | null {
    const shape = this.#field('shape', 'shape')
    if (shape === null || typeof shape !== 'object') return null
    const { dim, unknownRank } = shape as { dim?: unknown; unknownRank?: unknown }
    if (unknownRank === true) return null
    if (dim === undefined) return []
    if (!Array.isArray(dim) || dim.length > 16) throw new Malformed('has a shape that is not a list of lengths')
    return dim.map((item: unknown) => {
      const size = (item as { size?: unknown } | null)?.size
      const length = this.#number(size ?? 0, 'shape')
      if (length < -1 || length > 2 ** 30) throw new Malformed(`has a length of ${length}`)
      return length === -1 ? null : length
    })
  }

  #list(name: string, kind: string): unknown[] {
    const list = this.#field(name, 'list')
    const items = list !== null && typeof list === 'object' ? (list as Record<string, unknown>)[kind] : null
    if (items === null || items === undefined) return []
    if (!Array.isArray(items) || items.length > 4096) throw new Malformed(`has an attribute ${name} that is not a list`)
    return items as unknown[]
  }

  #number(value: unknown, name: string, whole = true): number {
    const number = typeof value === 'string' && value.length < 40 ? Number(value) : value
    if (typeof number !== 'number' || !Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) {
      throw new Malformed(
        `has an attribute ${name} of ${JSON.stringify(value)?.slice(0, 40)}, expected a ${whole ? 'whole ' : ''}number`,
      )
    }
    return number
  }
}

/** By name, and by number as some writers have it. Source: tensorflow, types.proto. */
const TYPES: Readonly<Record<string, DataType>> = {
  DT_FLOAT: 'float',
  DT_INT32: 'int32',
  DT_BOOL: 'bool',
  DT_INT64: 'int32', // tfjs holds int64 as int32
  DT_HALF: 'float',
  DT_UINT8: 'int32',
  '1': 'float',
  '3': 'int32',
  '4': 'int32',
  '9': 'int32',
  '10': 'bool',
  '19': 'float',
}

function textOf(value: unknown, name: string): string {
  if (Array.isArray(value)) return String.fromCharCode(...(value.slice(0, 200) as number[]))
  if (typeof value !== 'string') throw new Malformed(`has an attribute ${name} that is not text`)
  try {
    return atob(value)
  } catch {
    throw new Malformed(`has an attribute ${name} that is not text in base64`)
  }
}

/** `name:1` is output 1 of `name`. */
export function sourceOf(reference: string): Source {
  const at = reference.lastIndexOf(':')
  const output = at > 0 && /^\d{1,6}$/.test(reference.slice(at + 1)) ? Number(reference.slice(at + 1)) : null
  return output === null ? { node: reference, output: 0 } : { node: reference.slice(0, at), output }
}

/**
 * The nodes of a GraphDef so that each stands behind what it reads.
 * @throws Fault format.malformed, model.duplicateName, model.dangling, model.cycle
 */
export function parseGraphDef(topology: Readonly<Record<string, unknown>>, source: string): GraphNode[] {
  const parsed = graphSchema.safeParse(topology)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Fault(
      'format.malformed',
      `${source} is damaged at modelTopology.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a graph'}; export the model again`,
    )
  }
  return inOrder(
    parsed.data.node.map((node) => new GraphNode(node)),
    source,
  )
}

function inOrder(nodes: readonly GraphNode[], source: string): GraphNode[] {
  const byName = new Map<string, GraphNode>()
  for (const node of nodes) {
    if (byName.has(node.name)) throw new Fault('model.duplicateName', `${source}: two nodes are named "${node.name}"`)
    byName.set(node.name, node)
  }
  const waiting = new Map<GraphNode, number>()
  const readers = new Map<string, GraphNode[]>()
  for (const node of nodes) {
    waiting.set(node, node.inputs.length)
    for (const { node: read } of node.inputs) {
      if (!byName.has(read))
        throw new Fault(
          'model.dangling',
          `${source}: node "${node.name}" (${node.op}) reads "${read}", which is not in the graph`,
        )
      const list = readers.get(read)
      if (list) list.push(node)
      else readers.set(read, [node])
    }
  }
  const order = nodes.filter((node) => node.inputs.length === 0)
  for (let i = 0; i < order.length; i++) {
    for (const reader of readers.get(order[i]!.name) ?? []) {
      const left = waiting.get(reader)! - 1
      waiting.set(reader, left)
      if (left === 0) order.push(reader)
    }
  }
  if (order.length === nodes.length) return order
  const stuck = nodes.find((node) => waiting.get(node)! > 0)!
  throw new Fault('model.cycle', `${source}: the nodes form a cycle through "${stuck.name}" (${stuck.op})`)
}
