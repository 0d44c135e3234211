import type { ActivationScheme } from '../../shared/contract/plan.ts'
import type { Model, Node } from '../graph/model.ts'
import { dataInputIndices, isFoldableActivation, operatorOf, padValue, type Interval } from './operators.ts'
import type { ActivationContainer } from './scheme.ts'
import type { QuantizedLayer, ResolvedPlan } from './setup.ts'
import { topologyOf, type Topology } from './topology.ts'
import { weightSiteOf, type WeightSite } from './weight-site.ts'

/** A QuantizeLinear/DequantizeLinear pair on a tensor of the prepared graph, before its scale is known. */
export interface TensorPair {
  readonly tensor: string
  /** layer whose scheme it has */
  readonly layerId: string
  readonly scheme: ActivationScheme
  readonly container: ActivationContainer
  /** tensor whose parameters it shares because data only moves between them; null when it has its own range */
  readonly like: string | null
  /** what its values can be at all: the range is cut to this */
  readonly interval: Interval
  /** a Clip writes it; its bounds must show in the integers for the runtime to fuse it */
  readonly clipped: boolean
}

/** A float constant that an arithmetic layer reads: quantized per-tensor with the layer's activation scheme. */
export interface ConstantSite {
  readonly layerId: string
  readonly node: string
  readonly inputIndex: number
  readonly tensor: string
  readonly scheme: ActivationScheme
  readonly container: ActivationContainer
}

/** Where the static mode puts what: a value, made before any node changes. */
export interface QuantSetup {
  readonly pairs: ReadonlyMap<string, TensorPair>
  readonly weights: readonly WeightSite[]
  readonly constants: readonly ConstantSite[]
  /** Pad nodes that move integers, between the Q of their input and the DQ of their output */
  readonly pads: ReadonlySet<string>
  /** layer id → why it stays in float though the plan quantizes it */
  readonly refused: ReadonlyMap<string, string>
  /** layer id → sentences */
  readonly warnings: ReadonlyMap<string, readonly string[]>
}

/**
 * Decides where pairs, integer weights and biases go.
 *
 * - A quantized layer has a pair on each activation input and on its output, after the fused activation; a tensor has at
 *   most one. The scheme is that of the layer that writes the tensor, or, where that is float or a graph input, of its
 *   readers (the widest wins, with a warning).
 * - Movement passes its input's parameters on, so that it moves integers.
 * - All activations of up to 8 bits are uint8, symmetric ones with their zero point at 128: the kernels take no mixture of
 *   int8 and uint8, and on x86 int8 stays in float wherever a tensor has two readers (m).
 * @param refused layers to leave in float, with the reason, beside those found here
 * Source: DESIGN section 5, "Plan" and "Placement".
 */
export function placeQuantization(
  model: Model,
  resolved: ResolvedPlan,
  refused: ReadonlyMap<string, string> = new Map(),
): QuantSetup {
  return new Placement(model, resolved, refused).setup()
}

/** The container of a scheme's activations. */
function containerOf({ bits, symmetric }: ActivationScheme): ActivationContainer {
  return bits <= 8 ? 'uint8' : symmetric ? 'int16' : 'uint16'
}

/** Source: ONNX Runtime, qdq_propagation.cc, CanNodePropagate. */
const shiftedByRuntime: ReadonlySet<string> = new Set([
  'MaxPool',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Slice',
])

type Scheme = Pick<TensorPair, 'layerId' | 'scheme'>

class Placement {
  readonly #topology: Topology
  readonly #nodes: ReadonlyMap<string, Node>
  readonly #layers: readonly QuantizedLayer[]
  readonly #refused: Map<string, string>
  readonly #sites: WeightSite[] = []
  readonly #layerOfNode = new Map<string, QuantizedLayer>()
  /** tensor → scheme of the layer that writes it */
  readonly #written = new Map<string, Scheme>()
  /** tensor → schemes of the layers that read it */
  readonly #read = new Map<string, Scheme[]>()
  readonly #pairs = new Map<string, TensorPair>()
  readonly #warnings = new Map<string, string[]>()

  constructor(model: Model, resolved: ResolvedPlan, refused: ReadonlyMap<string, string>) {
    this.#topology = topologyOf(model)
    this.#nodes = new Map(model.graph.nodes.map((node) => [node.name, node]))
    this.#refused = new Map(refused)
    this.#layers = resolved.layers.flatMap(({ layer, decision }) =>
      decision.kind === 'quantized' && decision.mode === 'static' && !this.#refuses(layer.id)
        ? [{ layer, decision }]
        : [],
    )
    this.#findWeights(model)
    for (const entry of this.#active()) for (const node of entry.layer.nodes) this.#layerOfNode.set(node, entry)
  }

