import { Fault, isFault } from '../../../shared/contract/fault.ts'

interface Rule {
  readonly pattern: RegExp
  readonly toFault: (match: RegExpExecArray, version: string, cause: unknown) => Fault
}

/** Messages of libtensorflow and of tfjs-node. Source: seen with libtensorflow 1.15.0 and tfjs-node 4.22.0. */
const rules: readonly Rule[] = [
  {
    pattern:
      /'(\w+)' is neither a type of a primitive operation|Op type not registered '(\w+)'|No OpKernel was registered to support Op '(\w+)'|Kernel '(\w+)' not registered/,
    toFault: (match, version, cause) => {
      const op = match.slice(1).find(Boolean)!
      return new Fault(
        'engine.unsupportedOp',
        `libtensorflow ${version} has no kernel ${op}, which this model needs here. Name a newer libtensorflow with QUANTBENCH_TENSORFLOW.`,
        { op, version },
        { cause },
      )
    },
  },
  {
    pattern: /OOM when allocating tensor with shape\[([\d,]*)\]|bad_alloc|failed to allocate/i,
    toFault: (match, _, cause) =>
      new Fault(
        'engine.outOfMemory',
        `TensorFlow needs more memory than this machine gives${match[1] ? ` (a tensor of ${match[1].replaceAll(',', '×')} values was asked for)` : ''}. Use a smaller batch.`,
        {},
        { cause },
      ),
  },
]

/** Turns what TensorFlow throws into a fault where the user can do something about it; all else passes unchanged. */
export function toTensorFault(error: unknown, version: string): unknown {
  if (isFault(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  for (const { pattern, toFault } of rules) {
    const match = pattern.exec(message)
    if (match) return toFault(match, version, error)
  }
  return error
}
