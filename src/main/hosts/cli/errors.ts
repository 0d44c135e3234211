import { CommanderError } from 'commander'
import { exitCodeOf, isFault } from '../../../shared/contract/fault.ts'

/** How a command ends: its exit code and the sentence for stderr, null when nothing need be said. */
export interface CommandEnd {
  readonly exitCode: number
  readonly message: string | null
}

/** Exit code for an interrupted command: 128 + SIGINT. Source: DESIGN section 8. */
export const EXIT_INTERRUPTED = 130

/**
 * The end of a command that threw: faults say their sentence, commander has already printed its own, an abort is an answer, and
 * everything else is a bug shown with its stack.
 */
export function endOf(error: unknown, signal: AbortSignal): CommandEnd {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2, message: null }
  if (signal.aborted) return { exitCode: EXIT_INTERRUPTED, message: 'Interrupted; nothing half-written was left.' }
  if (isFault(error)) return { exitCode: exitCodeOf(error.code), message: `error: ${error.message} [${error.code}]` }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: 1, message: `internal error, please report it: ${text}` }
}
