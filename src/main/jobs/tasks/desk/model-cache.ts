import { stat } from 'node:fs/promises'
import type { Model } from '../../../graph/model.ts'
import { readModelFile } from '../../model-file.ts'

/** A model of more bytes is read anew every time: two workers would hold it twice. */
const MOST_BYTES = 512 * 2 ** 20

let kept: { readonly key: string; readonly model: Model } | null = null

/**
 * Reads a prepared model, or gives back the one that was read last: whoever looks at one layer looks at the next one soon. Prepared
 * models are never changed in place. @throws Fault as `readModelFile`
 */
export async function readPrepared(path: string, signal: AbortSignal): Promise<Model> {
  const found = await stat(path).catch(() => null)
  const key = `${path}\n${found?.mtimeMs}\n${found?.size}`
  if (kept?.key === key) return kept.model
  kept = null
  const { model, sizeBytes } = await readModelFile(path, { signal })
  if (sizeBytes <= MOST_BYTES) kept = { key, model }
  return model
}
