import { int } from '../../../graph/attributes.ts'
import { windowAttributes, windowOrder, type Window } from './convolution.ts'
import type { Lowering } from './lowering.ts'
import type { Value } from './value.ts'

/** Largest or mean value in a window; the mean does not count the padding. */
export function pool(to: Lowering, name: string, kind: 'MaxPool' | 'AveragePool', x: Value, window: Window): Value {
  const attributes = windowAttributes(x, window)
  const order = windowOrder(x.dims.length, window.isChannelsFirst)
  // TensorFlow's explicit padding counts, its SAME does not
  if (kind === 'AveragePool' && typeof window.padding !== 'string') attributes.push(['count_include_pad', int(1)])
  return to.value(name, to.emit({ opType: kind, name, inputs: [to.read(x, order)], attributes }), order)
}

/** Largest or mean value of each channel: [batch, channels], or with axes of length 1 where `keepDims`. */
export function poolGlobally(
  to: Lowering,
  name: string,
  kind: 'GlobalMaxPool' | 'GlobalAveragePool',
  x: Value,
  options: { readonly keepDims: boolean; readonly isChannelsFirst: boolean },
): Value {
  const order = windowOrder(x.dims.length, options.isChannelsFirst)
  const pooled = to.value(name, to.emit({ opType: kind, name, inputs: [to.read(x, order)] }), order)
  if (options.keepDims) return pooled
  const channels = options.isChannelsFirst ? pooled.dims[1]! : pooled.dims.at(-1)!
  return to.reshaped(`${name}/flat`, pooled, [pooled.dims[0]!, channels])
}
