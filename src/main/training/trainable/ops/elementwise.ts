import { floatAttribute, stringAttribute } from '../../../graph/attributes.ts'
import type { Tensor, Tfjs } from '../../../engines/tensor-api.ts'
import { input, type Op, type OpCall, type OpRow } from '../op.ts'
import { broadcastNhwc, numbersOf, shapeOf, toPlain, type Value } from '../value.ts'

type Unary = (tf: Tfjs, x: Tensor, call: OpCall) => Tensor
type Binary = (tf: Tfjs, a: Tensor, b: Tensor) => Tensor

/** A function of each element: the layout stays. */
const unary =
  (compute: Unary): Op =>
  (call) => {
    const x = input(call, 0)
    if (x.kind === 'constant')
      return { kind: 'tensor', tensor: compute(call.tf, toPlain(call.tf, x), call), nhwc: false }
    return { ...x, tensor: compute(call.tf, x.tensor, call) }
  }

const isNhwc = (value: Value): boolean => value.kind === 'tensor' && value.nhwc

/** Two operands that ONNX broadcasts; both go to [N, H, W, C] where one is so. */
function aligned(tf: Tfjs, a: Value, b: Value): { a: Tensor; b: Tensor; nhwc: boolean } {
  const fits = shapeOf(a).length <= 4 && shapeOf(b).length <= 4
  const nhwc = fits && (isNhwc(a) || isNhwc(b))
  return nhwc
    ? { a: broadcastNhwc(tf, a), b: broadcastNhwc(tf, b), nhwc }
    : { a: toPlain(tf, a), b: toPlain(tf, b), nhwc }
}

const binary =
  (compute: Binary): Op =>
  (call) => {
    const { a, b, nhwc } = aligned(call.tf, input(call, 0), input(call, 1))
    return { kind: 'tensor', tensor: compute(call.tf, a, b), nhwc }
  }

/** Operators of one or more operands, taken pair by pair. */
const variadic =
  (compute: Binary): Op =>
  (call) => {
    let total = input(call, 0)
    for (const next of call.inputs.slice(1)) {
      const { a, b, nhwc } = aligned(call.tf, total, next!)
      total = { kind: 'tensor', tensor: compute(call.tf, a, b), nhwc }
    }
    return total
  }

const clip: Unary = (tf, x, call) => {
  const low = bound(call, 1, -Infinity)
  const high = bound(call, 2, Infinity)
  if (low === 0 && high === 6) return call.native.relu6(x)
  if (low === 0 && high === Infinity) return call.native.relu(x)
  return tf.clipByValue(x, Math.max(low, -3.4e38), Math.min(high, 3.4e38))
}

function bound(call: OpCall, index: number, absent: number): number {
  const value = call.inputs[index]
  if (!value) return absent
  const known = numbersOf(value)
  if (!known) throw new Error(`Clip '${call.node.name}' has a bound that is computed in the graph`)
  return known[0]!
}

/** Source: ONNX Gelu-20. */
const gelu: Unary = (tf, x, call) => {
  if (stringAttribute(call.node, 'approximate', 'none') === 'tanh') {
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))))
    return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)))
  }
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))))
}

const hardSigmoid = (tf: Tfjs, x: Tensor, alpha: number, beta: number): Tensor =>
  tf.clipByValue(tf.add(tf.mul(x, alpha), beta), 0, 1)

/** x where positive, slope · x elsewhere, with a gradient for the slope. */
const pRelu: Binary = (tf, x, slope) => tf.sub(tf.relu(x), tf.mul(slope, tf.relu(tf.neg(x))))

/** A power with a constant exponent: the common ones without logarithms, whose gradient fails below 0. */
const pow: Op = (call) => {
  const exponent = numbersOf(call.inputs[1])
  if (exponent?.length === 1) {
    if (exponent[0] === 2) return unary((tf, x) => tf.square(x))(call)
    if (exponent[0] === 0.5) return unary((tf, x) => tf.sqrt(x))(call)
    if (exponent[0] === 3) return unary((tf, x) => tf.mul(x, tf.square(x)))(call)
  }
  return binary((tf, a, b) => tf.pow(a, b))(call)
}

/** Operators of elements: activations and arithmetic with broadcasting. */
export const elementwise: Readonly<Record<string, OpRow>> = {
  Relu: { run: unary((_, x, { native }) => native.relu(x)) },
  Clip: { run: unary(clip) },
  LeakyRelu: { run: unary((tf, x, { node }) => tf.leakyRelu(x, floatAttribute(node, 'alpha', 0.01))) },
  PRelu: { run: binary(pRelu) },
  Sigmoid: { run: unary((tf, x) => tf.sigmoid(x)) },
  Tanh: { run: unary((tf, x) => tf.tanh(x)) },
  HardSigmoid: {
    run: unary((tf, x, { node }) =>
      hardSigmoid(tf, x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
    ),
  },
  HardSwish: { run: unary((tf, x) => tf.mul(x, hardSigmoid(tf, x, 1 / 6, 0.5))) },
  Gelu: { run: unary(gelu) },
  Elu: { run: unary((tf, x, { node }) => scaledElu(tf, x, floatAttribute(node, 'alpha', 1))) },
  Softplus: { run: unary((tf, x) => tf.softplus(x)) },
  Erf: { run: unary((tf, x) => tf.erf(x)) },
  Exp: { run: unary((tf, x) => tf.exp(x)) },
  Log: { run: unary((tf, x) => tf.log(x)) },
  Sqrt: { run: unary((tf, x) => tf.sqrt(x)) },
  Abs: { run: unary((tf, x) => tf.abs(x)) },
  Neg: { run: unary((tf, x) => tf.neg(x)) },
  Reciprocal: { run: unary((tf, x) => tf.div(1, x)) },
  Identity: { run: (call) => input(call, 0) },
  Add: { run: binary((tf, a, b) => tf.add(a, b)) },
  Sub: { run: binary((tf, a, b) => tf.sub(a, b)) },
  Mul: { run: binary((tf, a, b) => tf.mul(a, b)) },
  Div: { run: binary((tf, a, b) => tf.div(a, b)) },
  Pow: { run: pow },
  Max: { run: variadic((tf, a, b) => tf.maximum(a, b)) },
  Min: { run: variadic((tf, a, b) => tf.minimum(a, b)) },
  Sum: { run: variadic((tf, a, b) => tf.add(a, b)) },
}

function scaledElu(tf: Tfjs, x: Tensor, alpha: number): Tensor {
  return alpha === 1 ? tf.elu(x) : tf.add(tf.relu(x), tf.mul(alpha, tf.sub(tf.exp(tf.minimum(x, 0)), 1)))
}
