import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { equalize, type ChannelRanges } from '../../quant/repairs/equalize.ts'
import { resolvePlan } from '../../quant/resolve-plan.ts'
import { readOwnModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { readCollection } from './collection-file.ts'

export interface EqualizeInput {
  /** path of the prepared model */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model */
  readonly hash: string
  /** path of the calibration collection; null where no layer is static */
  readonly collection: string | null
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
    const { model } = await readOwnModelFile(prepared, { signal })
    const resolved = resolvePlan(plan, layers, model, hash)
    const { model: equalized, pairs } = equalize(model, resolved, await channelRanges(collection))
    if (pairs.length > 0) await writeModelFile(equalized, output, { force: true, signal })
    return { pairs: pairs.map(({ first, second }) => ({ first, second })) }
  }
}

async function channelRanges(path: string | null): Promise<ChannelRanges> {
  const collection = path === null ? null : await readCollection(path)
  return (tensor) => {
    const channels = collection?.tensors.get(tensor)?.channels
    return channels ? channels.min.map((low, c) => Math.max(-low, channels.max[c]!)) : null
  }
}
