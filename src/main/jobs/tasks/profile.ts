import fs from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../../../shared/contract/fault.ts'
import type { Engine, Feeds, OptimizationLevel } from '../../engines/port.ts'
import { withWorkFolder } from '../work-folder.ts'

export interface ProfileOptions {
  readonly threads: number
  readonly optimization: OptimizationLevel
  /** measured runs, after two unmeasured ones whose events are left in the profile and cut off by the reader */
  readonly runs: number
  readonly signal: AbortSignal
}

/** What ONNX Runtime itself says of a model: its optimised graph and the events of `runs` runs. */
export interface RawProfile {
  /** bytes of the optimised graph as ONNX */
  readonly optimized: Uint8Array
  /** the profile's text, a JSON array of trace events */
  readonly events: string
  /** runs recorded in the profile */
  readonly runs: number
}

/** Unmeasured runs: the first allocates, the second finds the memory pattern. */
export const warmupRuns = 2

/**
 * Loads a model with its optimised graph dumped and a profile taken, and runs it.
 * @param model path of the file; it is that very file that is loaded
 * @throws Fault engine.* when it does not load or run; the signal's reason when aborted
 */
export async function profileModel(
  engine: Engine,
  model: string,
  feeds: Feeds,
  options: ProfileOptions,
): Promise<RawProfile> {
  return withWorkFolder('profile', async (folder) => {
    const optimizedModelPath = path.join(folder, 'optimized.onnx')
    const session = await engine.createSession(model, {
      threads: options.threads,
      optimization: options.optimization,
      optimizedModelPath,
      profilePrefix: path.join(folder, 'profile'),
    })
    let profile: string
    try {
      for (let i = 0; i < warmupRuns + options.runs; i++) {
        options.signal.throwIfAborted()
        await session.run(feeds)
      }
      profile = await session.endProfiling()
    } finally {
      await session.release()
    }
    return {
      optimized: await readWritten(optimizedModelPath),
      events: (await readWritten(profile)).toString('utf8'),
      runs: warmupRuns + options.runs,
    }
  })
}

async function readWritten(file: string): Promise<Buffer> {
  try {
    return await fs.readFile(file)
  } catch (cause) {
    const sentence = `ONNX Runtime did not write ${path.basename(file)} into ${path.dirname(file)}.`
    throw new Fault(
      'engine.profileMissing',
      `${sentence} Check the free space of the temporary folder.`,
      { path: file },
      { cause },
    )
  }
}

/** Runs worth recording: about a quarter of a second's, at least 5, at most 50. */
export function profileRuns(medianMs: number): number {
  return Math.max(5, Math.min(50, Math.round(250 / Math.max(medianMs, 1e-3))))
}
