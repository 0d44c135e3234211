import type { Attribute, Graph, Model, Node } from '../../../graph/model.ts'
import type { OnProblem } from '../../../graph/problem.ts'
import type { ShapeMap } from '../../../graph/shapes/index.ts'
import { inferGraph } from '../../../graph/shapes/index.ts'
import { irVersionFor } from '../ir-version.ts'
import { OP_HISTORY } from './registry.ts'
import type { Adapter } from './scope.ts'
import { changed, Names, placeOf, Scope, standardOpset } from './scope.ts'

/** Oldest version of ai.onnx that is carried over: below it, ONNX Runtime has no kernels for most operators (measured with 1.30). */
const OLDEST_OPSET = 7

/** Newest version of ai.onnx that onnxruntime-node 1.30 loads (measured), and the newest the registry knows. */
export const NEWEST_OPSET = 26

/**
 * Carries a model over to a newer version of ai.onnx: the same function, written in the operators of `target`. A model that
 * is at `target` or beyond, or uses no ai.onnx at all, is given back as it is. Names of nodes and tensors stay; helper nodes
 * and constants get fresh ones. Subgraphs are carried over too; other domains are not touched. The IR version is raised where
 * the new version asks for it. What cannot be carried over is told to `onProblem`, all at once, and the node stays as it was:
 * the result is then not valid, and the caller raises the fault.
 * @param target 13 to 26
 * Source: ONNX, docs/Changelog.md and docs/Versioning.md.
 */
export function upgradeOpset(model: Model, target: number, onProblem: OnProblem): Model {
  if (!(target >= OLDEST_OPSET && target <= NEWEST_OPSET)) throw new Error(`no upgrade to opset ${target}`)
  const from = standardOpset(model)
  if (from === null || from >= target) return model
  if (from < OLDEST_OPSET) {
    const message = `the model is written in opset ${from} of ai.onnx; versions from ${OLDEST_OPSET} on are read`
    onProblem({ where: model.graph.name, op: null, message })
    return model
  }
  const names = new Names(model.graph)
  const graph = upgradeGraph(model.graph, { model, from, target, names, onProblem }, new Map())
  const opsets = new Map([...model.opsets].map(([domain, version]) => [domain, isStandard(domain) ? target : version]))
  const upgraded: Model = { ...model, opsets, graph }
  return { ...upgraded, irVersion: irVersionFor(upgraded) }
}

interface Upgrade {
  readonly model: Model
  readonly from: number
  readonly target: number
  readonly names: Names
  readonly onProblem: OnProblem
}

function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}

function upgradeGraph(graph: Graph, upgrade: Upgrade, outer: ShapeMap): Graph {
  const { from, target, model, names, onProblem } = upgrade
  // contradictions are not the upgrade's business: a node that needs a shape it cannot have is refused by its adapter
  const facts = inferGraph(graph, model.opsets, outer, { onProblem: () => {} })
  const known: ShapeMap = new Map([...outer, ...facts])
  const scope = new Scope(graph, from, known, names, onProblem)
  graph.nodes.forEach((node) => checkExists(node, upgrade))
  let nodes: readonly Node[] = graph.nodes
  for (let version = from + 1; version <= target; version++) {
    nodes = nodes.flatMap((node) => adapterAt(node, version)?.(node, scope) ?? [node])
  }
  nodes = nodes.map((node) => withUpgradedBodies(node, upgrade, known))
  return { ...graph, nodes, initializers: scope.initializersFor(nodes) }
}

function adapterAt(node: Node, version: number): Adapter | undefined {
  return isStandard(node.domain) ? OP_HISTORY.get(node.opType)?.adapters.get(version) : undefined
}

/** Tells of a node that its operator is not of the version the model claims. */
function checkExists(node: Node, { from, onProblem }: Upgrade): void {
  if (!isStandard(node.domain)) return
  const history = OP_HISTORY.get(node.opType)
  const first = history?.versions[0] ?? Infinity
  if (history !== undefined && first <= from && (history.goneAt === null || from < history.goneAt)) return
  const message =
    history === undefined
      ? `${node.opType} is no operator of ai.onnx`
      : `${node.opType} does not exist in opset ${from}, which the model is written in: ${first <= from ? `it is gone from ${history.goneAt} on` : `it came with ${first}`}`
  onProblem({ where: placeOf(node), op: node.opType, message })
}

function withUpgradedBodies(node: Node, upgrade: Upgrade, outer: ShapeMap): Node {
  const bodies: Record<string, Attribute> = {}
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind === 'graph')
      bodies[name] = { kind: 'graph', value: upgradeGraph(attribute.value, upgrade, outer) }
    if (attribute.kind === 'graphs') {
      bodies[name] = { kind: 'graphs', value: attribute.value.map((body) => upgradeGraph(body, upgrade, outer)) }
    }
  }
  return Object.keys(bodies).length === 0 ? node : changed(node, { attributes: bodies })
}
