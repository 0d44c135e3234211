import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ensureBuilt } from '../../scripts/build.ts'
import { readEnvironment } from '../../src/main/engines/environment.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { createPool } from '../../src/main/jobs/pool.ts'
import type { Services } from '../../src/main/jobs/services.ts'
import { openStore } from '../../src/main/store/store.ts'

/** The product's services over a store of their own, in a folder that is removed afterwards. Workers are those of the build, as users run them. */
export async function withServices<Value>(
  body: (services: Services, folder: string) => Promise<Value>,
  workers = os.availableParallelism(),
): Promise<Value> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bench-'))
  const store = openStore(path.join(folder, 'home'))
  const entry = path.join(ensureBuilt(), 'main', 'worker.js')
  const pool = createPool(createNodeWorkerHost({ entry }), { size: workers })
  try {
    const services: Services = {
      store,
      pool,
      environment: readEnvironment(),
      now: () => new Date().toISOString(),
      signal: new AbortController().signal,
      onProgress: () => {},
      onLog: () => {},
    }
    return await body(services, folder)
  } finally {
    await pool.close()
    store.close()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
