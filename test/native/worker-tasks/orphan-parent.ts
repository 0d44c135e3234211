import { fileURLToPath } from 'node:url'
import { createNodeWorkerHost } from '../../../src/main/hosts/worker/node-host.ts'

/** A parent to be killed: starts two workers, gives one a task without end, and prints their process ids. */
const host = createNodeWorkerHost({ entry: fileURLToPath(new URL('./entry.ts', import.meta.url)) })
const [busy, idle] = [await host.start(), await host.start()]
busy.run('deaf', null).catch(() => {})
process.stdout.write(`${JSON.stringify([busy.pid, idle.pid])}\n`)
