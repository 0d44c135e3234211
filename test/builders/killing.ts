import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { CLI_ENTRY } from './cli.ts'

const TAP = path.resolve(import.meta.dirname, '../native/worker-tasks/tap.ts')

/** Tasks handed to workers, as `worker-tasks/tap.ts` notes them. */
export interface TapState {
  /** tasks handed out so far, by name */
  readonly begun: ReadonlyMap<string, number>
  /** what each worker has in hand */
  readonly inHand: ReadonlyMap<number, string>
  /** what each worker that ended by itself or was killed had in hand */
  readonly lost: ReadonlyMap<number, string>
}

/** A command line under test, as a process of its own whose workers can be watched and killed. */
export class TappedCli {
  readonly #child: ChildProcess
  readonly #log: string
  readonly #exit: Promise<unknown>
  #stdout = ''
  #stderr = ''

  /**
   * @param folder of the tap's notes
   * @param env `TMPDIR` and whatever else the process and its workers shall see
   */
  constructor(args: readonly string[], folder: string, env: Readonly<Record<string, string>>) {
    this.#log = path.join(fs.mkdtempSync(path.join(folder, 'tap-')), 'log')
    this.#child = spawn(process.execPath, ['--import', TAP, CLI_ENTRY, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, QUANTBENCH_TAP: this.#log },
    })
    this.#child.stdout!.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()))
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#exit = once(this.#child, 'close')
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Waits for its end; gives what it printed as JSON. @throws Error with its stderr unless it ended with 0 */
  async json(): Promise<Record<string, unknown>> {
    await this.#exit
    if (this.#child.exitCode !== 0) throw new Error(`ended with ${this.#child.exitCode}: ${this.#stderr}`)
    return JSON.parse(this.#stdout) as Record<string, unknown>
  }

  state(): TapState {
    const begun = new Map<string, number>()
    const inHand = new Map<number, string>()
    const lost = new Map<number, string>()
    const text = fs.existsSync(this.#log) ? fs.readFileSync(this.#log, 'utf8') : ''
    for (const line of text.split('\n')) {
      const [kind, pid, task = ''] = line.split(' ')
      if (kind === 'begun') {
        begun.set(task, (begun.get(task) ?? 0) + 1)
        inHand.set(Number(pid), task)
      }
      if (kind === 'exit' && inHand.has(Number(pid))) lost.set(Number(pid), inHand.get(Number(pid))!)
      if (kind === 'ended' || kind === 'exit') inHand.delete(Number(pid))
    }
    return { begun, inHand, lost }
  }

  /** Waits until `is` holds of what the workers do, or the process has ended; true where it holds. */
  async until(is: (state: TapState) => boolean): Promise<boolean> {
    while (!is(this.state())) {
      if (this.hasEnded) return false
      await sleep(2)
    }
    return true
  }

  /** Processes it has started. Source: proc(5), /proc/PID/task/TID/children. */
  children(): number[] {
    const { pid } = this.#child
    try {
      const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      return text.split(' ').filter(Boolean).map(Number)
    } catch {
      return []
    }
  }

  /** `kill -9`, and waits until the process itself is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return false
  }
}

/** A measurement as it stands in the store. */
export interface StoredRow {
  readonly kind: string
  readonly content: string
  readonly result: string
  readonly made_at: string
}

/** Measurements of a store by key, read beside whoever writes. @throws Error where SQLite finds the file damaged */
export function storedRows(home: string): Map<string, StoredRow> {
  const file = path.join(home, 'quantbench.db')
  if (!fs.existsSync(file)) return new Map()
  const db = new Database(file, { readonly: true })
  try {
    const check = db.pragma('integrity_check', { simple: true })
    if (check !== 'ok') throw new Error(`the store is damaged: ${String(check)}`)
    const rows = db.prepare<[], StoredRow & { key: string }>('SELECT * FROM measurements').all()
    return new Map(rows.map(({ key, kind, content, result, made_at }) => [key, { kind, content, result, made_at }]))
  } finally {
    db.close()
  }
}

/** Every file below a folder, relative to it; empty where there is none. */
export function filesBelow(folder: string): string[] {
  if (!fs.existsSync(folder)) return []
  return fs.readdirSync(folder, { recursive: true }).map(String)
}
