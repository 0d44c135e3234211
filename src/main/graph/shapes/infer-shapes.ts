import type { Dim } from '../../../shared/contract/tensor.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { Graph, Model, Node, ValueInfo } from '../model.ts'
import type { OnProblem } from '../problem.ts'
import { shapeText } from './broadcast.ts'
import { OpContext, ShapeMismatch } from './context.ts'
import type { Fact } from './facts.ts'
import { fact, refined, UNKNOWN, usable } from './facts.ts'
import { tensorFact } from './ops/constants.ts'
import { SHAPE_RULES } from './registry.ts'

/** Tensor name → what is known of it. Tensors of subgraphs are not in it. */
export type ShapeMap = ReadonlyMap<string, Fact>

export interface InferOptions {
  /** collects contradictions; without it the first one is thrown as a Fault */
  readonly onProblem?: OnProblem
  /** graph input → the shape to infer for, in the place of the declared one */
  readonly inputShapes?: ReadonlyMap<string, readonly Dim[]>
}

/** Largest element count ever taken for real: beyond it a double cannot count. */
const MAX_ELEMENTS = Number.MAX_SAFE_INTEGER

/**
 * Infers types and shapes of all tensors of a model, from its inputs and constants alone, following small integer tensors
 * by value (shape arithmetic). Axes are lengths, symbolic names, or null where nothing is known; an operator that is not
 * known leaves its outputs to what the file declares. Initializers count as constants even where they are also inputs.
 * @throws Fault `model.shapeMismatch` naming the node, when shapes contradict each other and no `onProblem` is given
 * Source: ONNX, Shape Inference; Operators.
 */
export function inferShapes(model: Model, options: InferOptions = {}): ShapeMap {
  return inferGraph(model.graph, model.opsets, new Map(), options)
}

/** As `inferShapes`, for one graph in the scope of an enclosing one. `inputs`: facts of its inputs, in order, where known. */
export function inferGraph(
  graph: Graph,
  opsets: Model['opsets'],
  scope: ShapeMap,
  options: InferOptions = {},
  inputs: readonly Fact[] = [],
): ShapeMap {
  const facts = new Map<string, Fact>()
  const declared = new Map<string, ValueInfo>(graph.valueInfo)
  for (const output of graph.outputs) declared.set(output.name, output)
  const report = reporter(options)
  graph.inputs.forEach((input, i) =>
    facts.set(input.name, checked(inputFact(input, inputs[i], options), input.name, report)),
  )
  for (const [name, tensor] of graph.initializers) facts.set(name, checked(tensorFact(tensor), name, report))
  const lookUp = (name: string): Fact => (name === '' ? UNKNOWN : (facts.get(name) ?? scope.get(name) ?? UNKNOWN))
  const inferBody = (body: Graph, given: readonly Fact[]): readonly Fact[] => {
    const inner = inferGraph(body, opsets, new Map([...scope, ...facts]), options, given)
    return body.outputs.map(({ name }) => inner.get(name) ?? lookUp(name))
  }
  for (const node of graph.nodes) {
    const context = new OpContext(node, versionOf(node, opsets), node.inputs.map(lookUp), inferBody)
    const outputs = inferNode(context, report)
    node.outputs.forEach((name, i) => {
      if (name === '') return
      const value = declared.get(name)
      const inferred = checked(outputs[i] ?? UNKNOWN, describe(node), report)
      facts.set(name, value === undefined ? inferred : refined(inferred, value))
    })
  }
  return facts
}

type Report = (where: string, op: string | null, message: string) => void

function reporter({ onProblem }: InferOptions): Report {
  return (where, op, message) => {
    if (onProblem) onProblem({ where, op, message })
    else
      throw new Fault('model.shapeMismatch', `The shapes of the model contradict each other at ${where}: ${message}.`, {
        where,
        op,
      })
  }
}

function describe(node: Node): string {
  return node.name !== ''
    ? node.name
    : `the ${node.opType} that writes ${node.outputs.find((name) => name !== '') ?? 'nothing'}`
}

function versionOf(node: Node, opsets: Model['opsets']): number {
  return opsets.get(node.domain) ?? (node.domain === 'ai.onnx' ? opsets.get('') : undefined) ?? 1
}

function inputFact(input: ValueInfo, given: Fact | undefined, options: InferOptions): Fact {
  const shape = options.inputShapes?.get(input.name) ?? input.shape
  const own = fact(input.dataType, shape === null ? null : shape.map(usable))
  return given === undefined ? own : refined(given, own)
}

function inferNode(context: OpContext, report: Report): readonly Fact[] {
  const infer = SHAPE_RULES.get(context.node.domain)?.get(context.node.opType)
  if (infer === undefined) return []
  try {
    return infer(context)
  } catch (error) {
    if (!(error instanceof ShapeMismatch)) throw error
    report(describe(context.node), context.node.opType, error.message)
    return []
  }
}

/** Refuses shapes that no tensor can have. */
function checked(found: Fact, where: string, report: Report): Fact {
  if (found.shape === null) return found
  let count = 1
  for (const dim of found.shape) {
    if (typeof dim !== 'number' || dim === 0) continue
    count *= dim
    if (!Number.isInteger(dim) || dim < 0 || count > MAX_ELEMENTS) {
      report(where, null, `the shape ${shapeText(found.shape)} is not one a tensor can have`)
      return { ...found, shape: null, values: null }
    }
  }
  return found
}
