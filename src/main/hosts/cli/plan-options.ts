import { Fault } from '../../../shared/contract/fault.ts'
import { repairNames, type CalibratorMethod, type RepairName } from '../../../shared/contract/plan.ts'

/** Names of calibrators on the command line. */
export const CALIBRATORS: Readonly<Record<string, CalibratorMethod>> = {
  minmax: 'minMax',
  'moving-average': 'movingAverage',
  percentile: 'percentile',
  entropy: 'entropy',
  mse: 'mse',
}

/** `all`, `none`, or names separated by commas, in the order the repairs are made. @throws Fault usage.repair */
export function parseRepairs(text: string): RepairName[] {
  if (text === 'none') return []
  if (text === 'all') return [...repairNames]
  const asked = text.split(',').map((name) => name.trim())
  const unknown = asked.find((name) => !repairNames.some((known) => known === name))
  if (unknown !== undefined)
    throw new Fault(
      'usage.repair',
      `There is no repair '${unknown}': use all, none, or some of ${repairNames.join(', ')}.`,
    )
  return repairNames.filter((name) => asked.includes(name))
}
