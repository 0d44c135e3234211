import * as axes from './adapters/axes.ts'
import * as bounds from './adapters/bounds.ts'
import * as normalization from './adapters/normalization.ts'
import * as renamed from './adapters/renamed.ts'
import * as resize from './adapters/resize.ts'
import * as softmax from './adapters/softmax.ts'
import type { Adapter } from './scope.ts'

/** What is known of an operator's past: the versions its definition dates from, and what to do at those that changed its meaning. */
export interface OpHistory {
  /** since-versions, rising */
  readonly versions: readonly number[]
  /** version → adapter; at the other versions the operator only gained types, inputs or attributes whose default is the old meaning */
  readonly adapters: ReadonlyMap<number, Adapter>
  /** version from which the operator is gone, after its adapter has replaced it */
  readonly goneAt: number | null
}

function row(
  names: string,
  versions: string,
  adapters: Readonly<Record<number, Adapter>> = {},
  goneAt: number | null = null,
): [string, OpHistory][] {
  const history: OpHistory = {
    versions: versions.split(' ').map(Number),
    adapters: new Map(Object.entries(adapters).map(([version, adapter]) => [Number(version), adapter])),
    goneAt,
  }
  return names.split(' ').map((name) => [name, history])
}

/**
 * The operators of ai.onnx, the versions at which each was defined anew, and how a node is carried over each change of meaning.
 * Source: ONNX Changelog (docs/Changelog.md), the versions as in onnx 1.23.2 `onnx.defs.get_all_schemas_with_history`.
 */