  setup(): QuantSetup {
    for (const entry of this.#active()) if (entry.layer.role !== 'movement') this.#claim(entry)
    for (const tensor of [...this.#written.keys(), ...this.#read.keys()]) this.#pair(tensor)
    this.#carryOn()
    return {
      pairs: this.#pairs,
      weights: this.#sites,
      constants: this.#active().flatMap((entry) => this.#constantsOf(entry)),
      pads: this.#integerPads(),
      refused: this.#refused,
      warnings: this.#warnings,
    }
  }

  #refuses(id: string): boolean {
    return this.#refused.has(id)
  }

  #active(): QuantizedLayer[] {
    return this.#layers.filter(({ layer }) => !this.#refuses(layer.id))
  }

  #findWeights(model: Model): void {
    for (const entry of this.#layers) {
      if (entry.layer.role !== 'weighted') continue
      const site = weightSiteOf(entry, model)
      if (typeof site === 'string') this.#refused.set(entry.layer.id, site)
      else this.#sites.push(site)
    }
  }

  /** Notes which tensors a computing layer writes and reads, and with which scheme. */
  #claim(entry: QuantizedLayer): void {
    const claim: Scheme = { layerId: entry.layer.id, scheme: entry.decision.activations }
    for (const output of entry.layer.outputs) this.#written.set(output, claim)
    for (const inner of this.#innerPairs(entry)) this.#written.set(inner, claim)
    for (const input of this.#activationInputs(entry)) {
      const readers = this.#read.get(input)
      if (readers) readers.push(claim)
      else this.#read.set(input, [claim])
    }
  }

  /** Tensors a layer computes on, without constants and its own. */
  #activationInputs({ layer }: QuantizedLayer): string[] {
    const main = this.#nodesOf(layer.nodes)[0]
    const row = main && operatorOf(main)
    if (!main || !row) return []
    const names = dataInputIndices(main, row).map((i) => main.inputs[i]!)
    return [...new Set(names)].filter((name) => !this.#topology.graph.initializers.has(name))
  }

  /** Tensors between the nodes of a layer that need a pair: what an activation reads that the runtime cannot fuse. */
  #innerPairs({ layer }: QuantizedLayer): string[] {
    const nodes = this.#nodesOf(layer.nodes)
    return nodes.slice(1).flatMap((node, i) => {
      const before = nodes[i]!
      const isBias = before.opType === 'MatMul' && node.opType === 'Add'
      return isBias || isFoldableActivation(node, this.#topology.graph)
        ? []
        : before.outputs.filter((name) => node.inputs.includes(name))
    })
  }

  #nodesOf(names: readonly string[]): Node[] {
    return names.flatMap((name) => this.#nodes.get(name) ?? [])
  }

  /** Gives a tensor its pair, following movement back to where its parameters come from. Undefined: it has none. */
  #pair(tensor: string): TensorPair {
    const known = this.#pairs.get(tensor)
    if (known) return known
    const source = this.#movedFrom(tensor)
    const root =
      source === null
        ? null
        : (this.#pairIfAny(source) ?? (this.#isHoisted(tensor, source) ? this.#pair(source) : null))
    const pair =
      root && this.#canMove(tensor, root) ? { ...root, tensor, like: root.like ?? root.tensor } : this.#ownPair(tensor)
    this.#pairs.set(tensor, pair)
    return pair
  }

  /** The pair of a tensor that has or will get one: written or read by an integer layer, or moved from one that is. */
  #pairIfAny(tensor: string): TensorPair | null {
    if (this.#pairs.has(tensor) || this.#written.has(tensor) || this.#read.has(tensor)) return this.#pair(tensor)
    const source = this.#movedFrom(tensor)
    return source !== null && this.#pairIfAny(source) ? this.#pair(tensor) : null
  }

