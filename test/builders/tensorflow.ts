import type { TensorEngine } from '../../src/main/engines/tensor-api.ts'
import { installTensorFlow } from '../../src/main/engines/tf/install.ts'
import { loadTensorEngine } from '../../src/main/engines/tf/load.ts'

/**
 * The learning engine, installed from the first source that can be reached where it is not; null, with a printed reason, where none can:
 * such tests are skipped.
 */
export async function tensorEngine(): Promise<TensorEngine | null> {
  try {
    const context = { signal: AbortSignal.timeout(110_000), onProgress: () => undefined, onLog: () => undefined }
    return loadTensorEngine(await installTensorFlow(context))
  } catch (error) {
    console.warn(`skipped: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}
