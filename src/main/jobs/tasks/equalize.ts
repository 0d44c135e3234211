import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { decodeCollection } from '../../calibration/collection-codec.ts'
import { equalize, type ChannelRanges } from '../../quant/repairs/equalize.ts'
import { resolvePlan } from '../../quant/resolve-plan.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'

export interface EqualizeInput {
  /** path of the prepared model */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model */
  readonly hash: string
  /** bytes of the calibration collection; null where no layer is static */
  readonly collection: Uint8Array | null
  /** where the equalized model goes, when any pair of layers could be */
  readonly output: string
}

export interface EqualizeOutput {
  /** layers that were scaled against each other; empty: nothing was written */
  readonly pairs: readonly { readonly first: string; readonly second: string }[]
}

/** Writes the prepared model with channels evened out between the layers a plan quantizes. @throws Fault plan.*, file.* */
export function createEqualizeTask(): Task<EqualizeInput, EqualizeOutput> {
  return async ({ prepared, layers, plan, hash, collection, output }, { signal }) => {
    const { model } = await readModelFile(prepared, { signal })
    const resolved = resolvePlan(plan, layers, model, hash)
    const { model: equalized, pairs } = equalize(model, resolved, channelRanges(collection))
    if (pairs.length > 0) await writeModelFile(equalized, output, { force: true, signal })
    return { pairs: pairs.map(({ first, second }) => ({ first, second })) }
  }
}

function channelRanges(bytes: Uint8Array | null): ChannelRanges {
  const collection = bytes === null ? null : decodeCollection(bytes)
  return (tensor) => {
    const channels = collection?.tensors.get(tensor)?.channels
    return channels ? channels.min.map((low, c) => Math.max(-low, channels.max[c]!)) : null
  }
}
