import type { DataType } from '../../../shared/contract/tensor.ts'
import type { Graph, Model } from '../../graph/model.ts'
import { subgraphsOf } from '../../graph/traversal.ts'

/**
 * [lowest opset of ai.onnx, IR version that release wrote], falling.
 * Source: onnx 1.23, onnx/helper.py VERSION_TABLE.
 */
const irOfOpset: readonly (readonly [number, number])[] = [
  [28, 14],
  [25, 13],
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
  [0, 3],
]

/** First IR version whose schema has the type. Source: comments of enum Version in onnx.proto. */
function irOfType(dataType: DataType | null): number {
  switch (dataType) {
    case 'float8e4m3fn':
    case 'float8e4m3fnuz':
    case 'float8e5m2':
    case 'float8e5m2fnuz':
      return 9
    case 'int4':
    case 'uint4':
      return 10
    case 'float4e2m1':
      return 11
    case 'float8e8m0':
      return 12
    case 'int2':
    case 'uint2':
      return 13
    default:
      return 3
  }
}

/** The IR version a model must state: its own, or higher where its opset, its types or its initializers ask for it. */
export function irVersionFor(model: Model): number {
  const opset = model.opsets.get('') ?? model.opsets.get('ai.onnx') ?? 0
  const byOpset = irOfOpset.find(([lowest]) => opset >= lowest)?.[1] ?? 3
  return Math.max(model.irVersion, byOpset, irOfGraph(model.graph))
}

function irOfGraph(graph: Graph): number {
  const inputs = new Set(graph.inputs.map((input) => input.name))
  let version = 3
  const raise = (needed: number): void => {
    version = Math.max(version, needed)
  }
  for (const tensor of graph.initializers.values()) {
    raise(irOfType(tensor.dataType))
    // before IR 4 every initializer is listed among the inputs
    if (!inputs.has(tensor.name)) raise(4)
  }
  for (const info of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()]) raise(irOfType(info.dataType))
  for (const node of graph.nodes) {
    for (const attribute of node.attributes.values())
      if (attribute.kind === 'tensor') raise(irOfType(attribute.value.dataType))
    // subgraphs never list their initializers as inputs, in any IR version
    for (const inner of subgraphsOf(node)) raise(Math.max(irOfGraph({ ...inner, initializers: new Map() })))
  }
  return version
}
