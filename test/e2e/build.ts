import { ensureBuilt } from '../../scripts/build.ts'

/** Before all specs: what they start must be built. */
export default function build(): void {
  ensureBuilt()
}
