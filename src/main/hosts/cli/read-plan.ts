import { readFile } from 'node:fs/promises'
import { Fault } from '../../../shared/contract/fault.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { asFileFault } from '../../jobs/file-fault.ts'
import { parsePlan } from '../../quant/plan.ts'

/** Reads a plan from a file. @throws Fault file.*, plan.* */
export async function readPlanFile(file: string): Promise<QuantPlan> {
  return parsePlan(await readJson(file))
}

const MOST_PLAN_BYTES = 64 * 2 ** 20

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw asFileFault(error, file, 'read')
  })
  if (text.length > MOST_PLAN_BYTES) throw new Fault('plan.tooLarge', `${file} is too large for a plan.`, { file })
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new Fault('plan.notJson', `${file} is not JSON: ${(cause as Error).message}.`, { file }, { cause })
  }
}
