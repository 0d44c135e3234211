import type { Attribute } from '../../../graph/model.ts'
import { string } from '../../../graph/attributes.ts'
import { floatTensor, int64Tensor } from '../../../graph/tensors.ts'
import { windowOrder } from './convolution.ts'
import type { Lowering } from './lowering.ts'
import { Malformed } from './problem.ts'
import type { Value } from './value.ts'

export interface ResizeSpec {
  readonly x: Value
  readonly method: 'nearest' | 'bilinear'
  /** new height and width, or how many times the old ones */
  readonly size: { readonly lengths: readonly [number, number] } | { readonly scales: readonly [number, number] }
  readonly alignCorners: boolean
  readonly halfPixelCenters: boolean
  readonly isChannelsFirst: boolean
}

/**
 * Pictures of another size.
 * Source: tfjs kernels ResizeNearestNeighbor and ResizeBilinear: the place read is i · scale, (i + ½) · scale (− ½ for bilinear) with
 * half-pixel centers, i · (n − 1) / (m − 1) with aligned corners; nearest takes the floor, rounded half up with aligned corners.
 */
export function resize(to: Lowering, name: string, spec: ResizeSpec): Value {
  const { x, method, alignCorners, halfPixelCenters, isChannelsFirst } = spec
  if (x.dims.length !== 4) throw new Malformed(`resizes an input of rank ${x.dims.length}`)
  const order = windowOrder(4, isChannelsFirst)
  const input = to.read(x, order)
  const attributes: [string, Attribute][] = [
    ['mode', string(method === 'nearest' ? 'nearest' : 'linear')],
    [
      'coordinate_transformation_mode',
      string(alignCorners ? 'align_corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric'),
    ],
  ]
  if (method === 'nearest') {
    attributes.push(['nearest_mode', string(alignCorners || halfPixelCenters ? 'round_prefer_ceil' : 'floor')])
  }
  const [height, width] = isChannelsFirst ? x.dims.slice(2) : x.dims.slice(1, 3)
  const scales = scalesOf(spec.size, height!, width!)
  const inputs = [input, '', '']
  if (scales) inputs[2] = to.store(floatTensor(`${name}/scales`, [4], [1, 1, ...scales]))
  else inputs.push(sizes(to, name, input, spec.size))
  return to.value(name, to.emit({ opType: 'Resize', name, inputs, attributes }), order)
}

/** Scales, where they are whole numbers: what integer kernels take. */
function scalesOf(size: ResizeSpec['size'], height: unknown, width: unknown): readonly [number, number] | null {
  if ('scales' in size) return size.scales
  if (typeof height !== 'number' || typeof width !== 'number') return null
  const scales = [size.lengths[0] / height, size.lengths[1] / width] as const
  return scales.every((scale) => Number.isInteger(scale)) ? scales : null
}

/** [batch, channels, height, width] of the result, the first two as they are. */
function sizes(to: Lowering, name: string, input: string, size: ResizeSpec['size']): string {
  const lengths = 'lengths' in size ? size.lengths : [0, 0]
  const shape = to.fact(input).shape
  const outer = shape?.slice(0, 2) ?? []
  if (outer.length === 2 && outer.every((dim) => typeof dim === 'number')) {
    return to.integers(`${name}/sizes`, [...outer, ...lengths])
  }
  const whole = to.emit({ opType: 'Shape', name: `${name}/input_shape`, inputs: [input] })
  const bounds = [to.integers(`${name}/from`, [0]), to.integers(`${name}/until`, [2])]
  const kept = to.emit({ opType: 'Slice', name: `${name}/kept`, inputs: [whole, ...bounds] })
  const wanted = to.store(int64Tensor(`${name}/lengths`, [2], lengths))
  return to.emit({
    opType: 'Concat',
    name: `${name}/sizes`,
    inputs: [kept, wanted],
    attributes: [['axis', { kind: 'int', value: 0n }]],
  })
}
