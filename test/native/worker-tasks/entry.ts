import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../../src/shared/contract/fault.ts'
import type { Task } from '../../../src/main/jobs/worker-host.ts'
import { openParentLink } from '../../../src/main/hosts/worker/parent-link.ts'
import { serveTasks } from '../../../src/main/hosts/worker/serve.ts'

/** Tasks that behave badly, served by the real child code. */
const tasks: Readonly<Record<string, Task<never, unknown>>> = {
  echo: async (input: unknown) => input,
  pid: async () => process.pid,
  count: async (input: { until: number }, { onProgress, onLog }) => {
    for (let done = 1; done <= input.until; done++)
      onProgress({ stage: 'counting', done, total: input.until, unit: 'numbers' })
    onLog('info', 'counted')
    return input.until
  },
  fault: async () => {
    throw new Fault('data.corrupt', 'Image 7 is corrupt.', { image: 7 })
  },
  bug: async () => {
    throw new TypeError('undefined is not a function')
  },
  kill: async (input: { signal: NodeJS.Signals }) => {
    process.stderr.write('last words\n')
    await sleep(20)
    process.kill(process.pid, input.signal)
    await sleep(10_000)
  },
  exit: async (input: { code: number }) => process.exit(input.code),
  heap: async () => {
    const hoard: string[][] = []
    for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => `number ${i} of ${hoard.length}`))
  },
  polite: async (_input: unknown, { signal }) => {
    while (!signal.aborted) await sleep(5)
    signal.throwIfAborted()
  },
  deaf: async () => {
    for (;;) await sleep(100)
  },
  /** dies the first time, told apart by a file that is there afterwards */
  fragile: async (input: { marker: string }) => {
    const { existsSync, writeFileSync } = await import('node:fs')
    if (existsSync(input.marker)) return 'survived'
    writeFileSync(input.marker, '')
    process.kill(process.pid, 'SIGKILL')
    await sleep(10_000)
    return 'unreachable'
  },
  square: async (input: { value: number; delayMs: number }) => {
    await sleep(input.delayMs)
    return input.value * input.value
  },
}

const lookup = (name: string): Promise<Task<unknown, unknown>> | null =>
  tasks[name] ? Promise.resolve(tasks[name] as Task<unknown, unknown>) : null
serveTasks(openParentLink(), lookup, () => process.exit(0))