  /** The tensor a movement layer made this one from; null when something else made it. */
  #movedFrom(tensor: string): string | null {
    const producer = this.#topology.producers.get(tensor)
    if (!producer || this.#layerOfNode.get(producer.name)?.layer.role !== 'movement') return null
    if (producer.opType === 'Pad' && padValue(producer, this.#topology.graph) === null) return null
    return producer.inputs[0] ?? null
  }

  /**
   * True when the pair of a moved tensor goes ahead of the movement, which is then computed in integers. ONNX Runtime shifts
   * it there by itself; in the file it is so wherever nothing else reads the source.
   */
  #isHoisted(tensor: string, source: string): boolean {
    const { producers, consumers, outputs, captured } = this.#topology
    if (!shiftedByRuntime.has(producers.get(tensor)!.opType)) return false
    return consumers.get(source)?.length === 1 && !outputs.has(source) && !captured.has(source)
  }

  /** ONNX Runtime pads no 16-bit integers (m). */
  #canMove(tensor: string, { container }: TensorPair): boolean {
    return container === 'uint8' || this.#topology.producers.get(tensor)?.opType !== 'Pad'
  }

  #ownPair(tensor: string): TensorPair {
    const own = this.#forOutput(tensor, this.#written.get(tensor) ?? this.#widestOf(tensor, this.#readersOf(tensor)))
    return {
      tensor,
      ...own,
      container: containerOf(own.scheme),
      like: null,
      interval: this.#topology.intervalOf(tensor),
      clipped: this.#topology.producers.get(tensor)?.opType === 'Clip',
    }
  }

  /** What only leaves the model has at least 8 bits: nothing computes on it, and sixteen levels would tie the best classes. */
  #forOutput(tensor: string, own: Scheme): Scheme {
    if (own.scheme.bits >= 8 || !this.#topology.outputs.has(tensor) || this.#readersOf(tensor).length > 0) return own
    return { ...own, scheme: { ...own.scheme, bits: 8 } }
  }

  /** Schemes of the integer layers that read a tensor, directly or through movement. */
  #readersOf(tensor: string): Scheme[] {
    const direct = this.#read.get(tensor) ?? []
    const moved = (this.#topology.consumers.get(tensor) ?? []).flatMap((node) => {
      const moves = this.#layerOfNode.get(node.name)?.layer.role === 'movement' && node.inputs[0] === tensor
      return moves ? node.outputs.flatMap((output) => this.#readersOf(output)) : []
    })
    return [...direct, ...moved]
  }

  #widestOf(tensor: string, schemes: readonly Scheme[]): Scheme {
    const [first] = schemes
    if (!first) throw new Error(`${tensor} has a pair, but no integer layer reads it`)
    const width = ({ scheme }: Scheme): number => scheme.bits * 2 + (scheme.symmetric ? 0 : 1)
    const widest = schemes.reduce((best, scheme) => (width(scheme) > width(best) ? scheme : best), first)
    if (schemes.some((scheme) => JSON.stringify(scheme.scheme) !== JSON.stringify(widest.scheme))) {
      this.#warn(
        widest.layerId,
        `The tensor "${tensor}" is read by layers with different activation schemes; it has that of "${widest.layerId}" (${widest.scheme.bits} bits, ${widest.scheme.symmetric ? 'symmetric' : 'affine'}, ${widest.scheme.calibrator.method}).`,
      )
    }
    return widest
  }

  #warn(layerId: string, message: string): void {
    this.#warnings.set(layerId, [...(this.#warnings.get(layerId) ?? []), message])
  }

  /** Pairs on all that movement makes of paired tensors, so that it moves integers whoever reads the result. */
  #carryOn(): void {
    for (const node of this.#topology.graph.nodes) {
      for (const output of node.outputs) {
        const source = output === '' ? null : this.#movedFrom(output)
        const root = source === null ? undefined : this.#pairs.get(source)
        if (root && this.#canMove(output, root)) this.#pair(output)
      }
    }
  }

  #constantsOf({ layer, decision }: QuantizedLayer): ConstantSite[] {
    if (layer.role !== 'arithmetic') return []
    const [main] = this.#nodesOf(layer.nodes)
    const row = main && operatorOf(main)
    if (!main || !row) return []
    const constants = dataInputIndices(main, row).filter((i) => this.#topology.graph.initializers.has(main.inputs[i]!))
    const container = containerOf(decision.activations)
    return constants.map((inputIndex) => ({
      layerId: layer.id,
      node: main.name,
      inputIndex,
      tensor: main.inputs[inputIndex]!,
      scheme: decision.activations,
      container,
    }))
  }

  #integerPads(): Set<string> {
    const pads = this.#topology.graph.nodes.filter(
      (node) => node.opType === 'Pad' && this.#pairs.get(node.outputs[0]!)?.like,
    )
    return new Set(pads.map((node) => node.name))
  }
}
