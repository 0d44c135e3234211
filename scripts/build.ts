import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { isStale } from './out-of-date.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const SOURCES = ['src', 'electron.vite.config.ts', 'package-lock.json'].map((name) => path.join(ROOT, name))

/** Another build is waited for this long before ours starts all the same (its process may have been killed). */
const LOCK_WAIT_MS = 120_000

/**
 * Builds `out/` when it is missing or older than the sources. Quiet unless the build fails. Built beside and moved into place, so
 * that a killed build leaves nothing half-made and two commands started together do not disturb each other.
 * @throws Error with the build's own output when it fails
 */
export function ensureBuilt(): string {
  const out = path.join(ROOT, 'out')
  const stamp = path.join(out, '.built')
  if (!isStale(stamp, SOURCES)) return out
  const release = lock(path.join(ROOT, 'node_modules', '.cache', 'quantbench-build.lock'))
  try {
    if (isStale(stamp, SOURCES)) build(out)
  } finally {
    release()
  }
  return out
}

function build(out: string): void {
  const startedAt = new Date()
  sweepBuilds()
  const fresh = `${out}.${process.pid}`
  const bin = path.join(ROOT, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'build', '--logLevel', 'warn'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, QUANTBENCH_OUT: path.basename(fresh), NODE_ENV: 'production' },
  })
  if (status !== 0) {
    fs.rmSync(fresh, { recursive: true, force: true })
    throw new Error(`the build failed:\n${stdout}${stderr}`)
  }
  // The stamp carries the time the build began: an edit made meanwhile makes it stale.
  fs.writeFileSync(path.join(fresh, '.built'), '')
  fs.utimesSync(path.join(fresh, '.built'), startedAt, startedAt)
  const old = `${out}.old.${process.pid}`
  if (fs.existsSync(out)) fs.renameSync(out, old)
  fs.renameSync(fresh, out)
  fs.rmSync(old, { recursive: true, force: true })
}

/** Removes what killed builds left beside the built folder: `out.PID`, `out.old.PID`. */
function sweepBuilds(): void {
  for (const name of fs.readdirSync(ROOT)) {
    const pid = /^out\.(?:old\.)?(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) fs.rmSync(path.join(ROOT, name), { recursive: true, force: true })
  }
}

function lock(file: string): () => void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const deadline = Date.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (Date.now() > deadline || !isAlive(file)) fs.rmSync(file, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
  return () => fs.rmSync(file, { force: true })
}

function isAlive(file: string): boolean {
  try {
    return isRunning(Number(fs.readFileSync(file, 'utf8')))
  } catch {
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
