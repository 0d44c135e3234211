import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { PRODUCT } from '../../shared/contract/product.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { inspectModel } from './inspect.ts'
import type { Services } from './services.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import type { InspectOutput } from './tasks/inspect.ts'

/** Raised whenever preparation gives another model than before. */
const PREPARE_VERSION = 1
/** Larger models are prepared anew: keeping a copy of each would fill the disk, and their data lie beside them. */
const MOST_BYTES = 2 ** 29

/** A model made ready for plans, at the path that was asked for. */
export interface Preparation extends Omit<InspectOutput, 'maxRelativeError'> {
  /** the prepared file */
  readonly prepared: ModelDescription
}

/** What is kept beside the prepared file. */
interface Kept extends Omit<InspectOutput, 'maxRelativeError'> {
  /** of the prepared file, as an artifact and as a model */
  readonly sha256: string
  readonly preparedHash: string
}

/**
 * Opens and prepares a model into `preparedPath`, or gives back what was prepared of an equal file before: every command, every measured
 * plan starts here.
 * @throws Fault as `inspectModel`
 */
export async function prepareOnce(
  path: string,
  preparedPath: string,
  services: Pick<Services, 'store' | 'pool' | 'signal' | 'now'>,
): Promise<Preparation> {
  const { store, pool, signal, now } = services
  const describe = (file: string): Promise<ModelDescription> =>
    pool.run<{ path: string }, ModelDescription>('describeModel', { path: file }, { signal, retry: true })
  const { hash } = await describe(path)
  const content: Json = { version: PREPARE_VERSION, product: PRODUCT.version, model: hash }
  const kept = readKept(content, services)
  if (kept) {
    await copyFile(store.artifacts.pathOf(kept.sha256), preparedPath, constants.COPYFILE_FICLONE)
    const prepared = await describe(preparedPath).catch(() => null)
    if (prepared?.hash === kept.preparedHash)
      return { summary: { ...kept.summary, path }, sampleShapes: kept.sampleShapes, prepared }
  }
  const { summary, sampleShapes } = await inspectModel(pool, { path, preparedPath }, { signal })
  const prepared = await describe(preparedPath)
  if (summary.sizeBytes <= MOST_BYTES) {
    const { sha256 } = await store.artifacts.putFile(preparedPath)
    const found: Kept = { summary, sampleShapes, sha256, preparedHash: prepared.hash }
    const bytes = new TextEncoder().encode(JSON.stringify(found))
    store.blobs.keep('prepared', content, store.artifacts.putBytes(bytes), now())
  }
  return { summary, sampleShapes, prepared }
}

function readKept(content: Json, { store }: Pick<Services, 'store'>): Kept | null {
  const known = store.blobs.find('prepared', content)
  if (!known) return null
  const kept = JSON.parse(new TextDecoder().decode(store.artifacts.read(known.sha256))) as Kept
  return store.artifacts.has(kept.sha256) ? kept : null
}
