import type { LayerInfo } from '../../shared/contract/model.ts'
import type { ValueSpec } from '../../shared/contract/tensor.ts'
import type { Engine } from '../engines/port.ts'
import { findLayers, parametersIn } from '../graph/layers/index.ts'
import type { Model, ValueInfo } from '../graph/model.ts'
import { inferShapes, type ShapeMap } from '../graph/shapes/index.ts'
import { graphsOf } from '../graph/traversal.ts'
import { checkNumerics, type NumericsCheck } from './prepare/check-numerics.ts'
import { fillShapes, observeShapes, type ConcreteShapes } from './prepare/observe-shapes.ts'
import { declareOutputs, PREPARED_OPSET, rewriteModel } from './prepare/rewrite-model.ts'
import { batchAxis, candidateShapes, fedInputs, type InputShapes } from './prepare/sample-feeds.ts'
import { refuseHugeTensors } from './prepare/refuse-huge.ts'
import { findTrials, type Trials } from './prepare/trials.ts'

export interface PrepareDeps {
  readonly engine: Engine
  readonly signal?: AbortSignal
  /** the file the model came from: spares the engine a copy of its weights */
  readonly sourcePath?: string
  /** hears what it is at: `preparing`, `checking` */
  readonly onStage?: (stage: string) => void
}

export interface PrepareOptions {
  /** wanted version of ai.onnx, at least 13; a model at it or beyond keeps its own. 21 for int4 and int16 (DESIGN section 5) */
  readonly opset?: number
  /** dims of inputs to run with, where the file leaves them open and 224 or the like would be wrong */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>
}

/** A model ready to be quantized; layers, plans and calibration refer to its node and tensor names. */
export interface PreparedModel {
  readonly model: Model
  readonly layers: readonly LayerInfo[]
  /** what is known of each tensor: inferred, gaps filled from runs */
  readonly shapes: ShapeMap
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  /** dims of the inputs in the runs that shapes, multiply-accumulates and the check come from; one sample where the batch is open */
  readonly sampleShapes: InputShapes
  /** floating-point numbers in the initializers, subgraphs included */
  readonly parameters: number
  /** multiply-accumulates of one sample; null where a layer's are unknown */
  readonly macs: number | null
  /** null when preparation changed nothing that could change results */
  readonly check: NumericsCheck | null
  /** sentences: what was changed or could not be */
  readonly notes: readonly string[]
}

/**
 * Makes a model ready for quantization (DESIGN section 5, Preparation): ids, initializer inputs dropped, opset ≥ 13, constants and
 * BatchNormalization folded, dead and idle nodes dropped; then finds its layers and compares results with the original's on
 * seeded inputs (normal, 0–1, 0–255; a batch of two where the batch is open). Weights are shared with `source`, never copied,
 * unless a fold changes them. A model that needs nothing comes back as the same value.
 * @throws Fault model.opsetUpgrade, model.shapeMismatch, model.noInputShape, model.tooLarge, model.preparationDiverges, usage.inputShape,
 *   engine.* when ONNX Runtime refuses the model; the signal's reason when aborted
 */
export async function prepareModel(
  source: Model,
  deps: PrepareDeps,
  options: PrepareOptions = {},
): Promise<PreparedModel> {
  const notes: string[] = []
  const note = (sentence: string): void => void notes.push(sentence)
  refuseHugeTensors(source)
  deps.onStage?.('preparing')
  const rewritten = await rewriteModel(
    source,
    deps.engine,
    Math.max(options.opset ?? PREPARED_OPSET, PREPARED_OPSET),
    note,
  )
  deps.signal?.throwIfAborted()
  const shapes = inferShapes(rewritten, {
    onProblem: ({ where, message }) => note(`Shapes contradict each other at ${where}: ${message}.`),
  })
  deps.onStage?.('checking')
  const settled = await settleShapes(source, rewritten, shapes, deps, options, note)
  const filled =
    settled.two === null && settled.one.size === 0 ? shapes : fillShapes(rewritten, shapes, settled.one, settled.two)
  const model = declareOutputs(rewritten, filled)
  const batch = batchAxis(model) === null ? undefined : sampleCount(model, settled.inputs)
  const layers = findLayers(model, filled, { observed: settled.one, batch })
  return {
    model,
    layers,
    shapes: filled,
    inputs: fedInputs(model).flatMap(specOf),
    outputs: model.graph.outputs.flatMap((output) =>
      specOf({ ...output, shape: output.shape ?? filled.get(output.name)?.shape ?? null }),
    ),
    sampleShapes: settled.inputs,
    parameters: countParameters(model),
    macs: layers.some((layer) => layer.macs === null) ? null : layers.reduce((sum, layer) => sum + layer.macs!, 0),
    check: settled.check,
    notes,
  }
}

interface Settled {
  readonly inputs: InputShapes
  readonly one: ConcreteShapes
  readonly two: ConcreteShapes | null
  readonly check: NumericsCheck | null
}

/** Runs what has to be run: the original to find input sizes and results, both to compare, the prepared one to see shapes. */
async function settleShapes(
  source: Model,
  model: Model,
  shapes: ShapeMap,
  deps: PrepareDeps,
  options: PrepareOptions,
  note: (sentence: string) => void,
): Promise<Settled> {
  const { engine, signal, sourcePath } = deps
  const given = options.inputShapes ?? {}
  const changed = model.graph.nodes !== source.graph.nodes || model.graph.initializers !== source.graph.initializers
  const candidates = candidateShapes(source, 1, given)
  const isGap = (name: string): boolean => shapes.get(name)?.shape?.every((dim) => dim !== null) !== true
  const hasGaps = model.graph.nodes.some((node) => node.outputs.some((name) => name !== '' && isGap(name)))
  if (!changed && candidates.length === 1 && !hasGaps) {
    return { inputs: candidates[0]!, one: await observeShapes(engine, model, candidates[0]!), two: null, check: null }
  }
  const trials: Trials = await findTrials(source, { engine, signal, sourcePath, given, quick: !changed })
  signal?.throwIfAborted()
  const check = changed
    ? await checkNumerics({ engine, source, prepared: model, trials: trials.list, signal, note })
    : null
  const one = await observeShapes(engine, model, trials.one)
  const two = trials.two && (await observeShapes(engine, model, trials.two))
  return { inputs: trials.one, one, two, check }
}

function sampleCount(model: Model, inputs: InputShapes): number {
  const first = fedInputs(model).find((input) => input.shape !== null && input.shape.length > 1)
  return (first && inputs.get(first.name)?.[0]) ?? 1
}

function countParameters(model: Model): number {
  return [...graphsOf(model.graph)]
    .flatMap((graph) => [...graph.initializers.values()])
    .reduce((sum, tensor) => sum + parametersIn(tensor), 0)
}

function specOf({ name, dataType, shape }: ValueInfo): ValueSpec[] {
  return dataType === null ? [] : [{ name, dataType, shape }]
}
