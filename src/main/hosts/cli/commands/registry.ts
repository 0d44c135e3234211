import type { Command } from 'commander'
import type { Host } from '../host.ts'
import { addBenchCommand } from './bench.ts'
import { addConvertCommand } from './convert.ts'
import { addDataCommand } from './data.ts'
import { addDemoCommand } from './demo.ts'
import { addDoctorCommand } from './doctor.ts'
import { addEvalCommand } from './eval.ts'
import { addInspectCommand } from './inspect.ts'
import { addQatCommand } from './qat.ts'
import { addQuantizeCommand } from './quantize.ts'
import { addReportCommand } from './report.ts'
import { addReproduceCommand } from './reproduce.ts'
import { addRunsCommand } from './runs.ts'
import { addSearchCommand } from './search.ts'
import { addSensitivityCommand } from './sensitivity.ts'
import { addServeCommand } from './serve.ts'
import { addSweepCommand } from './sweep.ts'
import { addTrainCommand } from './train.ts'

/** One row a command, in the order of the help page. */
export const COMMANDS: readonly ((program: Command, host: Host) => void)[] = [
  addInspectCommand,
  addQuantizeCommand,
  addEvalCommand,
  addBenchCommand,
  addSensitivityCommand,
  addSearchCommand,
  addSweepCommand,
  addTrainCommand,
  addQatCommand,
  addConvertCommand,
  addDataCommand,
  addRunsCommand,
  addReportCommand,
  addReproduceCommand,
  addServeCommand,
  addDoctorCommand,
  addDemoCommand,
]
