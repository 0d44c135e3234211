import type { Attribute } from '../../../graph/model.ts'
import { int } from '../../../graph/attributes.ts'
import { productOf } from '../../../graph/shapes/facts.ts'
import { permuteTensor } from './constants.ts'
import { elementwise } from './elementwise.ts'
import type { Lowering } from './lowering.ts'
import { Malformed, Unsupported } from './problem.ts'
import { orderOf, plainOrder, sameNumbers, type Value } from './value.ts'

/**
 * Matrix product of [batch, in] with a kernel [in, out], and a bias. Where the input is a plain flatten of what a convolution wrote, the
 * rows of the kernel are put in the order the convolution's output is held in, instead of transposing that output.
 */
export function dense(to: Lowering, name: string, x: Value, kernel: Value, bias: Value | null): Value {
  if (kernel.dims.length !== 2) throw new Malformed(`has a kernel of rank ${kernel.dims.length}, expected 2`)
  const [inner, given] = [kernel.dims[0], x.dims.at(-1)]
  if (typeof inner === 'number' && typeof given === 'number' && inner !== given) {
    throw new Malformed(`has a kernel for ${inner} inputs, but gets ${given}`)
  }
  if (x.dims.length !== 2) return denseWide(to, name, x, kernel, bias)
  const flat = heldFlat(to, name, x, kernel)
  const inputs = [flat?.x ?? to.read(x), flat?.kernel ?? to.read(kernel), ...(bias ? [to.read(bias)] : [])]
  return to.value(name, to.emit({ opType: 'Gemm', name, inputs }))
}

/** More axes than two: MatMul over the last one. */
function denseWide(to: Lowering, name: string, x: Value, kernel: Value, bias: Value | null): Value {
  if (x.dims.length < 2) throw new Unsupported(`has an input of rank ${x.dims.length}`)
  const product = to.value(name, to.emit({ opType: 'MatMul', name, inputs: [to.read(x), to.read(kernel)] }))
  return bias ? elementwise(to, `${name}/BiasAdd`, 'Add', [product, bias]) : product
}

/** The flattened convolution output as it is held, with the kernel's rows in that order; null where that cannot be. */
function heldFlat(to: Lowering, name: string, x: Value, kernel: Value): { x: string; kernel: string } | null {
  const source = x.reshapeOf
  const { constant } = kernel
  if (!source || !constant || x.forms.size > 0 || source.forms.size === 0 || source.dims[0] !== x.dims[0]) return null
  const [key, held] = [...source.forms][0]!
  const order = orderOf(key)
  const inner = source.dims.slice(1)
  if (order[0] !== 0 || sameNumbers(source.dims, order) || source.forms.has(plainOrder(order.length).join()))
    return null
  if (productOf(inner) === null || productOf(inner) !== constant.dims[0]) return null
  const [rows, columns] = [inner as number[], constant.dims[1]!]
  const rowOrder = order.slice(1).map((axis) => axis - 1)
  const stored = to.storeMade(constant, `rows:${rows.join()}:${rowOrder.join()}`, () => {
    const moved = permuteTensor({ ...constant, dims: [...rows, columns] }, [...rowOrder, rows.length])
    return { ...moved, dims: constant.dims }
  })
  return {
    x: to.emit({ opType: 'Flatten', name: x.name === name ? `${name}/flatten` : x.name, inputs: [held] }),
    kernel: stored,
  }
}

/** Matrix product of two values of any rank ≥ 2, each transposed in its last two axes first where asked. */
export function matMul(
  to: Lowering,
  name: string,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
): Value {
  if (a.dims.length < 2 || b.dims.length < 2) throw new Unsupported('multiplies values of rank below 2')
  if (a.dims.length === 2 && b.dims.length === 2) {
    if (!transposeA && b.constant) {
      const kernel = transposeB ? to.transposed(`${b.name}/transposed`, b, [1, 0]) : b
      return dense(to, name, a, kernel, null)
    }
    const attributes: [string, Attribute][] = []
    if (transposeA) attributes.push(['transA', int(1)])
    if (transposeB) attributes.push(['transB', int(1)])
    return to.value(
      name,
      to.emit({
        opType: attributes.length > 0 ? 'Gemm' : 'MatMul',
        name,
        inputs: [to.read(a), to.read(b)],
        attributes,
      }),
    )
  }
  const [left, right] = [swapped(to, a, transposeA), swapped(to, b, transposeB)]
  return to.value(name, to.emit({ opType: 'MatMul', name, inputs: [to.read(left), to.read(right)] }))
}

function swapped(to: Lowering, value: Value, isWanted: boolean): Value {
  if (!isWanted) return value
  const order = plainOrder(value.dims.length)
  const rank = order.length
  return to.transposed(`${value.name}/transposed`, value, [...order.slice(0, -2), rank - 1, rank - 2])
}
