import { oc } from '@orpc/contract'
import { z } from 'zod'
import { Fault, type FaultCode } from '../fault.ts'

/** A fault as it crosses to the window: its code, its sentence and what it carries. */
const faultJson = z.object({
  code: z.string(),
  message: z.string(),
  data: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.union([z.string(), z.number()]))]),
  ),
})

/** What every call of the contract is made of: a fault arrives typed, as the error `FAULT`. */
export const call = oc.errors({ FAULT: { status: 422, data: faultJson } })

/** A name of a content: of a model (with its external data), of a plan's model. */
export const modelHash = z.string().regex(/^sha256:[0-9a-f]{64}$/)

/**
 * The fault in what a call threw, or null for anything else: a lost connection, or a bug. Works on the client's errors, which carry it as
 * `data`, and on faults themselves.
 */
export function faultOf(error: unknown): Fault | null {
  if (error instanceof Fault) return error
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'FAULT' || !('data' in error)) return null
  const found = faultJson.safeParse(error.data)
  return found.success ? new Fault(found.data.code as FaultCode, found.data.message, found.data.data) : null
}
