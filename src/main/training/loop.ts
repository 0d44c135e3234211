import { Fault } from '../../shared/contract/fault.ts'
import type { Tensor, TensorEngine, Variable } from '../engines/tensor-api.ts'
import { firstNonFinite } from './divergence.ts'
import { softmaxCrossEntropy } from './loss.ts'
import { checkLabels, classScores, countRight, measureGraph, tensorsOf, type TrainBatch } from './measure.ts'
import { createOptimizer, type Learned, type Optimizer } from './optimizer.ts'
import type { TrainOptions } from './options.ts'
import { learningRateAt } from './schedule.ts'
import { assignTensors } from './state.ts'
import type { ForwardOptions, TrainableGraph } from './trainable/graph.ts'

/** Where batches come from; reading ahead and augmentation are the source's own affair. */
export interface TrainData {
  /** batches of an epoch, augmented and in an order, both of which depend on seed and epoch only */
  train(epoch: number): AsyncIterable<TrainBatch>
  /** samples in an epoch */
  readonly trainCount: number
  validation(): AsyncIterable<TrainBatch>
  readonly validationCount: number
  /** lowest and highest label of all samples, where they are known without reading them */
  readonly labelRange?: readonly [number, number] | null
}

/** What one epoch came to. Rates in 0–1. */
export interface EpochMetrics {
  /** from 1 */
  readonly epoch: number
  readonly learningRate: number
  readonly loss: number
  readonly accuracy: number
  /** null without validation samples */
  readonly validationLoss: number | null
  readonly validationAccuracy: number | null
  /** samples a second, of the steps alone */
  readonly samplesPerSecond: number
}

/** Everything that going on after an interruption needs, beside the options. */
export interface TrainState {
  /** epochs done */
  readonly epoch: number
  readonly steps: number
  readonly history: readonly EpochMetrics[]
  /** learned tensors, running statistics, and the optimiser's slots */
  readonly tensors: ReadonlyMap<string, Float32Array>
}

export interface TrainPorts {
  readonly data: TrainData
  readonly signal: AbortSignal
  /** milliseconds from any start */
  readonly now: () => number
  readonly onStep: (step: { readonly epoch: number; readonly done: number; readonly loss: number }) => void
  /** after each epoch, with what a checkpoint must hold; `best`: no epoch before was better */
  readonly onEpoch: (metrics: EpochMetrics, state: TrainState, best: boolean) => Promise<void>
  /** fake quantization, where it is learned for integers */
  readonly quantizer?: TrainQuantizer
}

/** What stands between the values of a graph and their use while it is trained for integers. */
export interface TrainQuantizer {
  /** for one forward pass; ranges of activations may move in those that are `learning` */
  hooks(epoch: number, learning: boolean): Pick<ForwardOptions, 'onWeight' | 'onTensor'>
  /** what is learned beside the graph's weights: step sizes */
  readonly learned: readonly Learned[]
  /** what a checkpoint must hold beside all that is learned: ranges */
  tensors(): ReadonlyMap<string, Float32Array>
  load(tensors: ReadonlyMap<string, Float32Array>): void
}

export interface TrainResult {
  readonly history: readonly EpochMetrics[]
  /** epoch of the kept weights, from 1; 0 when none was trained */
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
}

/**
 * Trains a graph, and leaves it with the weights of the best epoch by validation loss (of the last without validation samples).
 * @param resume where an interrupted training of the same options goes on; its result is then that of an uninterrupted one
 * @throws Fault engine.trainingDiverged naming the first layer with values that are no numbers; data.labelOutOfRange; the signal's reason
 */
export async function train(
  engine: TensorEngine,
  graph: TrainableGraph,
  options: TrainOptions,
  ports: TrainPorts,
  resume: TrainState | null = null,
): Promise<TrainResult> {
  const weights = graph.weights.map(({ name, decays }) => ({ name, decays, variable: graph.variables.get(name)! }))
  const learned = [...weights, ...(ports.quantizer?.learned ?? [])].filter(({ variable }) => variable.trainable)
  const optimizer = createOptimizer(engine, learned, options)
  const trainer = new Trainer(engine, graph, options, ports, optimizer, learned)
  try {
    if (resume) trainer.restore(resume)
    return await trainer.run(resume)
  } finally {
    optimizer.dispose()
  }
}

class Trainer {
  readonly #engine: TensorEngine
  readonly #graph: TrainableGraph
  readonly #options: TrainOptions
  readonly #ports: TrainPorts
  readonly #optimizer: Optimizer
  readonly #learned: readonly Learned[]
  readonly #input: string

  constructor(
    engine: TensorEngine,
    graph: TrainableGraph,
    options: TrainOptions,
    ports: TrainPorts,
    optimizer: Optimizer,
    learned: readonly Learned[],
  ) {
    this.#learned = learned
    this.#engine = engine
    this.#graph = graph
    this.#options = options
    this.#ports = ports
    this.#optimizer = optimizer
    this.#input = graph.model.graph.inputs[0]!.name
  }

  async run(resume: TrainState | null): Promise<TrainResult> {
    const { epochs, patience } = this.#options
    const history: EpochMetrics[] = [...(resume?.history ?? [])]
    let best = bestOf(history)
    let bestTensors: ReadonlyMap<string, Float32Array> | null = null
    let stoppedEarly = false
    for (let epoch = (resume?.epoch ?? 0) + 1; epoch <= epochs; epoch++) {
      const metrics = await this.#epoch(epoch)
      history.push(metrics)
      const isBest = bestOf(history) === epoch
      const tensors = this.#tensors()
      this.#assertFinite(metrics, tensors)
      if (isBest) [best, bestTensors] = [epoch, tensors]
      await this.#ports.onEpoch(
        metrics,
        { epoch, steps: this.#optimizer.steps, history: [...history], tensors },
        isBest,
      )
      if (patience !== null && epoch - best >= patience) {
        stoppedEarly = true
        break
      }
    }
    // a best epoch from before the interruption lies in the file that was kept of it
    if (bestTensors) this.#load(bestTensors)
    return { history, bestEpoch: best, stoppedEarly }
  }

