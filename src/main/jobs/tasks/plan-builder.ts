import { stat } from 'node:fs/promises'
import { Fault } from '../../../shared/contract/fault.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Collection } from '../../calibration/collection.ts'
import { rangeSource } from '../../calibration/range-source.ts'
import type { Model } from '../../graph/model.ts'
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
import { readOwnModelFile } from '../model-file.ts'
import { readCollection } from './collection-file.ts'
import { raiseOpset } from './raise-opset.ts'

/** A plan and all that it is applied to. */
export interface PlanInput {
  /** path of the prepared model, equalized where that repair was kept */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model, which the plan must be for */
  readonly hash: string
  /** path of the calibration collection, whose content never changes; null when no layer is static */
  readonly collection: string | null
  /** `encodeBundle`; null without repairs */
  readonly bundle: Uint8Array | null
}

/** The model that a plan makes, with what was done to each layer. */
export interface BuiltPlan {
  /** what the plan was applied to: constants that it leaves alone are the same arrays */
  readonly prepared: Model
  readonly model: Model
  readonly report: QuantizeReport
}

/** Prepared models of more bytes are read again for each plan: every worker would keep its own. */
const KEPT_BYTES = 256 * 2 ** 20

/** Applies plans to a prepared model. What they have in common, the model and its statistics, is kept from one plan to the next. */
export class PlanBuilder {
  #model: { readonly key: string; readonly model: Model } | null = null
  #collection: { readonly path: string; readonly collection: Collection } | null = null

  /** @throws Fault plan.*, model.opsetUpgrade, file.*; the signal's reason */
  async build(input: PlanInput, signal: AbortSignal): Promise<BuiltPlan> {
    const { plan, layers, hash, collection, bundle: bytes } = input
    const model = await this.#prepared(input.prepared, signal)
    const bundle = bytes === null ? noRepairs : decodeBundle(bytes)
    const resolved = resolvePlan(withReducedRange(plan, bundle.reduced), layers, model, hash)
    const raised = raiseOpset(model, requiredOpset(resolved))
    const ranges =
      collection === null ? noRanges : rangeSource(await this.#read(collection), repairedTensors(plan, bundle))
    const weighted = resolved.layers.flatMap(({ layer, decision }) =>
      decision.kind === 'quantized' ? [{ layer, decision }] : [],
    )
    const built = quantizeModel({
      model: withRepairedBiases(raised, weighted, bundle),
      resolved,
      ranges,
      quantizeWeights: bundleQuantizer(bundle),
    })
    return { prepared: model, ...built }
  }

  /** A file that was replaced under its name is another one. */
  async #prepared(path: string, signal: AbortSignal): Promise<Model> {
    const found = await stat(path).catch(() => null)
    const key = found === null ? null : [path, found.ino, found.size, found.mtimeMs].join('\0')
    if (key !== null && this.#model?.key === key) return this.#model.model
    this.#model = null
    const { model, sizeBytes } = await readOwnModelFile(path, { signal })
    if (key !== null && sizeBytes <= KEPT_BYTES) this.#model = { key, model }
    return model
  }

  async #read(path: string): Promise<Collection> {
    if (this.#collection?.path !== path) this.#collection = { path, collection: await readCollection(path) }
    return this.#collection.collection
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
