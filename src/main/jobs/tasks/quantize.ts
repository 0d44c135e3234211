import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { decodeCollection } from '../../calibration/collection-codec.ts'
import { rangeSource } from '../../calibration/range-source.ts'
import { upgradeOpset } from '../../formats/onnx/upgrade/index.ts'
import type { Model } from '../../graph/model.ts'
import type { Problem } from '../../graph/problem.ts'
import type { RangeSource } from '../../quant/params.ts'
import { quantizeModel, type QuantizeReport } from '../../quant/quantize.ts'
import {
  bundleQuantizer,
  decodeBundle,
  repairedTensors,
  withReducedRange,
  withRepairedBiases,
  type RepairBundle,
} from '../../quant/repairs/bundle.ts'
import { requiredOpset, resolvePlan } from '../../quant/resolve-plan.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'

export interface QuantizeTaskInput {
  /** path of the prepared model, equalized where that repair was kept */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model, which the plan must be for */
  readonly hash: string
  /** bytes of the calibration collection; null when no layer is static */
  readonly collection: Uint8Array | null
  /** `encodeBundle`; null without repairs */
  readonly bundle: Uint8Array | null
  /** where the quantized model goes, overwriting what is there */
  readonly output: string
}

export interface QuantizeTaskOutput {
  readonly report: QuantizeReport
  readonly sizeBytes: number
}

/** Applies a plan to a prepared model and writes the result. @throws Fault plan.*, model.opsetUpgrade, file.* */
export function createQuantizeTask(): Task<QuantizeTaskInput, QuantizeTaskOutput> {
  return async ({ prepared, layers, plan, hash, collection, bundle: bytes, output }, { signal }) => {
    const { model } = await readModelFile(prepared, { signal })
    const bundle = bytes === null ? noRepairs : decodeBundle(bytes)
    const resolved = resolvePlan(withReducedRange(plan, bundle.reduced), layers, model, hash)
    const raised = raiseOpset(model, requiredOpset(resolved))
    const ranges =
      collection === null ? noRanges : rangeSource(decodeCollection(collection), repairedTensors(plan, bundle))
    const weighted = resolved.layers.flatMap(({ layer, decision }) =>
      decision.kind === 'quantized' ? [{ layer, decision }] : [],
    )
    const { model: quantized, report } = quantizeModel({
      model: withRepairedBiases(raised, weighted, bundle),
      resolved,
      ranges,
      quantizeWeights: bundleQuantizer(bundle),
    })
    signal.throwIfAborted()
    const { sizeBytes } = await writeModelFile(quantized, output, { force: true, signal })
    return { report, sizeBytes }
  }
}

const noRepairs: RepairBundle = { layers: new Map(), ranges: {}, reduced: [] }

/** Stands in where nothing was calibrated: modes other than static never ask. */
const noRanges: RangeSource = {
  rangeOf: (tensor) => {
    throw new Fault(
      'plan.noStatistics',
      `The plan has static layers, but nothing was calibrated for ${tensor}: give --data.`,
      { tensor },
    )
  },
}

/** The model at an opset that holds the types of a plan. @throws Fault model.opsetUpgrade */
export function raiseOpset(model: Model, needed: number): Model {
  if ((model.opsets.get('') ?? 0) >= needed) return model
  const problems: Problem[] = []
  const raised = upgradeOpset(model, needed, (problem) => problems.push(problem))
  const [first] = problems
  if (!first) return raised
  throw new Fault(
    'model.opsetUpgrade',
    `The plan's types need opset ${needed}, which the model cannot be carried over to: ${first.where}: ${first.message}.`,
    {
      opset: needed,
      nodes: problems.map((problem) => problem.where),
    },
  )
}