  restore({ steps, tensors }: TrainState): void {
    this.#optimizer.steps = steps
    this.#load(tensors)
  }

  async #epoch(epoch: number): Promise<EpochMetrics> {
    const { data, signal, now, onStep } = this.#ports
    const { epochs } = this.#options
    let [done, loss, right, busy, rate] = [0, 0, 0, 0, 0]
    for await (const batch of data.train(epoch)) {
      signal.throwIfAborted()
      rate = learningRateAt((epoch - 1 + done / data.trainCount) / epochs, this.#options)
      const start = now()
      const step = this.#step(batch, rate, epoch)
      busy += now() - start
      const count = batch.labels.length
      done += count
      loss += step.loss * count
      right += step.right
      onStep({ epoch, done, loss: step.loss })
    }
    const validation = await this.#validate(epoch)
    return {
      epoch,
      learningRate: rate,
      loss: loss / done,
      accuracy: right / done,
      validationLoss: validation?.loss ?? null,
      validationAccuracy: validation?.accuracy ?? null,
      samplesPerSecond: (done / busy) * 1000,
    }
  }

  #step(batch: TrainBatch, rate: number, epoch: number): { loss: number; right: number } {
    const { tf } = this.#engine
    const seed = this.#optimizer.steps
    return tf.tidy(() => {
      const { x, labels } = tensorsOf(tf, batch)
      const kept: { scores: Tensor | null } = { scores: null }
      const variables = this.#learned.map(({ variable }) => variable)
      const { value, grads } = tf.variableGrads(() => {
        const scores = classScores(tf, this.#graph, x, {
          training: true,
          seed,
          ...this.#ports.quantizer?.hooks(epoch, true),
        })
        checkLabels(this.#ports.data.labelRange ?? [], scores)
        checkLabels(batch.labels, scores)
        kept.scores = tf.keep(scores.clone())
        return softmaxCrossEntropy(this.#engine, scores, labels, this.#options.labelSmoothing).asScalar()
      }, variables)
      const loss = value.dataSync()[0]!
      const right = countRight(kept.scores!.dataSync() as Float32Array, batch.labels)
      kept.scores!.dispose()
      if (!Number.isFinite(loss)) throw this.#diverged(x, epoch, seed)
      this.#optimizer.apply(grads, rate)
      return { loss, right }
    })
  }

  #diverged(x: Tensor, epoch: number, seed: number): Fault {
    return this.#divergedIn(this.#layerOf(x, epoch, seed), epoch)
  }

  #layerOf(x: Tensor, epoch: number, seed: number): string | null {
    return firstNonFinite(
      this.#engine.tf,
      this.#graph,
      { [this.#input]: x },
      { training: true, seed, ...this.#ports.quantizer?.hooks(epoch, false) },
    )
  }

  /** A last step may spoil the weights without anything having been computed with them. */
  #assertFinite({ epoch, validationLoss }: EpochMetrics, tensors: ReadonlyMap<string, Float32Array>): void {
    const spoilt = [...this.#all().keys()].find((name) => !tensors.get(name)!.every(Number.isFinite))
    if (spoilt === undefined && (validationLoss === null || Number.isFinite(validationLoss))) return
    throw this.#divergedIn(spoilt === undefined ? null : readerOf(this.#graph, spoilt), epoch)
  }

  #divergedIn(layer: string | null, epoch: number): Fault {
    return new Fault(
      'engine.trainingDiverged',
      `Training came apart in epoch ${epoch}: the loss is no number any more${layer === null ? '' : `, first seen in layer '${layer}'`}. The last good epoch is kept; try a lower learning rate.`,
      { epoch, layer },
    )
  }

  async #validate(epoch: number): Promise<{ loss: number; accuracy: number } | null> {
    const { data, signal, quantizer } = this.#ports
    if (data.validationCount === 0) return null
    const options = (): ForwardOptions => ({ training: false, ...quantizer?.hooks(epoch, false) })
    return measureGraph(this.#engine, this.#graph, data.validation(), options, signal)
  }

  /** By name: what is learned, and what runs along. */
  #all(): Map<string, Variable> {
    const steps = (this.#ports.quantizer?.learned ?? []).map(({ name, variable }) => [name, variable] as const)
    return new Map([...this.#graph.variables, ...this.#graph.statistics, ...steps])
  }

  #tensors(): Map<string, Float32Array> {
    const values = [...this.#all()].map(([name, variable]) => [name, Float32Array.from(variable.dataSync())] as const)
    return new Map([...values, ...this.#optimizer.tensors(), ...(this.#ports.quantizer?.tensors() ?? [])])
  }

  #load(tensors: ReadonlyMap<string, Float32Array>): void {
    assignTensors(this.#engine.tf, this.#all(), tensors)
    this.#optimizer.load(tensors)
    this.#ports.quantizer?.load(tensors)
  }
}

/** The epoch with the lowest validation loss, the last where nothing was validated; 0 for none. */
function bestOf(history: readonly EpochMetrics[]): number {
  let best: EpochMetrics | null = null
  for (const metrics of history) {
    if (best === null || (metrics.validationLoss ?? 0) <= (best.validationLoss ?? 0)) best = metrics
  }
  return best?.epoch ?? 0
}

/** The node that a learned tensor belongs to. */
function readerOf({ model }: TrainableGraph, name: string): string | null {
  return model.graph.nodes.find(({ inputs }) => inputs.includes(name))?.name ?? null
}
