import { faultOf } from '../shared/contract/api/base.ts'
import { familyOf, type FaultFamily, type FaultJson } from '../shared/contract/fault.ts'

/** An error as it is shown where it happened: a sentence, what to do next, and a detail to copy into a report. */
export interface Problem {
  readonly sentence: string
  /** null where the sentence already says what to do */
  readonly next: string | null
  /** code, data and stack as far as there are any */
  readonly detail: string
  /** stable code of a fault; null for a lost connection or a bug */
  readonly code: string | null
}

function nextStepOf(family: FaultFamily): string | null {
  switch (family) {
    case 'store':
      return 'Run the doctor in Settings: it looks at the store and says what is wrong with it.'
    case 'engine':
      return 'Try again; if it happens again, run the doctor in Settings.'
    case 'internal':
      return 'This is a bug of Quantbench. Copy the detail into a report; the application goes on.'
    case 'usage':
    case 'file':
    case 'format':
    case 'model':
    case 'plan':
    case 'data':
    case 'target':
      return null
  }
}

/** A fault as it is shown. */
export function problemOfFault(fault: FaultJson): Problem {
  const data = Object.keys(fault.data).length > 0 ? `\n${JSON.stringify(fault.data, null, 2)}` : ''
  return {
    sentence: fault.message,
    next: nextStepOf(familyOf(fault.code)),
    detail: `${fault.code}: ${fault.message}${data}`,
    code: fault.code,
  }
}

/** Whether a call ended because the connection to the host was lost. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConnectionLost'
}

/** Whatever was thrown, as it is shown. */
export function problemOf(error: unknown): Problem {
  const fault = faultOf(error)
  if (fault) return problemOfFault(fault.toJSON())
  const message = error instanceof Error ? error.message : String(error)
  return {
    sentence: message === '' ? 'Something went wrong, and nothing said what.' : message,
    next: isLoss(error)
      ? 'The window reconnects by itself. Try again then.'
      : 'Try again; if it happens again, copy the detail into a report.',
    detail: error instanceof Error ? (error.stack ?? message) : message,
    code: null,
  }
}
