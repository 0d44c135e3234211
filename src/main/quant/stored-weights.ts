import type { WeightStorage } from '../../shared/contract/plan.ts'
import { int } from '../graph/attributes.ts'
import type { Draft } from '../graph/draft.ts'
import type { Attribute } from '../graph/model.ts'
import { floatTensor } from '../graph/tensors.ts'
import { weightTensors, type QuantizedWeights } from './weights.ts'

/** Float weights made from integers in the file: the tensor to read, and the nodes that make it. */
export interface StoredWeights {
  readonly tensor: string
  readonly nodes: readonly string[]
}

/**
 * Stores weights as integers with a DequantizeLinear, for a MatMul to read. ONNX Runtime 1.30 fuses the two into MatMulNBits
 * (4 and 8 bits, matrix on the right, one scale, one a column, or blocks of a power of two ≥ 16 along axis 0); where it does
 * not, it dequantizes anew in every run.
 * Source: onnxruntime qdq_selectors.cc, DQMatMulNodeGroupSelector; test/native/weight-only.test.ts.
 */
export function addDequantizedWeights(
  draft: Draft,
  name: string,
  weights: QuantizedWeights,
  storage: WeightStorage,
): StoredWeights {
  const { axis, blockSize } = weights.params
  const tensors = weightTensors(name, weights, storage)
  const inputs = [tensors.values, tensors.scale, tensors.zeroPoint].map((tensor) => draft.addInitializer(tensor))
  const attributes: [string, Attribute][] = axis === null ? [] : [['axis', int(axis)]]
  if (blockSize !== undefined) attributes.push(['block_size', int(blockSize)])
  const tensor = draft.freshTensorName(`${name}_dequantized`)
  const node = draft.addNode({
    name: `${name}_dequantize`,
    opType: 'DequantizeLinear',
    inputs,
    outputs: [tensor],
    attributes,
  })
  return { tensor, nodes: [node.name] }
}

/**
 * Stores weights as integers with Cast, Sub (affine only) and Mul behind them, the same real values to the last bit. ONNX
 * Runtime folds these three when it loads the file, so that the layer runs at float speed; a DequantizeLinear it would keep
 * and run each time, and a Conv behind one loses its packed weights (m: 1.6 times slower for ResNet-18, 2.7 for MobileNetV2).
 * Per-block scales are not for this form.
 */
export function addFoldedWeights(
  draft: Draft,
  name: string,
  weights: QuantizedWeights,
  storage: WeightStorage,
): StoredWeights {
  const { params, dims } = weights
  if (params.blockSize !== undefined) throw new Error(`${name}: per-block scales cannot be folded`)
  // scale and zero point per channel, shaped to meet their axis
  const shape = params.axis === null ? [] : dims.map((_, i) => (i === params.axis ? params.scale.length : 1))
  const nodes: string[] = []
  const op = (
    opType: string,
    part: string,
    inputs: readonly string[],
    attributes: [string, Attribute][] = [],
  ): string => {
    const tensor = draft.freshTensorName(`${name}_${part}`)
    nodes.push(draft.addNode({ name: `${name}_${part}`, opType, inputs, outputs: [tensor], attributes }).name)
    return tensor
  }
  const integers = draft.addInitializer(weightTensors(name, weights, storage).values)
  let real = op('Cast', 'cast', [integers], [['to', int(1)]])
  if (params.zeroPoint.some((zeroPoint) => zeroPoint !== 0)) {
    const zeroPoint = draft.addInitializer(floatTensor(`${name}_z`, shape, Float32Array.from(params.zeroPoint)))
    real = op('Sub', 'shift', [real, zeroPoint])
  }
  const scale = draft.addInitializer(floatTensor(`${name}_s`, shape, params.scale))
  return { tensor: op('Mul', 'dequantized', [real, scale]), nodes }
}

/** The transpose of a quantized matrix: integers, scales and zero points, with the axis turned. */
export function transposedWeights(weights: QuantizedWeights): QuantizedWeights {
  const [rows = 1, columns = 1] = weights.dims
  const { params } = weights
  const turned = { ...params, axis: params.axis === null ? null : 1 - params.axis }
  const values = Int32Array.from(transposed(weights.values, rows, columns))
  if (params.axis === null || params.blockSize === undefined) return { dims: [columns, rows], params: turned, values }
  // blocks: the parameters are a matrix of their own
  const [parameterRows, parameterColumns] =
    params.axis === 0 ? [Math.ceil(rows / params.blockSize), columns] : [rows, Math.ceil(columns / params.blockSize)]
  return {
    dims: [columns, rows],
    values,
    params: {
      ...turned,
      scale: Float32Array.from(transposed(params.scale, parameterRows, parameterColumns)),
      zeroPoint: Int32Array.from(transposed(params.zeroPoint, parameterRows, parameterColumns)),
    },
  }
}

function transposed(values: ArrayLike<number>, rows: number, columns: number): number[] {
  const result = new Array<number>(values.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!
  return result
}
