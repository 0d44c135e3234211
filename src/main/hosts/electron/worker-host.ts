import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { utilityProcess, type UtilityProcess } from 'electron'
import type { Worker, WorkerHost } from '../../jobs/worker-host.ts'
import { Tail } from '../worker/crash.ts'
import { giveWay } from '../worker/give-way.ts'
import { workerEnvironment } from '../worker/memory.ts'
import { ProcessWorker, type ChildLink } from '../worker/process-worker.ts'
import type { FromChild } from '../worker/protocol.ts'

/** Starts workers as Electron utility processes: the same child file and messages as under Node. Electron ends them with the application. */
export function createElectronWorkerHost(): WorkerHost {
  const workers = new Set<Worker>()
  return {
    start: async ({ background = false } = {}) => {
      const child = await forkChild()
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

async function forkChild(): Promise<ChildLink> {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const child = utilityProcess.fork(path.join(here, 'worker.js'), [], {
    serviceName: 'Quantbench worker',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: workerEnvironment(process.env),
  })
  const link = linkOf(child)
  await new Promise<void>((resolve) => child.once('spawn', resolve))
  return link
}

function linkOf(child: UtilityProcess): ChildLink {
  const tail = new Tail()
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => tail.push(bytes.toString('utf8')))
  return {
    get pid() {
      return child.pid ?? -1
    },
    send: (message) => child.postMessage(message),
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromChild)),
    // Electron tells only an exit code, also for a child that was ended by a signal
    onEnd: (listener) => void child.once('exit', (exitCode) => listener({ exitCode, signal: null, output: tail.text })),
    kill: () => {
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL')
    },
    hold: () => {}, // the application's windows keep it alive
  }
}
