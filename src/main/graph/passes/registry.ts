import type { Pass } from './pass.ts'
import { assignIds } from './assign-ids.ts'
import { dropDeadNodes } from './drop-dead-nodes.ts'
import { dropIdentity } from './drop-identity.ts'
import { dropInitializerInputs } from './drop-initializer-inputs.ts'
import { dropUnusedOpsets } from './drop-unused-opsets.ts'
import { foldAffine } from './fold-affine.ts'
import { foldBatchNorm } from './fold-batch-norm.ts'
import { foldConstants } from './fold-constants.ts'
import { mergePads } from './merge-pads.ts'

/** A pass as the table lists it. */
export interface PassRow {
  readonly name: string
  readonly run: Pass
  /** what happened to nodes that the pass removed, as the end of a sentence that begins with their count and op */
  readonly removed?: string
}

/** What happens before the opset is upgraded: ids first, so that they depend on the file alone. */
export const passesBeforeUpgrade: readonly PassRow[] = [
  { name: 'assignIds', run: assignIds },
  { name: 'dropInitializerInputs', run: dropInitializerInputs },
]

/** What happens after it, in this order: constants first, since the folds ask for constant weights. */
export const passesAfterUpgrade: readonly PassRow[] = [
  { name: 'foldConstants', run: foldConstants, removed: 'became constants' },
  { name: 'dropIdentity', run: dropIdentity, removed: 'did nothing and were dropped' },
  { name: 'mergePads', run: mergePads, removed: 'were merged into the padding of what reads them' },
  { name: 'foldBatchNorm', run: foldBatchNorm, removed: 'were folded into the layers before them' },
  { name: 'foldAffine', run: foldAffine, removed: 'were folded into the weights and biases of the layers before them' },
  { name: 'dropDeadNodes', run: dropDeadNodes, removed: 'had no effect on the outputs and were dropped' },
  { name: 'dropUnusedOpsets', run: dropUnusedOpsets },
]
