import type { Attribute, Model, Node, Tensor } from '../graph/model.ts'
import { int } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import { float32Of, floatTensor, int32Tensor } from '../graph/tensors.ts'
import { quantize } from './affine.ts'
import { constantParams, needsIntegerClip } from './activation-params.ts'
import type { LayerWeights } from './layer-weights.ts'
import { clipInterval, padValue } from './operators.ts'
import { packIntegers } from './pack.ts'
import type { QuantParams } from './params.ts'
import type { ConstantSite, QuantSetup } from './placement.ts'
import type { ActivationContainer } from './scheme.ts'
import { topologyOf, type Topology } from './topology.ts'
import { weightTensors } from './weights.ts'

/** What insertion works from: where pairs go, with which parameters, and the integer weights. */
export interface InsertionInput {
  readonly model: Model
  readonly setup: QuantSetup
  readonly params: ReadonlyMap<string, QuantParams>
  readonly weights: readonly LayerWeights[]
  /** MatMul layers of two-dimensional input, which become a Gemm so that their bias can be an integer */
  readonly matMulsAsGemm: ReadonlySet<string>
  /** computes the bias scales in the graph instead of storing them (see `wantsCompactConstants`) */
  readonly compact?: boolean
}

/** The model with pairs, and the names insertion gave. */
export interface Insertion {
  readonly model: Model
  /** paired tensor → name of its integers in the new model */
  readonly quantizedNames: ReadonlyMap<string, string>
}

/**
 * Writes a setup into the graph: QuantizeLinear/DequantizeLinear pairs, integer weights and biases behind a
 * DequantizeLinear, an integer Clip inside the pairs of fewer bits than their container. Names of nodes, graph inputs and
 * outputs stay; a paired tensor `t` gives `t_q` (integers) and `t_dq` (what its readers get).
 * Source: ONNX QuantizeLinear-13/21, DequantizeLinear-13/21, Clip-13.
 */
export function insertPairs(input: InsertionInput): Insertion {
  return new Inserter(input).run()
}

/** Names of one paired tensor in the new graph. */
interface PairNames {
  /** float values as their producer writes them */
  readonly raw: string
  /** integers that readers of integers (Pad) take */
  readonly integers: string
  /** float values that all other readers take */
  readonly dequantized: string
}

class Inserter {
  readonly #input: InsertionInput
  readonly #draft: Draft
  readonly #topology: Topology
  readonly #names = new Map<string, PairNames>()
  readonly #quantizedNames = new Map<string, string>()
  /** constants that are written once: zero points, scales of tensors that share them, shared weights */
  readonly #shared = new Map<string, string>()

  constructor(input: InsertionInput) {
    this.#input = input
    this.#draft = new Draft(input.model)
    this.#topology = topologyOf(input.model)
  }

  run(): Insertion {
    for (const tensor of this.#input.setup.pairs.keys()) this.#addPair(tensor)
    this.#dropClips()
    this.#draft.nodes = this.#draft.nodes.map((node) => (this.#isNew(node) ? node : this.#rewire(node)))
    for (const constant of this.#input.setup.constants) this.#replaceConstant(constant)
    for (const layer of this.#input.weights) this.#replaceWeights(layer)
    this.#dropUnreadDequantizers()
    return { model: this.#draft.finish(), quantizedNames: this.#quantizedNames }
  }

  readonly #added = new Set<string>()

  #isNew(node: Node): boolean {
    return this.#added.has(node.name)
  }

  #add(spec: {
    name: string
    opType: string
    inputs: readonly string[]
    outputs: readonly string[]
    attributes?: Iterable<readonly [string, Attribute]>
  }): void {
    this.#added.add(this.#draft.addNode(spec).name)
  }

  #paramsOf(tensor: string): QuantParams {
    return this.#input.params.get(tensor)!
  }

