/** The rooms a fault can come from; each family has one exit code (DESIGN section 8). */
export type FaultFamily =
  'usage' | 'file' | 'format' | 'model' | 'plan' | 'data' | 'store' | 'engine' | 'target' | 'internal'

/** `family.reason`, for example `format.truncated`. The reason is camelCase and stable: scripts rely on it. */
export type FaultCode = `${FaultFamily}.${string}`

/** What a fault carries beside its sentence; plain JSON, so that it crosses process borders unchanged. */
export type FaultData = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>

/** A fault as it travels between processes. */
export interface FaultJson {
  readonly code: FaultCode
  readonly message: string
  readonly data: FaultData
}

/**
 * Something the user can act on. The message says what was found, where (file, node, tensor), why it matters and what
 * to do, in one or two sentences without a stack trace. Everything else that is thrown is a bug.
 */
export class Fault extends Error {
  readonly code: FaultCode
  readonly data: FaultData

  constructor(code: FaultCode, message: string, data: FaultData = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
    this.data = data
  }

  toJSON(): FaultJson {
    return { code: this.code, message: this.message, data: this.data }
  }

  /** Rebuilds a fault that came over a process border. */
  static fromJSON(json: FaultJson): Fault {
    return new Fault(json.code, json.message, json.data)
  }
}

/** True for faults of this realm and for those rebuilt from JSON. */
export function isFault(error: unknown): error is Fault {
  return error instanceof Fault
}

/** The family before the dot. */
export function familyOf(code: FaultCode): FaultFamily {
  return code.slice(0, code.indexOf('.')) as FaultFamily
}

/**
 * The process exit code for a fault: 2 usage, 3 bad input (files, models, plans, data), 4 engine or store failure,
 * 5 target not reached, 1 a bug of ours.
 * Source: DESIGN section 8.
 */
export function exitCodeOf(code: FaultCode): number {
  const family = familyOf(code)
  switch (family) {
    case 'usage':
      return 2
    case 'file':
    case 'format':
    case 'model':
    case 'plan':
    case 'data':
      return 3
    case 'store':
    case 'engine':
      return 4
    case 'target':
      return 5
    case 'internal':
      return 1
  }
}
