import { createOrtEngine } from '../../engines/ort/engine.ts'
import { withModelFormats } from '../../jobs/model-formats.ts'
import type { TaskDeps } from '../../jobs/tasks/deps.ts'
import { taskTable, type TaskLoader } from '../../jobs/tasks/registry.ts'
import type { Task } from '../../jobs/worker-host.ts'
import { openParentLink } from './parent-link.ts'
import { serveTasks } from './serve.ts'

/** The child process: chooses the implementations once and serves the tasks of jobs/tasks/registry.ts. */
const deps: TaskDeps = {
  engine: withModelFormats(createOrtEngine()),
  openSamples: async (spec, split, options) =>
    (await import('../../data/registry.ts')).openSamples(spec, split, options),
}

const tasks = new Map<string, Promise<Task<unknown, unknown>>>()

function lookup(name: string): Promise<Task<unknown, unknown>> | null {
  const loader = Object.hasOwn(taskTable, name) ? (taskTable as Readonly<Record<string, TaskLoader>>)[name] : undefined
  if (!loader) return null
  let task = tasks.get(name)
  if (!task) {
    task = loader(deps) as Promise<Task<unknown, unknown>>
    tasks.set(name, task)
  }
  return task
}

serveTasks(openParentLink(), lookup, () => process.exit(0))
