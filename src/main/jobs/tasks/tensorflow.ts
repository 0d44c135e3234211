import { findInstallation } from '../../engines/tf/cache.ts'
import { installTensorFlow } from '../../engines/tf/install.ts'
import { loadTensorEngine } from '../../engines/tf/load.ts'
import { sourcesFor } from '../../engines/tf/sources.ts'
import type { Task } from '../worker-host.ts'

/** What there is to train with. */
export interface TensorFlowState {
  /** null: nothing is installed */
  readonly installed: {
    readonly version: string
    readonly folder: string
    readonly source: 'cache' | 'folder' | 'package'
    /** time from nothing to a computed product */
    readonly loadMs: number
  } | null
  /** where it would be fetched from, in order; empty where there is no build for this platform */
  readonly sources: readonly string[]
}

/** Loads libtensorflow in this child where it is installed, and computes with it. @throws Fault engine.unavailable where it does not load */
export function createTfCheckTask(): Task<void, TensorFlowState> {
  return () => new Promise((resolve) => resolve(check()))
}

/** Fetches libtensorflow where it is not installed, and loads it. @throws Fault engine.notInstalled, engine.unavailable */
export function createTfInstallTask(): Task<void, TensorFlowState> {
  return async (_, context) => {
    await installTensorFlow(context)
    return check()
  }
}

function check(): TensorFlowState {
  const sources = sourcesFor(process.platform, process.arch).map(({ name, version }) => `${name} (${version})`)
  const found = findInstallation()
  if (found === null) return { installed: null, sources }
  const start = performance.now()
  const { tf, version } = loadTensorEngine(found)
  tf.tidy(() => tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync())
  return {
    installed: { version, folder: found.folder, source: found.source, loadMs: performance.now() - start },
    sources,
  }
}
