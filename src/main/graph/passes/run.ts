import type { Model } from '../model.ts'
import { inferShapes } from '../shapes/index.ts'
import type { Facts, PassContext } from './pass.ts'
import type { PassRow } from './registry.ts'

/** Rounds of one list of passes: a fold often lets another follow, which lets a third; real models settle in two. */
const MOST_ROUNDS = 6

/** The model with every pass applied in order, again and again until none changes anything. */
export function runPasses(model: Model, passes: readonly PassRow[], note: (sentence: string) => void): Model {
  const said = new Set<string>()
  const context = createPassContext((sentence) => {
    if (!said.has(sentence)) note(sentence)
    said.add(sentence)
  })
  const told = new Map<PassRow, string[]>()
  let current = model
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = current
    for (const pass of passes) {
      const next = pass.run(current, context)
      if (next !== current) told.set(pass, [...(told.get(pass) ?? []), ...changedOps(current, next)])
      current = next
    }
    if (current === before) break
  }
  for (const [pass, ops] of told)
    if (pass.told !== undefined && ops.length > 0) note(`${pass.told}: ${countText(ops)}.`)
  return current
}

/** Ops of the nodes that are in the first graph and not, or with another op, in the second. */
function changedOps(before: Model, after: Model): string[] {
  const left = new Map(after.graph.nodes.map((node) => [node.name, node.opType]))
  return before.graph.nodes.filter((node) => left.get(node.name) !== node.opType).map((node) => node.opType)
}

/** `19 BatchNormalization, 2 Add`, most first. */
function countText(ops: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([op, count]) => `${count} ${op}`)
    .join(', ')
}

/** A context whose facts come from shape inference and are kept for the model last asked about. */
export function createPassContext(note: (sentence: string) => void): PassContext {
  let last: { model: Model; facts: Facts } | null = null
  const facts = (model: Model): Facts => {
    if (last?.model !== model) last = { model, facts: inferShapes(undeclared(model), { onProblem: () => undefined }) }
    return last.facts
  }
  return { facts, note }
}

/**
 * The model without what it declares of its intermediate and output tensors. Exporters leave lengths there that held for the
 * traced example only; what is folded into constants must follow from inputs and weights.
 */
function undeclared(model: Model): Model {
  const outputs = model.graph.outputs.map((output) => ({ ...output, shape: null }))
  return { ...model, graph: { ...model.graph, valueInfo: new Map(), outputs } }
}
