import { implement, ORPCError, ValidationError } from '@orpc/server'
import { api } from '../../../shared/contract/api.ts'
import { Fault, isFault } from '../../../shared/contract/fault.ts'

/** What a host knows of who calls. */
export interface CallContext {
  /** the host's own number of the calling window, where it has several */
  readonly window?: number
}

/** The contract to be implemented; every fault of an implementation crosses as the typed error `FAULT`. */
export const os = implement(api)
  .$context<CallContext>()
  .use(async ({ next }) => {
    try {
      return await next()
    } catch (error) {
      throw errorFor(error)
    }
  })

function errorFor(error: unknown): unknown {
  const fault = isFault(error) ? error : faultOfInput(error)
  if (fault) return crossing(fault, error)
  if (error instanceof ORPCError || isAbort(error)) return error
  console.error(error) // a bug: the details stay on this side
  return crossing(
    new Fault('internal.bug', 'Something went wrong inside Quantbench; the output of its host has the details.'),
    error,
  )
}

function crossing(fault: Fault, cause: unknown): ORPCError<'FAULT', ReturnType<Fault['toJSON']>> {
  return new ORPCError('FAULT', { defined: true, status: 422, message: fault.message, data: fault.toJSON(), cause })
}

/** What the window sent does not fit the contract: names the fields. */
function faultOfInput(error: unknown): Fault | null {
  if (!(error instanceof ORPCError) || error.code !== 'BAD_REQUEST' || !(error.cause instanceof ValidationError))
    return null
  const issues = error.cause.issues.map(({ path, message }) => {
    const where = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where === '' ? message : `${where}: ${message}`
  })
  return new Fault('usage.request', `The request does not fit: ${issues.slice(0, 3).join('; ')}.`, { issues })
}

/** Raised by a signal: a DOMException, or an error of the transport's own. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