  #containerOf(tensor: string): ActivationContainer {
    return this.#input.setup.pairs.get(tensor)!.container
  }

  #addPair(tensor: string): void {
    const [scale, zeroPoint] = this.#scaleAndZeroPoint(tensor)
    // a name that the outside knows must stay on the float values that leave
    const isVisible =
      !this.#topology.inputs.has(tensor) && (this.#topology.outputs.has(tensor) || this.#topology.captured.has(tensor))
    const raw = isVisible ? this.#draft.freshTensorName(`${tensor}_f`) : tensor
    const quantized = this.#draft.freshTensorName(`${tensor}_q`)
    const dequantized = isVisible ? tensor : this.#draft.freshTensorName(`${tensor}_dq`)
    if (!this.#isPadOutput(tensor)) {
      this.#add({
        name: `${tensor}_q`,
        opType: 'QuantizeLinear',
        inputs: [raw, scale, zeroPoint],
        outputs: [quantized],
      })
    }
    const shares = this.#input.setup.pairs.get(tensor)!.like !== null
    const integers =
      !shares && needsIntegerClip(this.#paramsOf(tensor), this.#containerOf(tensor))
        ? this.#addIntegerClip(tensor, quantized)
        : quantized
    this.#add({
      name: `${tensor}_dq`,
      opType: 'DequantizeLinear',
      inputs: [integers, scale, zeroPoint],
      outputs: [dequantized],
    })
    this.#names.set(tensor, { raw, integers, dequantized })
    this.#quantizedNames.set(tensor, quantized)
  }

  #isPadOutput(tensor: string): boolean {
    const producer = this.#topology.producers.get(tensor)
    return producer !== undefined && this.#input.setup.pads.has(producer.name)
  }

  /** Fewer bits than the container's: the bound is an integer Clip, which leaves the integer kernels around it in place (m). */
  #addIntegerClip(tensor: string, quantized: string): string {
    const container = this.#containerOf(tensor)
    const { qmin, qmax } = this.#paramsOf(tensor)
    const clipped = this.#draft.freshTensorName(`${tensor}_c`)
    const inputs = [quantized, this.#integer(container, qmin), this.#integer(container, qmax)]
    this.#add({ name: `${tensor}_c`, opType: 'Clip', inputs, outputs: [clipped] })
    return clipped
  }

  /** Names of the scale and zero point constants; tensors that share parameters share them. */
  #scaleAndZeroPoint(tensor: string): [string, string] {
    const root = this.#input.setup.pairs.get(tensor)!.like ?? tensor
    const params = this.#paramsOf(tensor)
    const scale = this.#once(`scale ${root}`, () => floatTensor(`${root}_s`, [], params.scale))
    return [scale, this.#integer(this.#containerOf(tensor), params.zeroPoint[0]!)]
  }

  /** Name of a scalar integer constant, one for all that need it. */
  #integer(container: ActivationContainer, value: number): string {
    const name = `${container}_${value}`.replace('-', 'm')
    return this.#once(name, () => packIntegers(name, container, [], Int32Array.of(value)))
  }

  #once(key: string, make: () => Tensor): string {
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const name = this.#draft.addInitializer(make())
    this.#shared.set(key, name)
    return name
  }

  /** Makes a node of the model read and write the new names. */
  #rewire(node: Node): Node {
    const movesIntegers = this.#input.setup.pads.has(node.name)
    const inputs = node.inputs.map((name, i) => {
      const names = this.#names.get(name)
      if (!names) return name
      return movesIntegers && i === 0 ? names.integers : names.dequantized
    })
    if (movesIntegers) return this.#rewirePad(node, inputs)
    return { ...node, inputs, outputs: node.outputs.map((name) => this.#names.get(name)?.raw ?? name) }
  }

  /** A Pad between Q and DQ fills with the integer of its value. */
  #rewirePad(node: Node, inputs: readonly string[]): Node {
    const tensor = node.outputs[0]!
    const value = padValue(node, this.#topology.graph) ?? 0
    const [fill] = quantize(Float32Array.of(value), this.#paramsOf(tensor))
    const padded = [inputs[0]!, inputs[1]!, this.#integer(this.#containerOf(tensor), fill!), ...inputs.slice(3)]
    return { ...node, inputs: padded, outputs: [this.#quantizedNames.get(tensor)!] }
  }

  /**
   * Removes a Clip before a pair whose integer Clip bounds the same values: with fewer bits than the container the runtime
   * no longer sees that the float Clip is redundant, and would keep its Conv in float.
   */
  #dropClips(): void {
    const dropped = new Map<string, string>()
    for (const node of this.#topology.graph.nodes) {
      if (node.opType !== 'Clip' || !this.#input.setup.pairs.has(node.outputs[0]!)) continue
      if (this.#isRedundant(node) && this.#canTakeOver(node.inputs[0]!)) dropped.set(node.name, node.inputs[0]!)
    }
    if (dropped.size === 0) return
    const replaced = new Map(
      this.#topology.graph.nodes.flatMap((node) =>
        dropped.has(node.name) ? [[dropped.get(node.name)!, node.outputs[0]!]] : [],
      ),
    )
    this.#draft.removeNodes(new Set(dropped.keys()))
    this.#draft.nodes = this.#draft.nodes.map((node) => ({
      ...node,
      outputs: node.outputs.map((name) => replaced.get(name) ?? name),
    }))
  }

  #canTakeOver(tensor: string): boolean {
    if (this.#input.setup.pairs.has(tensor)) return false
    return (
      this.#topology.consumers.get(tensor)?.length === 1 &&
      this.#topology.producers.has(tensor) &&
      !this.#topology.outputs.has(tensor)
    )
  }

  #isRedundant(clip: Node): boolean {
    const tensor = clip.outputs[0]!
    const params = this.#paramsOf(tensor)
    const interval = clipInterval(clip, this.#topology.graph)
    if (!interval || this.#input.setup.pairs.get(tensor)!.like !== null) return false
    if (!needsIntegerClip(params, this.#containerOf(tensor))) return false
    const bounds = { ...params, qmin: -(2 ** 20), qmax: 2 ** 20 }
    const [low, high] = quantize(Float32Array.of(interval.low, interval.high), bounds)
    return low! <= params.qmin && high! >= params.qmax
  }

  /** A tensor that only a Pad reads, in integers, needs no DQ. */
  #dropUnreadDequantizers(): void {
    const read = new Set([
      ...this.#draft.nodes.flatMap((node) => node.inputs),
      ...this.#topology.outputs,
      ...this.#topology.captured,
    ])
    const unread = this.#draft.nodes.filter(
      (node) => this.#isNew(node) && node.opType === 'DequantizeLinear' && !read.has(node.outputs[0]!),
    )
    this.#draft.removeNodes(new Set(unread.map((node) => node.name)))
  }

  #replaceConstant(site: ConstantSite): void {
    const tensor = this.#input.model.graph.initializers.get(site.tensor)!
    const values = float32Of(tensor)
    const params = constantParams(values, site)
    const key = `${site.tensor} ${site.container} ${site.scheme.bits} ${site.scheme.symmetric}`
    const integers = this.#once(`integers ${key}`, () =>
      packIntegers(`${site.tensor}_q`, site.container, tensor.dims, quantize(values, params)),
    )
    const scale = this.#once(`scale ${key}`, () => floatTensor(`${site.tensor}_s`, [], params.scale))
    const zeroPoint = this.#integer(site.container, params.zeroPoint[0]!)
    const output = this.#draft.freshTensorName(`${site.tensor}_dq`)
    this.#add({
      name: `${site.tensor}_dq`,
      opType: 'DequantizeLinear',
      inputs: [integers, scale, zeroPoint],
      outputs: [output],
    })
    this.#replaceInput(site.node, site.inputIndex, output)
  }

  #replaceInput(nodeName: string, index: number, tensor: string): void {
    const node = this.#node(nodeName)
    const inputs = [...node.inputs]
    while (inputs.length < index) inputs.push('')
    inputs[index] = tensor
    this.#draft.replaceNode(node, { ...node, inputs })
  }

  #node(name: string): Node {
    const node = this.#draft.nodes.find((candidate) => candidate.name === name)
    if (!node) throw new Error(`node ${name} is not in the draft`)
    return node
  }

  #replaceWeights(layer: LayerWeights): void {
    const { site } = layer
    this.#replaceInput(site.node, site.weightIndex, this.#addWeights(layer))
    if (this.#node(site.node).opType === 'Gemm') this.#clearFactors(site.node)
    if (!layer.bias || !site.bias) return
    if (site.bias.addNode === null) return this.#replaceInput(site.node, 2, this.#addBias(layer))
    if (!this.#input.matMulsAsGemm.has(site.layerId)) return
    this.#mergeAdd(site.node, site.bias.addNode)
    this.#replaceInput(site.node, 2, this.#addBias(layer))
  }

  #addWeights({ site, weights }: LayerWeights): string {
    const tensors = weightTensors(site.weightName, weights, site.scheme.storage)
    const key = `${site.weightName} ${JSON.stringify(site.scheme)} ${weights.params.scale.join()}`
    const values = this.#onceEqual(`weights ${key}`, tensors.values)
    const scale = this.#onceEqual(`weights scale ${key}`, tensors.scale)
    const zeroPoint = this.#weightZeroPoint(tensors.zeroPoint)
    const output = this.#draft.freshTensorName(`${site.weightName}_dq`)
    const { axis, blockSize } = weights.params
    const attributes: [string, Attribute][] = axis === null ? [] : [['axis', int(axis)]]
    if (blockSize !== undefined) attributes.push(['block_size', int(blockSize)])
    this.#add({
      name: `${site.weightName}_dq`,
      opType: 'DequantizeLinear',
      inputs: [values, scale, zeroPoint],
      outputs: [output],
      attributes,
    })
    return output
  }

  /**
   * Zero points of all channels; those that are 0 are shared by all layers of as many channels. They are written although
   * ONNX lets them be absent: without them the runtime leaves a Gemm in float (m).
   */
  #weightZeroPoint(tensor: Tensor): string {
    if (tensor.data.some((byte) => byte !== 0)) return this.#draft.addInitializer(tensor)
    const name = [tensor.dataType, 'zeros', ...tensor.dims].join('_')
    return this.#once(name, () => ({ ...tensor, name }))
  }

  /** As `#once`, for constants whose content a handed-in quantizer may make differ under one key. */
  #onceEqual(key: string, tensor: Tensor): string {
    const known = this.#shared.get(key)
    const existing = known === undefined ? undefined : this.#draft.initializers.get(known)
    if (
      existing &&
      existing.data.length === tensor.data.length &&
      existing.data.every((byte, i) => byte === tensor.data[i])
    )
      return known!
    const name = this.#draft.addInitializer(tensor)
    this.#shared.set(key, name)
    return name
  }

  #addBias(layer: LayerWeights): string {
    const { site } = layer
    const { values, scale } = layer.bias!
    const { name } = site.bias!
    const isScalar = scale.length === 1
    const integers = this.#draft.addInitializer(int32Tensor(`${name}_q`, [values.length], values))
    const scaleName = this.#input.compact
      ? this.#multipliedScale(layer)
      : this.#draft.addInitializer(floatTensor(`${name}_s`, isScalar ? [] : [scale.length], scale))
    const output = this.#draft.freshTensorName(`${name}_dq`)
    const attributes: [string, Attribute][] = isScalar ? [] : [['axis', int(0)]]
    // no zero point: int32 has none but 0
    this.#add({
      name: `${name}_dq`,
      opType: 'DequantizeLinear',
      inputs: [integers, scaleName],
      outputs: [output],
      attributes,
    })
    return output
  }

  /** s_x · s_w as a product of the constants that are in the file anyway; runtimes fold it when they load the model. */
  #multipliedScale({ site }: LayerWeights): string {
    const dequantizer = this.#draft.nodes.find(
      (node) => node.outputs[0] === this.#node(site.node).inputs[site.weightIndex],
    )!
    const [inputScale] = this.#scaleAndZeroPoint(site.inputTensor)
    const output = this.#draft.freshTensorName(`${site.bias!.name}_s`)
    this.#add({ name: output, opType: 'Mul', inputs: [inputScale, dequantizer.inputs[1]!], outputs: [output] })
    return output
  }

  /** alpha and beta are multiplied into the integers' real values. */
  #clearFactors(nodeName: string): void {
    const node = this.#node(nodeName)
    const attributes = new Map([...node.attributes].filter(([name]) => name !== 'alpha' && name !== 'beta'))
    this.#draft.replaceNode(node, { ...node, attributes })
  }

  /** MatMul and the Add behind it become one Gemm. */
  #mergeAdd(matMulName: string, addName: string): void {
    const matMul = this.#node(matMulName)
    const add = this.#node(addName)
    this.#draft.removeNodes(new Set([addName]))
    this.#draft.replaceNode(matMul, { ...matMul, opType: 'Gemm', outputs: add.outputs, attributes: new Map() })
  }
}
