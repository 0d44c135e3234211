import type { Infer } from './context.ts'
import * as arrange from './ops/arrange.ts'
import * as constants from './ops/constants.ts'
import * as control from './ops/control.ts'
import * as detection from './ops/detection.ts'
import * as elementwise from './ops/elementwise.ts'
import * as matrix from './ops/matrix.ts'
import * as normalization from './ops/normalization.ts'
import * as pick from './ops/pick.ts'
import * as quantized from './ops/quantized.ts'
import * as recurrent from './ops/recurrent.ts'
import * as reduction from './ops/reduction.ts'
import * as resize from './ops/resize.ts'
import * as window from './ops/window-ops.ts'

const { arithmetic, comparison, inferBool, inferSame, unary } = elementwise
const reduced = reduction.reduction(18)
const softmax = reduction.alongAxis((version) => (version < 13 ? 1 : -1))

function rows(names: string, infer: Infer): [string, Infer][] {
  return names.split(' ').map((name) => [name, infer])
}

/** Every operator of ai.onnx whose outputs can be told; what is not here has unknown outputs. */
const STANDARD: ReadonlyMap<string, Infer> = new Map<string, Infer>([
  // sliding windows
  ['Conv', window.inferConv],
  ['ConvInteger', window.inferConvInteger],
  ['QLinearConv', window.inferQLinearConv],
  ['ConvTranspose', window.inferConvTranspose],
  ...rows('MaxPool AveragePool LpPool', window.inferPool),
  ...rows('GlobalAveragePool GlobalMaxPool GlobalLpPool', window.inferGlobalPool),
  ['MaxUnpool', window.inferMaxUnpool],
  // matrices
  ['Gemm', matrix.inferGemm],
  ['MatMul', matrix.inferMatMul],
  ['MatMulInteger', matrix.inferMatMulInteger],
  ['QLinearMatMul', matrix.inferQLinearMatMul],
  ['Einsum', matrix.inferEinsum],
  // arithmetic, element by element
  ...rows('Add Sum', arithmetic(elementwise.add)),
  ['Sub', arithmetic(elementwise.subtract)],
  ['Mul', arithmetic(elementwise.multiply)],
  ['Div', arithmetic(elementwise.divide)],
  ['Min', arithmetic(elementwise.minimum)],
  ['Max', arithmetic(elementwise.maximum)],
  ['Pow', arithmetic(elementwise.power)],
  ['Mod', elementwise.inferMod],
  ...rows('Mean BitShift BitwiseAnd BitwiseOr BitwiseXor', elementwise.inferBroadcast),
  ['Equal', comparison((a, b) => a === b)],
  ['Less', comparison((a, b) => a < b)],
  ['LessOrEqual', comparison((a, b) => a <= b)],
  ['Greater', comparison((a, b) => a > b)],
  ['GreaterOrEqual', comparison((a, b) => a >= b)],
  ['And', comparison((a, b) => a !== 0 && b !== 0)],
  ['Or', comparison((a, b) => a !== 0 || b !== 0)],
  ['Xor', comparison((a, b) => (a !== 0) !== (b !== 0))],
  ['Not', unary((x) => Number(x === 0), 'bool')],
  ['Neg', unary((x) => -x)],
  ['Abs', unary(Math.abs)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Sqrt', unary(Math.sqrt)],
  ['Reciprocal', unary((x) => 1 / x)],
  ['Sign', unary(Math.sign)],
  ...rows('IsNaN IsInf', inferBool),
  ['Where', elementwise.inferWhere],
  ['Clip', elementwise.inferClip],
  ...rows(
    'Relu LeakyRelu PRelu ThresholdedRelu Elu Selu Celu Gelu Mish Swish Sigmoid HardSigmoid HardSwish Softplus Softsign',
    inferSame,
  ),
  ...rows('Tanh Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Exp Log Erf Round Shrink BitwiseNot', inferSame),
  ['Identity', elementwise.inferIdentity],
  ['Dropout', elementwise.inferDropout],
  // normalization
  ['BatchNormalization', normalization.inferBatchNormalization],
  ['LayerNormalization', normalization.inferLayerNormalization],
  ...rows('InstanceNormalization GroupNormalization RMSNormalization LRN MeanVarianceNormalization', inferSame),
  ...rows('Softmax LogSoftmax Hardmax', softmax),
  ['LpNormalization', reduction.alongAxis(() => -1)],
  // rearranging
  ['Reshape', arrange.inferReshape],
  ['Flatten', arrange.inferFlatten],
  ['Transpose', arrange.inferTranspose],
  ['Squeeze', arrange.inferSqueeze],
  ['Unsqueeze', arrange.inferUnsqueeze],
  ['Expand', arrange.inferExpand],
  ['Tile', arrange.inferTile],
  ['DepthToSpace', arrange.inferDepthToSpace],
  ['SpaceToDepth', arrange.inferSpaceToDepth],
  ['Concat', pick.inferConcat],
  ['Split', pick.inferSplit],
  ['Slice', pick.inferSlice],
  ['Pad', pick.inferPad],
  ['Gather', pick.inferGather],
  ['GatherElements', pick.inferGatherElements],
  ['GatherND', pick.inferGatherND],
  ...rows('Scatter ScatterElements ScatterND TensorScatter Trilu ReverseSequence', pick.inferScatter),
  ['Compress', pick.inferCompress],
  ['OneHot', pick.inferOneHot],
  ['Upsample', resize.inferUpsample],
  ['Resize', resize.inferResize],
  // reductions
  ['ReduceSum', reduction.reduction(13, (a, b) => a + b)],
  ['ReduceProd', reduction.reduction(18, (a, b) => a * b)],
  ['ReduceMax', reduction.reduction(18, Math.max)],
  ['ReduceMin', reduction.reduction(18, Math.min)],
  ...rows('ReduceMean ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare', reduced),
  ...rows('ArgMax ArgMin', reduction.inferArg),
  ['TopK', reduction.inferTopK],
  ['CumSum', inferSame],
  // constants and shapes
  ['Constant', constants.inferConstant],
  ['ConstantOfShape', constants.inferConstantOfShape],
  ['Shape', constants.inferShape],
  ['Size', constants.inferSize],
  ['Range', constants.inferRange],
  ['Cast', constants.inferCast],
  ['CastLike', constants.inferCastLike],
  ...rows('RandomNormal RandomUniform', constants.inferRandom),
  ...rows('EyeLike RandomNormalLike RandomUniformLike Bernoulli', constants.inferLike),
  ['NonZero', constants.inferNonZero],
  // quantization
  ['QuantizeLinear', quantized.inferQuantizeLinear],
  ['DequantizeLinear', quantized.inferDequantizeLinear],
  ['DynamicQuantizeLinear', quantized.inferDynamicQuantizeLinear],
  // sequences, detection, control
  ...rows('LSTM GRU RNN', recurrent.inferRecurrent),
  ['NonMaxSuppression', detection.inferNonMaxSuppression],
  ['RoiAlign', detection.inferRoiAlign],
  ['MaxRoiPool', detection.inferMaxRoiPool],
  ['GridSample', detection.inferGridSample],
  ['Unique', detection.inferUnique],
  ['If', control.inferIf],
  ['Loop', control.inferLoop],
  ['Scan', control.inferNothing],
])

/** Operators of com.microsoft that ONNX Runtime's optimiser writes into its dumps and that this product exports. */
const MICROSOFT: ReadonlyMap<string, Infer> = new Map<string, Infer>([
  ['FusedConv', window.inferConv],
  ['FusedGemm', matrix.inferGemm],
  ['FusedMatMul', control.inferNothing],
  ['QGemm', quantized.inferQGemm],
  ['MatMulNBits', matrix.inferMatMulNBits],
  ['MatMulIntegerToFloat', control.inferNothing],
  ...rows('QLinearAdd QLinearMul', quantized.inferQLinearBinary),
  ['QLinearConcat', quantized.inferQLinearConcat],
  ...rows('QLinearAveragePool QLinearGlobalAveragePool', quantized.inferQLinearPool),
  ...rows('QLinearSigmoid QLinearLeakyRelu QLinearSoftmax', inferSame),
  ...rows('Gelu FastGelu BiasGelu QuickGelu', inferSame),
  ['QuantizeLinear', quantized.inferQuantizeLinear],
  ['DequantizeLinear', quantized.inferDequantizeLinear],
])

/** Domain → operator → inference. '' and ai.onnx are the same domain. */
export const SHAPE_RULES: ReadonlyMap<string, ReadonlyMap<string, Infer>> = new Map([
  ['', STANDARD],
  ['ai.onnx', STANDARD],
  ['com.microsoft', MICROSOFT],
])
