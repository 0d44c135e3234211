import { spawnSync } from 'node:child_process'
import path from 'node:path'

const OWNER = path.resolve(import.meta.dirname, '../../src/main/store/owner.ts')
let ended: string | null = null

/** What `ownProcess` gave in a process that has ended. */
export function endedProcess(): string {
  const code = `import(${JSON.stringify(`file://${OWNER}`)}).then(({ ownProcess }) => process.stdout.write(ownProcess()))`
  ended ??= spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' }).stdout
  return ended
}
