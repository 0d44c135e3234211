import { string, stringAttribute } from '../../../../graph/attributes.ts'
import type { Node } from '../../../../graph/model.ts'
import { floatTensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed, withInput } from '../scope.ts'

/** Source: ONNX Changelog, Upsample-9: scales become the second input. */
export const upsampleToInputs: Adapter = (node, scope) => {
  const scales = node.attributes.get('scales')
  if (scales?.kind !== 'floats') return scope.refuse(node, 'Upsample has no attribute scales')
  const input = scope.constant(node, 'scales', floatTensor('', [scales.value.length], scales.value))
  return [changed(node, { attributes: { scales: null }, inputs: withInput(node.inputs, 1, input) })]
}

/** Source: ONNX Changelog, Upsample-10 (deprecated): Resize-10 is the same with scales below 1 allowed. */
export const upsampleToResize: Adapter = (node) => [changed(node, { opType: 'Resize' })]

/**
 * Resize-10 takes pixel x from x / scale. For `nearest` ONNX Runtime then cuts where it enlarges and rounds up where it
 * shrinks, which one Resize-11 cannot say for both at once: enlarging and shrinking axes are done one after the other.
 * Source: ONNX Changelog, Resize-11; ONNX Runtime, upsamplebase.h, ResizeNearestMode::SIMPLE.
 */
export const resizeToCoordinates: Adapter = (node, scope) => {
  const [x, scales] = [node.inputs[0] ?? '', node.inputs[1] ?? '']
  const resize = (from: string, by: string, nearest: string): Pick<Node, 'inputs' | 'attributes'> => {
    const attributes = new Map(node.attributes).set('coordinate_transformation_mode', string('asymmetric'))
    if (stringAttribute(node, 'mode', 'nearest') === 'nearest') attributes.set('nearest_mode', string(nearest))
    return { inputs: [from, emptyRoi(node, scope), by], attributes }
  }
  const numbers = scope.numbers(scales)
  const [enlarges, shrinks] = [numbers?.some((scale) => scale > 1) ?? true, numbers?.some((scale) => scale < 1) ?? true]
  const nearest = stringAttribute(node, 'mode', 'nearest') === 'nearest'
  if (!nearest || !(enlarges && shrinks))
    return [{ ...node, ...resize(x, scales, shrinks && nearest ? 'ceil' : 'floor') }]
  const [up, down, before] = splitScales(node, scope, scales, numbers)
  const middle = scope.fresh(node, 'enlarged')
  const first: Node = { ...scope.helper(node, 'Resize', [], {}, middle), ...resize(x, up, 'floor') }
  return [...before, first, { ...node, ...resize(middle, down, 'ceil') }]
}

/** Names of max(scales, 1) and min(scales, 1), and the nodes that compute them where they are not constant. */
function splitScales(
  node: Node,
  scope: Scope,
  scales: string,
  numbers: readonly number[] | null,
): [string, string, readonly Node[]] {
  if (numbers !== null) {
    const constant = (suffix: string, values: readonly number[]): string =>
      scope.constant(node, suffix, floatTensor('', [values.length], values))
    return [
      constant(
        'scales_up',
        numbers.map((scale) => Math.max(scale, 1)),
      ),
      constant(
        'scales_down',
        numbers.map((scale) => Math.min(scale, 1)),
      ),
      [],
    ]
  }
  const one = scope.constant(node, 'one', floatTensor('', [1], [1]))
  const up = scope.helper(node, 'Max', [scales, one])
  const down = scope.helper(node, 'Min', [scales, one])
  return [up.outputs[0]!, down.outputs[0]!, [up, down]]
}

/** Resize-11 demands a region even where it is not used. */
function emptyRoi(node: Node, scope: Scope): string {
  return scope.constant(node, 'roi', floatTensor('', [0], []))
}

/**
 * Source: ONNX Changelog, Resize-13: roi and scales may be omitted; an empty tensor in the place of the scales is no longer
 * allowed; tf_half_pixel_for_nn is gone. That mode takes pixel x from (x + 0.5) / scale, half a pixel further than half_pixel,
 * so that cutting after the one is rounding half up after the other.
 */
export const resizeOptionalInputs: Adapter = (node, scope) => {
  const cropped = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize'
  const empty = (i: number): boolean => scope.fact(node.inputs[i] ?? '').shape?.[0] === 0
  const inputs = node.inputs.map((name, i) => ((i === 1 && !cropped) || (i === 2 && empty(2)) ? '' : name))
  const slim = changed(node, { inputs })
  if (stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') !== 'tf_half_pixel_for_nn') return [slim]
  if (
    stringAttribute(node, 'mode', 'nearest') !== 'nearest' ||
    stringAttribute(node, 'nearest_mode', 'round_prefer_floor') !== 'floor'
  ) {
    return scope.refuse(
      node,
      'Resize with coordinate_transformation_mode tf_half_pixel_for_nn has an equal from opset 13 on only with mode nearest and nearest_mode floor',
    )
  }
  return [
    changed(slim, {
      attributes: { coordinate_transformation_mode: string('half_pixel'), nearest_mode: string('round_prefer_ceil') },
    }),
  ]
}
