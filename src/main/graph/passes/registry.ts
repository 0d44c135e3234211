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
}

/** What happens before the opset is upgraded: ids first, so that they depend on the file alone. */
export const passesBeforeUpgrade: readonly PassRow[] = [
  { name: 'assignIds', run: assignIds },
  { name: 'dropInitializerInputs', run: dropInitializerInputs },
]

/** What happens after it, in this order: constants first, since the folds ask for constant weights. */
export const passesAfterUpgrade: readonly PassRow[] = [
  { name: 'foldConstants', run: foldConstants },
  { name: 'dropIdentity', run: dropIdentity },
  { name: 'mergePads', run: mergePads },
  { name: 'foldBatchNorm', run: foldBatchNorm },
  { name: 'foldAffine', run: foldAffine },
  { name: 'dropDeadNodes', run: dropDeadNodes },
  { name: 'dropUnusedOpsets', run: dropUnusedOpsets },
]
