import type { LayerInfo } from '../../shared/contract/model.ts'

/** Tensors that change between integers and float on their way, in elements of one sample. */
export interface Borders {
  /** from float to integers: QuantizeLinear */
  readonly quantized: number
  /** from integers to float: DequantizeLinear */
  readonly dequantized: number
}

/** Ids of the layers whose results are integers. Movement follows its input. */
export function integerLayers(layers: readonly LayerInfo[], isInteger: (layer: LayerInfo) => boolean): Set<string> {
  const producers = producersOf(layers)
  const integer = new Set<string>()
  for (const layer of layers) {
    const source = producers.get(layer.inputs[0] ?? '')
    const is = layer.role === 'movement' ? source !== undefined && integer.has(source.id) : isInteger(layer)
    if (is) integer.add(layer.id)
  }
  return integer
}

/**
 * Counts the elements that cross a border between float and integer layers. A tensor that several layers read is converted once in each
 * direction. Graph inputs are float; so are graph outputs, which an integer layer's result is converted for.
 * @param layers in graph order
 * @param inputElements elements of each graph input, one sample
 * @param outputs names of the graph's outputs
 */
export function countBorders(
  layers: readonly LayerInfo[],
  integer: ReadonlySet<string>,
  inputElements: ReadonlyMap<string, number>,
  outputs: ReadonlySet<string>,
): Borders {
  const producers = producersOf(layers)
  const toInteger = new Map<string, number>()
  const toFloat = new Map<string, number>()
  for (const layer of layers) {
    for (const tensor of layer.inputs) {
      const producer = producers.get(tensor)
      const elements = producer ? elementsOf(producer) : (inputElements.get(tensor) ?? 0)
      const comes = producer !== undefined && integer.has(producer.id)
      const needs = integer.has(layer.id)
      if (comes && !needs) toFloat.set(tensor, elements)
      if (!comes && needs) toInteger.set(tensor, elements)
    }
    if (!integer.has(layer.id)) continue
    for (const tensor of layer.outputs) if (outputs.has(tensor)) toFloat.set(tensor, elementsOf(layer))
  }
  return { quantized: sum(toInteger), dequantized: sum(toFloat) }
}

function producersOf(layers: readonly LayerInfo[]): Map<string, LayerInfo> {
  return new Map(layers.flatMap((layer) => layer.outputs.map((output) => [output, layer] as const)))
}

/** Elements of a layer's output; an open axis counts 1. */
function elementsOf({ outputShape }: LayerInfo): number {
  return (outputShape ?? []).reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 1), 1)
}

function sum(elements: ReadonlyMap<string, number>): number {
  return [...elements.values()].reduce((total, count) => total + count, 0)
}
