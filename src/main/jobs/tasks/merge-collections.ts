import { readFile } from 'node:fs/promises'
import { isFault } from '../../../shared/contract/fault.ts'
import { decodeCollection, encodeCollection } from '../../calibration/collection-codec.ts'
import { mergeCollections } from '../../calibration/collection.ts'
import type { Task } from '../worker-host.ts'

/** Joins the statistics that workers collected on neighbouring samples: hundreds of ms for a large model, so not the main side's work. */
export function createMergeCollectionsTask(): Task<{ readonly parts: readonly Uint8Array[] }, Uint8Array> {
  return ({ parts }) => Promise.resolve(encodeCollection(mergeCollections(parts.map(decodeCollection))))
}

/** What a stored collection holds. */
export interface CollectionDescription {
  readonly samples: number
  readonly tensors: number
}

/** Looks at a stored collection; null where it is damaged, gone or of another version. */
export function createDescribeCollectionTask(): Task<{ readonly path: string }, CollectionDescription | null> {
  return async ({ path }) => {
    try {
      const { samples, tensors } = decodeCollection(new Uint8Array(await readFile(path)))
      return { samples, tensors: tensors.size }
    } catch (error) {
      if (isFault(error) || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }
}
