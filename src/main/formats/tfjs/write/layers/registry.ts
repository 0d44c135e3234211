import type { Node } from '../../../../graph/model.ts'
import * as activations from './activations.ts'
import * as arrange from './arrange.ts'
import { gemm, matMul } from './dense.ts'
import type { LayerExporter } from './exporter.ts'
import { merge } from './merge.ts'
import * as windows from './windows.ts'

/** Writes one ONNX node as layers. */
export type WriteLayer = (to: LayerExporter, node: Node) => void

/** ONNX operator → how it is written as Keras layers. Source: ONNX Operators; tfjs-layers 4.22, exports_layers. */
export const LAYER_WRITERS: ReadonlyMap<string, WriteLayer> = new Map<string, WriteLayer>([
  ['Add', merge],
  ['AveragePool', windows.averagePool],
  ['BatchNormalization', windows.batchNorm],
  ['Clip', activations.clip],
  ['Concat', arrange.concat],
  ['Conv', windows.conv],
  ['ConvTranspose', windows.convTranspose],
  ['Div', merge],
  ['Dropout', arrange.identity],
  ['Elu', activations.elu],
  ['Flatten', arrange.reshape],
  ['Gemm', gemm],
  ['GlobalAveragePool', windows.globalPool('Average')],
  ['GlobalMaxPool', windows.globalPool('Max')],
  ['HardSigmoid', activations.hardSigmoid],
  ['HardSwish', activations.hardSigmoid],
  ['Identity', arrange.identity],
  ['LayerNormalization', arrange.layerNorm],
  ['LeakyRelu', activations.leakyRelu],
  ['LogSoftmax', activations.softmax],
  ['MatMul', matMul],
  ['Max', merge],
  ['MaxPool', windows.maxPool],
  ['Min', merge],
  ['Mul', merge],
  ['PRelu', activations.prelu],
  ['Pad', windows.pad],
  ['ReduceMax', windows.reduce('Max')],
  ['ReduceMean', windows.reduce('Average')],
  ['Relu', activations.named],
  ['Reshape', arrange.reshape],
  ['Resize', windows.resize],
  ['Selu', activations.named],
  ['Sigmoid', activations.named],
  ['Slice', arrange.slice],
  ['Softmax', activations.softmax],
  ['Softplus', activations.named],
  ['Softsign', activations.named],
  ['Squeeze', arrange.reshape],
  ['Sub', merge],
  ['Sum', merge],
  ['Tanh', activations.named],
  ['Transpose', arrange.transpose],
  ['Unsqueeze', arrange.reshape],
])
