import type { Pass } from './pass.ts'
import { assignIds } from './assign-ids.ts'
import { convolveBatchNorm } from './convolve-batch-norm.ts'
import { dropDeadNodes } from './drop-dead-nodes.ts'
import { dropIdentity } from './drop-identity.ts'
import { dropInitializerInputs } from './drop-initializer-inputs.ts'
import { dropUnusedOpsets } from './drop-unused-opsets.ts'
import { foldAffine } from './fold-affine.ts'
import { foldBatchNorm } from './fold-batch-norm.ts'
import { foldConstants } from './fold-constants.ts'
import { hoistActivations } from './hoist-activations.ts'
import { mergePads } from './merge-pads.ts'
import { preferIntegerOps } from './prefer-integer-ops.ts'

/** A pass as the table lists it. */
export interface PassRow {
  readonly name: string
  readonly run: Pass
  /** what happened to nodes that the pass took out or gave another op, as the beginning of a sentence that goes on with their count */
  readonly told?: string
}

/** What happens before the opset is upgraded: ids first, so that they depend on the file alone. */
export const passesBeforeUpgrade: readonly PassRow[] = [
  { name: 'assignIds', run: assignIds },
  { name: 'dropInitializerInputs', run: dropInitializerInputs },
]

/** What happens after it, in this order: constants first, since the folds ask for constant weights. */
export const passesAfterUpgrade: readonly PassRow[] = [
  { name: 'foldConstants', run: foldConstants, told: 'Computed ahead as constants' },
  { name: 'dropIdentity', run: dropIdentity, told: 'Dropped, since they do nothing' },
  { name: 'mergePads', run: mergePads, told: 'Merged into the padding of what reads them' },
  { name: 'foldBatchNorm', run: foldBatchNorm, told: 'Folded into the layers before them' },
  { name: 'foldAffine', run: foldAffine, told: 'Folded into the weights and biases before them' },
  { name: 'preferIntegerOps', run: preferIntegerOps, told: 'Written with operators that have integer kernels' },
  { name: 'hoistActivations', run: hoistActivations },
  { name: 'dropDeadNodes', run: dropDeadNodes, told: 'Dropped, since no output depends on them' },
  { name: 'dropUnusedOpsets', run: dropUnusedOpsets },
]

/** What happens once the others have settled: only a BatchNormalization that nothing takes in becomes a layer of its own. */
export const passesLast: readonly PassRow[] = [
  {
    name: 'convolveBatchNorm',
    run: convolveBatchNorm,
    told: 'Written as depthwise 1×1 Conv, which has an integer kernel',
  },
  ...passesAfterUpgrade,
]
