import type { LayerInfo } from '../../shared/contract/model.ts'
import { int } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import type { Model, Node, ValueInfo } from '../graph/model.ts'
import { floatTensor, int64Tensor } from '../graph/tensors.ts'
import { capturedBy, consumersOf, renameReads } from '../graph/traversal.ts'
import type { ExportedPair } from '../quant/quantize.ts'
import { cutVariant, type Suffix } from './cuts.ts'
import { ValueNumbers } from './values.ts'

/** A layer with the model in which it alone is quantized. */
export interface ScanVariant {
  readonly layer: LayerInfo
  readonly model: Model
  /** the pair on its output, null where it has none (dynamic, weight-only, refused) */
  readonly pair: ExportedPair | null
}

/** What one run of the instrumented model says of a layer: sums over all elements of the batch. */
export interface ScanSums {
  /** Σ y² of the layer's float output */
  readonly signal: number
  /** Σ (y − ŷ)², ŷ computed from quantized input and weights */
  readonly noise: number
  /** Σ (y − clip(y))² for the range of the output's pair; NaN without one */
  readonly clipping: number
  /** Σ (clip(y) − round(clip(y)))² */
  readonly rounding: number
}

/** Numbers of one layer in the output of the instrumented model. */
export const SCAN_COLUMNS = 4
/** The instrumented model's only output, float32 `[layers · SCAN_COLUMNS]`. */
export const SCAN_OUTPUT = 'quantbench/scan'

export interface ScanModel {
  readonly model: Model
  /** layers in the order of the output */
  readonly layers: readonly string[]
}

/**
 * The float model with, beside each layer, the layer's quantized copy fed by float inputs, and sums of their difference as the only
 * output: two layers are computed where there was one, so that a pass costs about two forward passes however many layers there are.
 * @param base the float model that the variants were made from
 */
export function instrumentLayers(base: Model, variants: readonly ScanVariant[]): ScanModel {
  const writer = new ScanWriter(base)
  for (const variant of variants) writer.add(variant)
  return writer.finish()
}

/** Reads a run's output. */
export function scanSums(values: ArrayLike<number>): ScanSums[] {
  return Array.from({ length: values.length / SCAN_COLUMNS }, (_, i) => {
    const at = i * SCAN_COLUMNS
    return { signal: values[at]!, noise: values[at + 1]!, clipping: values[at + 2]!, rounding: values[at + 3]! }
  })
}

class ScanWriter {
  readonly #base: Model
  readonly #draft: Draft
  readonly #numbers = new ValueNumbers()
  readonly #numbered: ReturnType<ValueNumbers['number']>
  readonly #readers: ReadonlyMap<string, readonly Node[]>
  readonly #cuttable: ReadonlyMap<string, ValueInfo>
  readonly #layers: string[] = []
  readonly #sums: string[] = []
  readonly #one: string
  readonly #unknown: string

  constructor(base: Model) {
    this.#base = base
    this.#draft = new Draft(base)
    this.#numbered = this.#numbers.number(base)
    this.#readers = consumersOf(base.graph)
    const names = [...base.graph.inputs.map(({ name }) => name), ...base.graph.nodes.flatMap((node) => node.outputs)]
    this.#cuttable = new Map(names.map((name) => [name, { name, dataType: null, shape: null }]))
    this.#one = this.#draft.addInitializer(int64Tensor('scan/one', [1], [1]))
    this.#unknown = this.#draft.addInitializer(floatTensor('scan/unknown', [1], [NaN]))
  }

  add({ layer, model, pair }: ScanVariant): void {
    const output = layer.outputs[0]!
    const stand = this.#standIn(output, model)
    if (stand === null) return
    const suffix = cutVariant(
      this.#numbered,
      this.#numbers.fork().number({ ...model, graph: { ...model.graph, outputs: [valueInfo(stand)] } }),
      this.#cuttable,
    )
    const copy = this.#copy(suffix, stand, `scan/${this.#layers.length}`)
    this.#layers.push(layer.id)
    this.#sums.push(this.#sumSquares(output), this.#difference(output, copy))
    if (pair === null || pair.params.scale.length !== 1) this.#sums.push(this.#unknown, this.#unknown)
    else this.#sums.push(...this.#activationErrors(output, pair))
  }

