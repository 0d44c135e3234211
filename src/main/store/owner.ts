import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'

/** As it stands in names of files and in rows: process id, machine, and when the process began. */
const FORM = /^(\d{1,10})_([0-9a-f]{8})_([0-9a-z]{0,24})$/

/** What `ownProcess` gives, to find it within a file's name. */
export const OWNER_PATTERN = String.raw`\d{1,10}_[0-9a-f]{8}_[0-9a-z]{0,24}`

let own: string | null = null

/**
 * Says which process this is, in letters that names of files may have: whatever it leaves behind when it is killed carries this, and a
 * later one can tell by `hasEnded` that nobody works with it any more.
 */
export function ownProcess(): string {
  own ??= `${process.pid}_${machine()}_${beginOf(process.pid) ?? ''}`
  return own
}

/**
 * Whether the process that `ownProcess` named has ended; null where that cannot be told: it ran on another machine or in another
 * container, or the text is none of ours. A process id that another process has got meanwhile is told apart where the system says when
 * a process began (Linux).
 */
export function hasEnded(owner: string): boolean | null {
  const [, pid, where, began] = FORM.exec(owner) ?? []
  if (pid === undefined || where !== machine()) return null
  if (began !== '') return beginOf(Number(pid)) !== began
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' // EPERM: it runs, as another user
  }
}

let machineHash: string | null = null

/** Where process ids mean what they mean here: the machine and, on Linux, the container. Source: pid_namespaces(7). */
function machine(): string {
  machineHash ??= createHash('sha256')
    .update(`${os.hostname()} ${linkOf('/proc/self/ns/pid')}`)
    .digest('hex')
    .slice(0, 8)
  return machineHash
}

function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path)
  } catch {
    return ''
  }
}

/**
 * When a process began, as the kernel counts from a boot that has a name; null for none, and on systems that do not say. A process that
 * has ended and waits for its parent to notice has none.
 * Source: proc_pid_stat(5), fields 3 (state) and 22 (starttime); random(4), boot_id.
 */
function beginOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name before may hold anything
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    return `${boot}x${fields[19]}`
  } catch {
    return null
  }
}
