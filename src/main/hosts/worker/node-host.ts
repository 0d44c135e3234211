import { existsSync } from 'node:fs'
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Worker, WorkerHost } from '../../jobs/worker-host.ts'
import { Tail, type Ending } from './crash.ts'
import { giveWay } from './give-way.ts'
import { WORKER_V8_OPTIONS, workerEnvironment } from './memory.ts'
import { ProcessWorker, type ChildLink } from './process-worker.ts'
import type { FromChild } from './protocol.ts'

export interface NodeHostOptions {
  /** the child's file; by default the entry beside this one, as TypeScript source or as built */
  readonly entry?: string
  /** limit of the child's JavaScript heap in MiB (native memory of the engines is not in it) */
  readonly heapMiB?: number
  /** variables added to the child's environment */
  readonly env?: Readonly<Record<string, string>>
}

/** Heap of a child: evaluation needs some tens of MiB, a calibration's histograms some hundreds. */
const defaultHeapMiB = 2048

/** Starts workers with `child_process.fork`. Children end with their parent, also after `kill -9`. */
export function createNodeWorkerHost(options: NodeHostOptions = {}): WorkerHost {
  const workers = new Set<Worker>()
  return {
    start: async ({ background = false } = {}) => {
      const child = forkChild(options)
      if (background) giveWay(child.pid)
      const worker = await ProcessWorker.start(child)
      workers.add(worker)
      for (const known of workers) if (!known.alive) workers.delete(known)
      return worker
    },
    closeAll: async () => {
      await Promise.all([...workers].map((worker) => worker.close()))
      workers.clear()
    },
  }
}

/**
 * The child's file: `entry.ts` beside this one when running from source, else the bundle `worker.js`, beside the bundle that holds
 * this code or one folder up from a shared chunk.
 */
function defaultEntry(): string {
  const names = import.meta.url.endsWith('.ts') ? ['./entry.ts'] : ['./worker.js', '../worker.js']
  const paths = names.map((name) => fileURLToPath(new URL(name, import.meta.url)))
  const path = paths.find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error(`the worker's file is missing: ${paths.join(' or ')}`)
  return path
}

function forkChild(options: NodeHostOptions): ChildLink {
  // the parent's own flags (inspector, loaders, heap size) are not the child's
  const env = workerEnvironment({ ...process.env, ...options.env })
  delete env['NODE_OPTIONS']
  const child = fork(options.entry ?? defaultEntry(), {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [`--max-old-space-size=${options.heapMiB ?? defaultHeapMiB}`, ...WORKER_V8_OPTIONS],
    env,
  })
  return linkOf(child)
}

function linkOf(child: ChildProcess): ChildLink {
  const tail = new Tail()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => tail.push(text))
  }
  return {
    pid: child.pid ?? -1,
    // a send that fails means that the child is gone: its end is reported by onEnd
    send: (message) => void (child.connected && child.send(message, () => {})),
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromChild)),
    onEnd: (listener) => reportEnd(child, tail, listener),
    kill: () => void child.kill('SIGKILL'),
    hold: (busy) => holdParent(child, busy),
  }
}

function reportEnd(child: ChildProcess, tail: Tail, listener: (ending: Ending) => void): void {
  let reported = false
  const report = (ending: Ending): void => {
    if (!reported) listener(ending)
    reported = true
  }
  child.on('error', (error) => report({ exitCode: null, signal: null, output: error.message }))
  // 'close' comes after 'exit', once the streams are read to their end
  child.on('close', (exitCode, signal) => report({ exitCode, signal, output: tail.text }))
}

function holdParent(child: ChildProcess, busy: boolean): void {
  const handles = [child, child.channel, child.stdout, child.stderr] as ({
    ref?: () => void
    unref?: () => void
  } | null)[]
  for (const handle of handles) {
    if (busy) handle?.ref?.()
    else handle?.unref?.()
  }
}
