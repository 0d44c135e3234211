import { loadSharp } from '../../data/sharp.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

export interface EngineCheck {
  readonly engine: string
  readonly version: string
  /** time from nothing to a loaded session */
  readonly loadMs: number
  /** version of libvips, which decodes pictures */
  readonly pictureDecoder: string
}

/** Loads the engine with a model and the picture decoder in this child: whether measuring works on this machine at all. @throws Fault engine.* */
export function createCheckEngineTask({ engine }: TaskDeps): Task<{ readonly model: string }, EngineCheck> {
  return async ({ model }) => {
    const start = performance.now()
    const session = await engine.createSession(model, { threads: 1 })
    await session.release()
    const loadMs = performance.now() - start
    const { versions } = await loadSharp()
    return {
      engine: engine.name,
      version: engine.version,
      loadMs,
      pictureDecoder: versions.vips,
    }
  }
}
