import type { Graph, Model, Node } from '../graph/model.ts'
import { capturedBy, consumersOf, producersOf } from '../graph/traversal.ts'
import { everything, outputInterval, type Interval } from './operators.ts'
import { float32Of } from '../graph/tensors.ts'

/** What placement asks of a graph: who writes and reads a tensor, and what values it can have. */
export interface Topology {
  readonly graph: Graph
  readonly producers: ReadonlyMap<string, Node>
  readonly consumers: ReadonlyMap<string, readonly Node[]>
  readonly outputs: ReadonlySet<string>
  readonly inputs: ReadonlySet<string>
  /** tensors that subgraphs (If, Loop, Scan) read from outside */
  readonly captured: ReadonlySet<string>
  /** interval the tensor's values lie in, from the ops that make it */
  intervalOf(tensor: string): Interval
}

/** Models are values: what was found of one holds as long as it lives. A plan that is edited asks at every toggle. */
const known = new WeakMap<Model, Topology>()

/** The topology of a model's main graph; nodes must carry unique names (see `assignIds`). */
export function topologyOf(model: Model): Topology {
  const found = known.get(model) ?? readTopology(model)
  known.set(model, found)
  return found
}

function readTopology({ graph }: Model): Topology {
  const producers = producersOf(graph)
  const intervals = new Map<string, Interval>()
  // nodes are in topological order, so that every input's interval is known when its reader comes
  for (const node of graph.nodes) {
    const interval = outputInterval(node, graph, (tensor) => intervals.get(tensor) ?? constantInterval(graph, tensor))
    if (interval !== everything) for (const output of node.outputs) intervals.set(output, interval)
  }
  return {
    graph,
    producers,
    consumers: consumersOf(graph),
    outputs: new Set(graph.outputs.map((output) => output.name)),
    inputs: new Set(graph.inputs.map((input) => input.name).filter((name) => !graph.initializers.has(name))),
    captured: new Set(graph.nodes.flatMap((node) => [...capturedBy(node)])),
    intervalOf: (tensor) => intervals.get(tensor) ?? everything,
  }
}

/** The interval of a float constant; any for what is no constant. */
function constantInterval(graph: Graph, name: string): Interval {
  const tensor = graph.initializers.get(name)
  if (tensor?.dataType !== 'float') return everything
  let low = Infinity
  let high = -Infinity
  for (const value of float32Of(tensor)) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return low <= high ? { low, high } : everything
}
