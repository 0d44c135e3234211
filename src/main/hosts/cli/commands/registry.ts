import type { Command } from 'commander'
import type { Host } from '../host.ts'
import { addDoctorCommand } from './doctor.ts'
import { addEvalCommand } from './eval.ts'
import { addRunsCommand } from './runs.ts'

/** One row a command. */
export const COMMANDS: readonly ((program: Command, host: Host) => void)[] = [
  addDoctorCommand,
  addEvalCommand,
  addRunsCommand,
]
