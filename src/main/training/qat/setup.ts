import { Fault } from '../../../shared/contract/fault.ts'
import { floatAttribute } from '../../graph/attributes.ts'
import type { Model, Tensor } from '../../graph/model.ts'
import { float32Of, floatTensor } from '../../graph/tensors.ts'
import { consumersOf } from '../../graph/traversal.ts'
import { constantParams } from '../../quant/activation-params.ts'
import { fakeQuantize } from '../../quant/affine.ts'
import { placeQuantization, type QuantSetup, type TensorPair } from '../../quant/placement.ts'
import type { ResolvedPlan } from '../../quant/setup.ts'
import type { WeightSite } from '../../quant/weight-site.ts'
import { QAT_BITS } from './defaults.ts'

/** Where training simulates integers: exactly where the exported file has them. */
export interface QatSetup {
  readonly resolved: ResolvedPlan
  /** the prepared model that learns: constants of arithmetic layers hold what their integers will say */
  readonly model: Model
  readonly placement: QuantSetup
  /** tensors with a range of their own; those that merely move their values are on the same grid already */
  readonly roots: ReadonlyMap<string, TensorPair>
  /** tensor → the one whose parameters it has */
  readonly rootOf: ReadonlyMap<string, string>
  /** node → weights in integers, for the node that reads the weights */
  readonly weights: ReadonlyMap<string, WeightSite>
  /** node → weights whose bias it adds in int32, which may be another node than the one that reads the weights */
  readonly biases: ReadonlyMap<string, WeightSite>
  /** constants that do not learn, by name, as the model had them */
  readonly constants: ReadonlyMap<string, Tensor>
}

/**
 * Decides where fake quantization goes, by the very rules that place the pairs of the exported file.
 * @param model the prepared model (BatchNormalization folded)
 * @throws Fault plan.qatMode, plan.qatBits, plan.qatNothing
 */
export function setUpQat(model: Model, resolved: ResolvedPlan): QatSetup {
  refuse(resolved)
  const plain = withoutFactors(model)
  const placement = placeQuantization(plain, resolved)
  if (placement.pairs.size === 0) {
    const why = [...placement.refused].map(([id, reason]) => ` Layer ${id}: ${reason}.`).join('')
    throw new Fault('plan.qatNothing', `The plan leaves every layer in float, so there is nothing to learn.${why}`)
  }
  const { pairs, weights } = placement
  const asGemm = new Set(
    resolved.layers.flatMap(({ layer }) =>
      layer.op !== 'MatMul' || layer.outputShape?.length === 2 ? [layer.id] : [],
    ),
  )
  return {
    resolved,
    ...quantizeConstants(plain, placement),
    placement,
    roots: new Map([...pairs].filter(([, pair]) => pair.like === null)),
    rootOf: new Map([...pairs.values()].map(({ tensor, like }) => [tensor, like ?? tensor])),
    weights: new Map(weights.map((site) => [site.node, site])),
    // the Add behind a MatMul of more axes stays an Add of floats
    biases: new Map(
      weights.flatMap((site) =>
        site.bias && asGemm.has(site.layerId) ? [[site.bias.addNode ?? site.node, site]] : [],
      ),
    ),
  }
}

function refuse({ layers }: ResolvedPlan): void {
  for (const { layer, decision } of layers) {
    if (decision.kind === 'float') continue
    if (decision.mode !== 'static') {
      throw new Fault(
        'plan.qatMode',
        `Layer "${layer.id}" is ${decision.mode} in the plan; training learns for static integers only. Make it static or float.`,
        { layer: layer.id, mode: decision.mode },
      )
    }
    const bits = Math.min(decision.weights?.bits ?? QAT_BITS.least, decision.activations.bits)
    if (bits < QAT_BITS.least) {
      throw new Fault(
        'plan.qatBits',
        `Layer "${layer.id}" has ${bits} bit in the plan; training learns for ${QAT_BITS.least} bits and more. Give it ${QAT_BITS.least} to ${QAT_BITS.most}, or leave it in float.`,
        { layer: layer.id, bits },
      )
    }
  }
}

/** Gemm's alpha and beta multiplied into weights and bias, as the integers will hold them. */
function withoutFactors(model: Model): Model {
  const { graph } = model
  const consumers = consumersOf(graph)
  const initializers = new Map(graph.initializers)
  const nodes = graph.nodes.map((node) => {
    const factors = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)]
    if (node.opType !== 'Gemm' || factors.every((factor) => factor === 1)) return node
    const names = [node.inputs[1]!, node.inputs[2] ?? '']
    const owned = names.every(
      (name) => name === '' || (graph.initializers.has(name) && consumers.get(name)?.length === 1),
    )
    if (!owned) return node
    names.forEach((name, i) => multiply(initializers, name, factors[i]!))
    return {
      ...node,
      attributes: new Map([...node.attributes].filter(([name]) => name !== 'alpha' && name !== 'beta')),
    }
  })
  return { ...model, graph: { ...graph, nodes, initializers } }
}

function multiply(initializers: Map<string, Tensor>, name: string, factor: number): void {
  const tensor = initializers.get(name)
  if (tensor?.dataType !== 'float') return
  initializers.set(
    name,
    floatTensor(
      name,
      tensor.dims,
      float32Of(tensor).map((value) => value * factor),
    ),
  )
}

function quantizeConstants(model: Model, placement: QuantSetup): Pick<QatSetup, 'model' | 'constants'> {
  const initializers = new Map(model.graph.initializers)
  const constants = new Map<string, Tensor>()
  for (const site of placement.constants) {
    const tensor = model.graph.initializers.get(site.tensor)!
    if (tensor.dataType !== 'float' || constants.has(site.tensor)) continue
    constants.set(site.tensor, tensor)
    const values = float32Of(tensor)
    const held = fakeQuantize(values, constantParams(values, site))
    initializers.set(site.tensor, floatTensor(site.tensor, tensor.dims, held))
  }
  return { model: { ...model, graph: { ...model.graph, initializers } }, constants }
}