export const OP_HISTORY: ReadonlyMap<string, OpHistory> = new Map([
  // sliding windows
  ...row('Conv ConvTranspose', '1 11 22'),
  ...row('MaxPool', '1 8 10 11 12 22'),
  ...row('AveragePool', '1 7 10 11 19 22'),
  ...row('LpPool', '1 2 11 18 22'),
  ...row('MaxUnpool', '9 11 22'),
  ...row('GlobalAveragePool GlobalMaxPool', '1 22'),
  ...row('GlobalLpPool', '1 2 22'),
  ...row('MaxRoiPool', '1 22'),
  ...row('DeformConv', '19 22'),
  ...row('Col2Im', '18'),
  // matrices
  ...row('Gemm', '1 6 7 9 11 13'),
  ...row('MatMul', '1 9 13'),
  ...row('Einsum', '12'),
  ...row('Det', '11 22'),
  ...row('Attention', '23 24 25'),
  ...row('RotaryEmbedding', '23'),
  // arithmetic and logic with broadcasting
  ...row('Add Sub Mul Div', '1 6 7 13 14'),
  ...row('Pow', '1 7 12 13 15'),
  ...row('Mod', '10 13'),
  ...row('Sum Mean', '1 6 8 13'),
  ...row('Max Min', '1 6 8 12 13'),
  ...row('And Or Xor', '1 7'),
  ...row('Not', '1'),
  ...row('Equal', '1 7 11 13 19'),
  ...row('Less Greater', '1 7 9 13'),
  ...row('LessOrEqual GreaterOrEqual', '12 16'),
  ...row('Where', '9 16'),
  ...row('BitShift', '11'),
  ...row('BitwiseAnd BitwiseOr BitwiseXor BitwiseNot', '18'),
  // activations and functions of one element
  ...row('Abs Neg Floor Ceil Exp Log Sqrt Reciprocal Sigmoid Tanh', '1 6 13'),
  ...row('Relu', '1 6 13 14'),
  ...row('Elu Selu HardSigmoid', '1 6 22'),
  ...row('LeakyRelu', '1 6 16'),
  ...row('PRelu', '1 6 7 9 16'),
  ...row('Softplus Softsign', '1 22'),
  // experimental in 1, so not in today's schemas; ONNX Runtime still runs it
  ...row('ThresholdedRelu', '1 10 22'),
  ...row('Celu', '12'),
  ...row('HardSwish', '14 22'),
  ...row('Mish', '18 22'),
  ...row('Gelu', '20'),
  ...row('Swish', '24'),
  ...row('Shrink', '9'),
  ...row('Erf Sign', '9 13'),
  ...row('Round', '11 22'),
  ...row('Acos Asin Atan Cos Sin Tan', '7 22'),
  ...row('Acosh Asinh Atanh Cosh Sinh', '9 22'),
  ...row('IsNaN', '9 13 20'),
  ...row('IsInf', '10 20'),
  ...row('Clip', '1 6 11 12 13', { 11: bounds.clipToInputs }),
  ...row('Identity', '1 13 14 16 19 21 23 24 25'),
  ...row('Dropout', '1 6 7 10 12 13 22', { 12: normalization.dropoutRatio }),
  // normalization
  ...row('BatchNormalization', '1 6 7 9 14 15', {
    9: normalization.batchNormSpatial,
    14: normalization.batchNormOutputs,
  }),
  ...row('InstanceNormalization', '1 6 22'),
  ...row('GroupNormalization', '18 21', { 21: normalization.groupNormChannels }),
  ...row('LayerNormalization', '17'),
  ...row('RMSNormalization', '23'),
  ...row('LRN', '1 13'),
  ...row('LpNormalization', '1 22'),
  ...row('MeanVarianceNormalization', '9 13'),
  ...row('Softmax LogSoftmax Hardmax', '1 11 13', { 13: softmax.softmaxAlongAxis }),
  // rearranging
  ...row('Reshape', '1 5 13 14 19 21 23 24 25'),
  ...row('Flatten', '1 9 11 13 21 23 24 25'),
  ...row('Transpose', '1 13 21 23 24 25'),
  ...row('Squeeze', '1 11 13 21 23 24 25', { 13: axes.axesToInput }),
  ...row('Unsqueeze', '1 11 13 21 23 24 25', { 13: axes.requiredAxesToInput }),
  ...row('Expand', '8 13'),
  ...row('Tile', '1 6 13'),
  ...row('DepthToSpace', '1 11 13'),
  ...row('SpaceToDepth', '1 13'),
  ...row('Concat', '1 4 11 13'),
  ...row('Split', '1 2 11 13 18', { 13: axes.splitToInput, 18: axes.splitNumOutputs }),
  ...row('Slice', '1 10 11 13', { 10: axes.sliceToInputs }),
  ...row('Pad', '1 2 11 13 18 19 21 23 24 25', { 11: bounds.padToInputs }),
  ...row('CenterCropPad', '18'),
  ...row('Gather', '1 11 13'),
  ...row('GatherElements', '11 13'),
  ...row('GatherND', '11 12 13'),
  ...row('Scatter', '9 11', { 11: renamed.scatterToElements }, 11),
  ...row('ScatterElements ScatterND', '11 13 16 18'),
  ...row('TensorScatter', '24'),
  ...row('Trilu', '14'),
  ...row('Compress', '9 11'),
  ...row('OneHot', '9 11'),
  ...row('ReverseSequence', '10'),
  ...row('Unique', '11'),
  // images
  ...row('Upsample', '1 7 9 10', { 9: resize.upsampleToInputs, 10: resize.upsampleToResize }, 10),
  ...row('Resize', '10 11 13 18 19', { 11: resize.resizeToCoordinates, 13: resize.resizeOptionalInputs }),
  ...row('GridSample', '16 20 22', { 20: renamed.gridSampleModes }),
  ...row('AffineGrid', '20'),
  ...row('RoiAlign', '10 16 22', { 16: renamed.roiAlignMode }),
  ...row('NonMaxSuppression', '10 11'),
  ...row('ImageDecoder', '20'),
  // reductions
  ...row('ReduceSum', '1 11 13', { 13: axes.axesToInput }),
  ...row('ReduceMean ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare', '1 11 13 18', {
    18: axes.axesToInput,
  }),
  ...row('ReduceMax ReduceMin', '1 11 12 13 18 20', { 18: axes.axesToInput }),
  ...row('ArgMax ArgMin', '1 11 12 13'),
  ...row('TopK', '1 10 11 24', { 10: axes.topKToInput }),
  ...row('CumSum', '11 14'),
  ...row('CumProd', '26'),
  // constants, shapes, types
  ...row('Constant', '1 9 11 12 13 19 21 23 24 25'),
  ...row('ConstantOfShape', '9 20 21 23 24 25'),
  ...row('Shape', '1 13 15 19 21 23 24 25'),
  ...row('Size', '1 13 19 21 23 24 25'),
  ...row('Range', '11'),
  ...row('EyeLike', '9 22'),
  ...row('NonZero', '9 13'),
  ...row('Cast', '1 6 9 13 19 21 23 24 25'),
  ...row('CastLike', '15 19 21 23 24 25'),
  ...row('BitCast', '26'),
  ...row('RandomNormal RandomNormalLike RandomUniform RandomUniformLike', '1 22'),
  ...row('Multinomial', '7 22'),
  ...row('Bernoulli', '15 22'),
  // quantization
  ...row('QuantizeLinear DequantizeLinear', '10 13 19 21 23 24 25'),
  ...row('DynamicQuantizeLinear', '11'),
  ...row('QLinearConv ConvInteger MatMulInteger', '10'),
  ...row('QLinearMatMul', '10 21'),
  // recurrent networks and control
  ...row('LSTM RNN', '1 7 14 22'),
  ...row('GRU', '1 3 7 14 22'),
  ...row('If', '1 11 13 16 19 21 23 24 25'),
  ...row('Loop', '1 11 13 16 19 21 23 24 25'),
  ...row('Scan', '8 9 11 16 19 21 23 24 25', { 9: renamed.refuseScan }),
  // sequences, optionals, text, signals, losses
  ...row(
    'ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength',
    '11',
  ),
  ...row('SequenceMap', '17'),
  ...row('SplitToSequence', '11 24'),
  ...row('Optional', '15'),
  ...row('OptionalGetElement OptionalHasElement', '15 18'),
  ...row('StringNormalizer', '10'),
  ...row('StringConcat StringSplit RegexFullMatch', '20'),
  ...row('TfIdfVectorizer', '9'),
  ...row('BlackmanWindow HammingWindow HannWindow MelWeightMatrix STFT', '17'),
  ...row('DFT', '17 20', { 20: axes.dftAxisToInput }),
  ...row('NegativeLogLikelihoodLoss', '12 13 22'),
  ...row('SoftmaxCrossEntropyLoss', '12 13'),
])
