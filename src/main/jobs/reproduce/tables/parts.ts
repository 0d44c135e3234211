import { defaultPlan, repairNames, type QuantPlan } from '../../../../shared/contract/plan.ts'
import { planFromOptions } from '../../../quant/plan.ts'
import type { Claim, Column, Measured, ModelFigures, Step, Unit } from '../port.ts'

/** Everything affine with one scale for a tensor, ranges by minimum and maximum: how most of the tables were published. */
export const AFFINE_PER_TENSOR: QuantPlan = {
  ...defaultPlan,
  defaults: {
    ...defaultPlan.defaults,
    weights: { bits: 8, storage: 'uint8', symmetric: false, granularity: 'perTensor' },
  },
}

/** Our defaults with every repair short of training, but the one that is for CPUs without 8-bit products. */
export const REPAIRED: QuantPlan = {
  ...defaultPlan,
  repairs: repairNames.filter((name) => name !== 'reducedRange'),
}

/** A plan of so many bits for weights and activations, with our defaults for the rest. */
export const planOfBoth = (bits: number): QuantPlan =>
  planFromOptions({ weights: String(bits), activations: String(bits) })

/** A plan with repairs. */
export const withRepairs = (plan: QuantPlan): QuantPlan => ({ ...plan, repairs: REPAIRED.repairs })

/** The columns of one quantity: published, then measured. */
export function pair(title: string, unit: Unit, digits: number): Column[] {
  return [
    { title, unit, digits, of: 'published' },
    { title, unit, digits, of: 'measured' },
  ]
}

/** A model's figures as cells: `KEY.top1`, `KEY.loss`, `KEY.bytes`. */
export function figuresOf(key: string, { top1, loss, bytes }: ModelFigures): Record<string, Measured> {
  return { [`${key}.top1`]: top1, [`${key}.loss`]: loss, [`${key}.bytes`]: bytes }
}

/** A number worked out of measured ones, with the run of the first. */
export const derived = (value: number, { run }: Measured): Measured => ({ value, low: null, high: null, run })

/** That an accuracy is at least a number or that of another cell. @param than a rate in 0–1, or a cell */
export const atLeast = (
  text: string,
  cell: string,
  than: Claim['than'],
  more: Partial<Pick<Claim, 'allowance' | 'why'>> = {},
): Claim => ({ text, cell, bound: 'atLeast', than, allowance: 0, unit: 'percent', digits: 2, why: '', ...more })

/** A step that measures one model. */
export function figuresStep(
  key: string,
  name: string,
  effort: number,
  make: (desk: Parameters<Step['work']>[0]) => Promise<ModelFigures>,
): Step {
  return { name, effort, work: async (desk) => figuresOf(key, await make(desk)) }
}