  /** The tensor of the variant that stands where the layer's output stood: what its readers read now. */
  #standIn(output: string, variant: Model): string | null {
    const reader = this.#readers.get(output)?.[0]
    if (!reader) return this.#base.graph.outputs.some(({ name }) => name === output) ? output : null
    const own = variant.graph.nodes.find((node) => node.name === reader.name)
    const index = reader.inputs.indexOf(output)
    return own?.inputs[index] ?? null
  }

  /** Adds a suffix's nodes and constants under names of their own; gives the name of its output. */
  #copy({ model, frontier }: Suffix, output: string, prefix: string): string {
    const names = new Map(frontier.map(({ input, tensor }) => [input, tensor]))
    for (const [name, tensor] of model.graph.initializers)
      names.set(name, this.#draft.addInitializer({ ...tensor, name: `${prefix}/${name}` }))
    for (const node of model.graph.nodes)
      for (const name of node.outputs)
        if (name !== '') names.set(name, this.#draft.freshTensorName(`${prefix}/${name}`))
    for (const node of model.graph.nodes) {
      const renamed = renameReads(node, names)
      this.#draft.addNode({
        ...renamed,
        name: `${prefix}/${node.name}`,
        outputs: node.outputs.map((name) => names.get(name) ?? name),
      })
    }
    return names.get(output)!
  }

  #activationErrors(tensor: string, { params }: ExportedPair): [string, string] {
    const scale = params.scale[0]!
    const zeroPoint = params.zeroPoint[0]!
    const bound = (q: number): string => this.#constant((q - zeroPoint) * scale)
    const clipped = this.#op('Clip', [tensor, bound(params.qmin), bound(params.qmax)])
    const step = this.#constant(scale)
    const rounded = this.#op('Mul', [this.#op('Round', [this.#op('Div', [clipped, step])]), step])
    return [this.#difference(tensor, clipped), this.#difference(clipped, rounded)]
  }

  #difference(a: string, b: string): string {
    return this.#sumSquares(this.#op('Sub', [a, b]))
  }

  /** Σ x² over everything, shape [1]. */
  #sumSquares(tensor: string): string {
    const sum = this.#op('ReduceSumSquare', [tensor], [['keepdims', int(0)]])
    return this.#op('Reshape', [sum, this.#one])
  }

  #constant(value: number): string {
    return this.#draft.addInitializer(floatTensor('scan/constant', [], [value]))
  }

  #op(opType: string, inputs: readonly string[], attributes: [string, ReturnType<typeof int>][] = []): string {
    const output = this.#draft.freshTensorName(`scan/${opType}`)
    this.#draft.addNode({ name: output, opType, inputs, outputs: [output], attributes })
    return output
  }

  finish(): ScanModel {
    const draft = this.#draft
    draft.addNode({
      name: SCAN_OUTPUT,
      opType: 'Concat',
      inputs: this.#sums,
      outputs: [SCAN_OUTPUT],
      attributes: [['axis', int(0)]],
    })
    draft.outputs = [{ name: SCAN_OUTPUT, dataType: 'float', shape: [this.#sums.length] }]
    draft.nodes = reaching(draft.nodes, SCAN_OUTPUT)
    return { model: draft.finish(), layers: this.#layers }
  }
}

const valueInfo = (name: string): ValueInfo => ({ name, dataType: null, shape: null })

/** The nodes that a tensor depends on. */
function reaching(nodes: readonly Node[], output: string): Node[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const needed = new Set<Node>()
  const waiting = [output]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = producers.get(name)
    if (!node || needed.has(node)) continue
    needed.add(node)
    waiting.push(...node.inputs.filter((input) => input !== ''), ...capturedBy(node))
  }
  return nodes.filter((node) => needed.has(node))
}
