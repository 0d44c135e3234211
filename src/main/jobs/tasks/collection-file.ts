import { readFile } from 'node:fs/promises'
import { decodeCollection } from '../../calibration/collection-codec.ts'
import type { Collection } from '../../calibration/collection.ts'
import { asFileFault } from '../file-fault.ts'

/** Reads a stored calibration. @throws Fault file.*; as `decodeCollection` */
export async function readCollection(path: string): Promise<Collection> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw asFileFault(error, path, 'read')
  }
  return decodeCollection(bytes)
}
