import { ensureBuilt } from '../../scripts/build.ts'

/** Before all specs: what they start must be built. A build that QUANTBENCH_OUT names is taken as it is. */
export default function build(): void {
  if (process.env['QUANTBENCH_OUT'] === undefined) ensureBuilt()
}
