import type { Model } from '../graph/model.ts'
import { dataInputIndices, operatorOf } from './operators.ts'
import type { ResolvedLayer } from './setup.ts'
import { topologyOf, type Topology } from './topology.ts'

/**
 * Ids of the arithmetic layers that are worth integers: those fed by an integer layer whose results reach a weighted
 * integer layer, both through arithmetic and movement only. An addition between two convolutions is one; the box decoding
 * or the Softmax behind a detector's last convolution is not: there integers would cost accuracy and save nothing.
 */
export function integerByDefault(model: Model, layers: readonly ResolvedLayer[]): ReadonlySet<string> {
  const region = new Region(topologyOf(model), layers)
  for (let changed = true; changed;) {
    changed = false
    for (const id of region.candidates) {
      if (region.isFed(id) && region.reachesWeights(id)) continue
      region.candidates.delete(id)
      changed = true
    }
  }
  return region.candidates
}

class Region {
  readonly candidates = new Set<string>()
  readonly #topology: Topology
  readonly #layerOfNode = new Map<string, ResolvedLayer>()
  readonly #layers = new Map<string, ResolvedLayer>()

  constructor(topology: Topology, layers: readonly ResolvedLayer[]) {
    this.#topology = topology
    for (const entry of layers) {
      this.#layers.set(entry.layer.id, entry)
      for (const node of entry.layer.nodes) this.#layerOfNode.set(node, entry)
      if (entry.layer.role === 'arithmetic' && entry.decision.kind === 'quantized') this.candidates.add(entry.layer.id)
    }
  }

  /** True when a data input comes from an integer layer, directly or through movement. */
  isFed(id: string): boolean {
    return this.#layers.get(id)!.layer.inputs.some((tensor) => this.#comesFromInteger(tensor))
  }

  #comesFromInteger(tensor: string): boolean {
    const producer = this.#topology.producers.get(tensor)
    const entry = producer && this.#layerOfNode.get(producer.name)
    if (!entry || entry.decision.kind === 'float') return false
    if (entry.layer.role === 'weighted') return entry.decision.mode === 'static'
    if (entry.layer.role === 'arithmetic') return this.candidates.has(entry.layer.id)
    return entry.layer.role === 'movement' && this.#comesFromInteger(producer.inputs[0] ?? '')
  }

  /** True when an output reaches a weighted integer layer through candidates and movement. */
  reachesWeights(id: string, seen = new Set<string>()): boolean {
    seen.add(id)
    return this.#layers.get(id)!.layer.outputs.some((tensor) => this.#leadsToWeights(tensor, seen))
  }

  #leadsToWeights(tensor: string, seen: Set<string>): boolean {
    return (this.#topology.consumers.get(tensor) ?? []).some((node) => {
      const entry = this.#layerOfNode.get(node.name)
      const row = operatorOf(node)
      if (!entry || entry.decision.kind === 'float' || !row) return false
      if (!dataInputIndices(node, row).some((i) => node.inputs[i] === tensor)) return false
      if (entry.layer.role === 'weighted') return entry.decision.mode === 'static'
      if (seen.has(entry.layer.id)) return false
      if (entry.layer.role === 'arithmetic')
        return this.candidates.has(entry.layer.id) && this.reachesWeights(entry.layer.id, seen)
      if (entry.layer.role !== 'movement') return false
      seen.add(entry.layer.id)
      return node.outputs.some((output) => output !== '' && this.#leadsToWeights(output, seen))
    })
  }
}
