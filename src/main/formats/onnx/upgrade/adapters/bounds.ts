import type { DataType } from '../../../../../shared/contract/tensor.ts'
import { floatAttribute, int, intsAttribute } from '../../../../graph/attributes.ts'
import { numberOfDataType } from '../../../../graph/data-types.ts'
import type { Node } from '../../../../graph/model.ts'
import { floatTensor, int64Tensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed, withInput } from '../scope.ts'

/** Types that Clip-6 and Pad-2 take. */
const FLOATS: ReadonlySet<DataType | null> = new Set<DataType | null>(['float', 'double', 'float16'])

/** Moves float attributes to inputs of the data's own type; the attribute itself is a float32 whatever that type is. */
function floatsToInputs(node: Node, scope: Scope, places: Readonly<Record<string, number>>): readonly Node[] {
  const given = Object.entries(places).filter(([name]) => node.attributes.has(name))
  const { dataType } = scope.fact(node.inputs[0] ?? '')
  if (given.length > 0 && (dataType === null || !FLOATS.has(dataType))) {
    const names = given.map(([name]) => name).join(' and ')
    return scope.refuse(
      node,
      `${node.opType} takes ${names} as inputs of its data's type from opset 11 on, and the type of ${node.inputs[0]} is ${dataType ?? 'not known'}`,
    )
  }
  const wrong = given.find(([name]) => node.attributes.get(name)!.kind !== 'float')
  if (wrong !== undefined) return scope.refuse(node, `the attribute ${wrong[0]} of ${node.opType} is no number`)
  const casts: Node[] = []
  let result = node
  for (const [name, at] of given) {
    let input = scope.constant(node, name, floatTensor('', [], [floatAttribute(node, name, 0)]))
    if (dataType !== 'float') {
      const cast = scope.helper(node, 'Cast', [input], { to: int(numberOfDataType(dataType!)) })
      casts.push(cast)
      input = cast.outputs[0]!
    }
    result = changed(result, { inputs: withInput(result.inputs, at, input), attributes: { [name]: null } })
  }
  return [...casts, result]
}

/**
 * Clip's min and max become inputs. An absent bound stays absent: both versions then mean the type's lowest or highest number.
 * Source: ONNX Changelog, Clip-11.
 */
export const clipToInputs: Adapter = (node, scope) => floatsToInputs(node, scope, { min: 1, max: 2 })

/** Pad's pads and value become inputs; the value defaults to 0. Source: ONNX Changelog, Pad-11. */
export const padToInputs: Adapter = (node, scope) => {
  const pads = intsAttribute(node, 'pads')
  if (pads === null) return scope.refuse(node, 'Pad has no attribute pads')
  const input = scope.constant(node, 'pads', int64Tensor('', [pads.length], pads))
  const padded = changed(node, { attributes: { pads: null }, inputs: withInput(node.inputs, 1, input) })
  const zero = floatAttribute(node, 'value', 0) === 0
  return floatsToInputs(zero ? changed(padded, { attributes: { value: null } }) : padded, scope, { value: 2 })
}
