import { intAttribute, string, stringAttribute } from '../../../../graph/attributes.ts'
import type { Adapter } from '../scope.ts'
import { changed } from '../scope.ts'

/** Source: ONNX Changelog, GridSample-20: bilinear and bicubic are called linear and cubic. */
export const gridSampleModes: Adapter = (node) => {
  const mode = stringAttribute(node, 'mode', 'bilinear')
  const name = mode === 'bilinear' ? 'linear' : mode === 'bicubic' ? 'cubic' : mode
  return [changed(node, { attributes: { mode: string(name) } })]
}

/** Source: ONNX Changelog, RoiAlign-16: the default becomes half_pixel, before it was what is now output_half_pixel. */
export const roiAlignMode: Adapter = (node) => [
  changed(node, { attributes: { coordinate_transformation_mode: string('output_half_pixel') } }),
]

/** Source: ONNX Changelog, Scatter-11 (deprecated): ScatterElements is the same. */
export const scatterToElements: Adapter = (node) => [changed(node, { opType: 'ScatterElements' })]

/** Scan-9 has no batch axis and no lengths. Source: ONNX Changelog, Scan-9. */
export const refuseScan: Adapter = (node, scope) =>
  scope.refuse(
    node,
    `Scan of opset 8 runs over a batch axis (${intAttribute(node, 'num_scan_inputs', 0)} scanned inputs), which Scan has no longer from opset 9 on`,
  )
