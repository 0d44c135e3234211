import fs from 'node:fs'
import path from 'node:path'

/** The newest modification time (ms) below a file or folder; 0 when it is absent. */
function newest(target: string): number {
  const stat = fs.statSync(target, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  const inside = fs.readdirSync(target).map((name) => newest(path.join(target, name)))
  return Math.max(stat.mtimeMs, ...inside)
}

/** True when `stamp` is missing or older than any of the sources. */
export function isStale(stamp: string, sources: readonly string[]): boolean {
  const built = fs.statSync(stamp, { throwIfNoEntry: false })
  return !built || sources.some((source) => newest(source) > built.mtimeMs)
}
