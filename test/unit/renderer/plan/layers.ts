import type { LayerInfo } from '../../../../src/shared/contract/model.ts'
import { defaultPlan, type QuantPlan } from '../../../../src/shared/contract/plan.ts'

/** A layer of a plan's model; what a test does not say is as of a small Conv. */
export function layer(id: string, rest: Partial<LayerInfo> = {}): LayerInfo {
  return {
    id,
    op: 'Conv',
    activation: null,
    role: 'weighted',
    nodes: [id],
    inputs: [`${id}.in`],
    outputs: [`${id}.out`],
    outputShape: [1, 8, 4, 4],
    parameters: 100,
    macs: 1600,
    quantizable: true,
    reason: null,
    ...rest,
  }
}

/** The default plan that says something of some layers. */
export function planWith(layers: QuantPlan['layers'], rest: Partial<QuantPlan> = {}): QuantPlan {
  return { ...defaultPlan, layers, ...rest }
}
