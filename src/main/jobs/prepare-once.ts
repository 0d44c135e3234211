import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { PRODUCT } from '../../shared/contract/product.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { inspectModel } from './inspect.ts'
import type { Services } from './services.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import type { InspectOutput } from './tasks/inspect.ts'

/** Raised whenever preparation gives another model than before. */
export const PREPARE_VERSION = 2
/** Larger models are prepared anew: keeping a copy of each would fill the disk, and their data lie beside them. */
const MOST_BYTES = 2 ** 29

/** A model made ready for plans, at the path that was asked for. */
export interface Preparation extends InspectOutput {
  /** the prepared file */
  readonly prepared: ModelDescription
}

interface PrepareServices extends Pick<Services, 'store' | 'signal' | 'now'> {
  readonly pool: Pick<Services['pool'], 'run'>
  /** hears what it is at: reading, preparing, checking, writing */
  readonly onStage?: (stage: string) => void
}

/** What is kept beside the prepared file. */
interface Kept extends InspectOutput {
  /** of the prepared file, as an artifact and as a model */
  readonly sha256: string
  readonly preparedHash: string
}

/**
 * Opens and prepares a model into `preparedPath`, or gives back what was prepared of an equal file before: every command, every measured
 * plan starts here.
 * @throws Fault as `inspectModel`
 */
export async function prepareOnce(path: string, preparedPath: string, services: PrepareServices): Promise<Preparation> {
  const { store, pool, signal, now } = services
  const describe = (file: string): Promise<ModelDescription> => describeFile(file, services)
  const { hash } = await describe(path)
  const content: Json = { version: PREPARE_VERSION, product: PRODUCT.version, model: hash }
  const kept = readKept(content, services)
  if (kept) {
    const { sha256, preparedHash, ...found } = kept
    await copyFile(store.artifacts.pathOf(sha256), preparedPath, constants.COPYFILE_FICLONE)
    const prepared = await describe(preparedPath).catch(() => null)
    if (prepared?.hash === preparedHash) return { ...found, summary: { ...found.summary, path }, prepared }
  }
  const found = await inspectModel(
    pool,
    { path, preparedPath },
    { signal, onProgress: ({ stage }) => services.onStage?.(stage) },
  )
  const prepared = await describe(preparedPath)
  if (found.summary.sizeBytes <= MOST_BYTES) {
    const { sha256 } = await store.artifacts.putFile(preparedPath)
    const bytes = new TextEncoder().encode(
      JSON.stringify({ ...found, sha256, preparedHash: prepared.hash } satisfies Kept),
    )
    store.blobs.keep('prepared', content, store.artifacts.putBytes(bytes), now())
  }
  return { ...found, prepared }
}

/** What a model file is, by its content. @throws Fault as `readModelFile` */
export function describeFile(
  path: string,
  { pool, signal }: Pick<PrepareServices, 'pool' | 'signal'>,
): Promise<ModelDescription> {
  return pool.run<{ path: string }, ModelDescription>('describeModel', { path }, { signal, retry: true })
}

function readKept(content: Json, { store }: Pick<PrepareServices, 'store'>): Kept | null {
  const known = store.blobs.find('prepared', content)
  if (!known) return null
  const kept = JSON.parse(new TextDecoder().decode(store.artifacts.read(known.sha256))) as Kept
  return store.artifacts.has(kept.sha256) ? kept : null
}
