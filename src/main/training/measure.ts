import { Fault } from '../../shared/contract/fault.ts'
import type { Tensor, TensorEngine, Tfjs } from '../engines/tensor-api.ts'
import { softmaxCrossEntropy } from './loss.ts'
import type { ForwardOptions, TrainableGraph } from './trainable/graph.ts'

/** Samples of one step, in ONNX's layout. */
export interface TrainBatch {
  readonly values: Float32Array
  readonly dims: readonly number[]
  /** class indices */
  readonly labels: Int32Array
}

/** Mean loss and share of right answers (0–1) of a graph over batches, computed on the learning engine. */
export async function measureGraph(
  engine: TensorEngine,
  graph: TrainableGraph,
  batches: AsyncIterable<TrainBatch>,
  options: () => ForwardOptions,
  signal: AbortSignal,
): Promise<{ loss: number; accuracy: number; samples: number }> {
  const { tf } = engine
  let [samples, loss, right] = [0, 0, 0]
  for await (const batch of batches) {
    signal.throwIfAborted()
    tf.tidy(() => {
      const { x, labels } = tensorsOf(tf, batch)
      const scores = classScores(tf, graph, x, options())
      checkLabels(batch.labels, scores)
      loss += softmaxCrossEntropy(engine, scores, labels).dataSync()[0]! * batch.labels.length
      right += countRight(scores.dataSync() as Float32Array, batch.labels)
    })
    samples += batch.labels.length
  }
  return { loss: loss / samples, accuracy: right / samples, samples }
}

/** A batch as the engine takes it. */
export function tensorsOf(tf: Tfjs, { values, dims, labels }: TrainBatch): { x: Tensor; labels: Tensor } {
  return { x: tf.tensor(values, [...dims], 'float32'), labels: tf.tensor1d(labels, 'int32') }
}

/** [batch, classes], whatever axes of length 1 the graph leaves behind. */
export function classScores(tf: Tfjs, graph: TrainableGraph, x: Tensor, options: ForwardOptions): Tensor {
  const scores = graph.forward({ [graph.model.graph.inputs[0]!.name]: x }, options)[0]!
  return scores.rank === 2 ? scores : tf.reshape(scores, [x.shape[0], -1])
}

/** Every label must be one of the classes that are scored. @throws Fault data.labelOutOfRange */
export function checkLabels(labels: ArrayLike<number>, scores: Tensor): void {
  const classes = scores.shape[1]!
  const wrong = Array.from(labels).find((label) => label < 0 || label >= classes)
  if (wrong === undefined) return
  throw new Fault(
    'data.labelOutOfRange',
    `The data have a label ${wrong}, and the model scores ${classes} classes (0 to ${classes - 1}). Train with --classes to replace its head.`,
    { label: wrong, classes },
  )
}

/** Rows whose highest score, the first where several are equal, is that of their label. */
export function countRight(scores: Float32Array, labels: Int32Array): number {
  const classes = scores.length / labels.length
  let right = 0
  for (let i = 0; i < labels.length; i++) {
    let top = 0
    for (let c = 1; c < classes; c++) if (scores[i * classes + c]! > scores[i * classes + top]!) top = c
    if (top === labels[i]) right++
  }
  return right
}
