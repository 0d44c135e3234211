import { createHash } from 'node:crypto'
import { lstat, readFile, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { openTfjs, type EncodedTfjs } from '../formats/tfjs/index.ts'
import { writeFilesAtomic, type AtomicOptions } from './atomic-file.ts'

/** Letters of the digest in a shard's name: 48 bits, so that two shards of one folder never meet. */
const TAG_LENGTH = 12
/** What shards are called, by us and by TensorFlow.js's own converter: nothing else is ever removed. */
const SHARD = /^[^\\/]+\.bin$|^group\d+-shard\d+of\d+$/

/** A word for a shard's content. */
export function tagOfShard(shard: Uint8Array): string {
  return createHash('sha256').update(shard).digest('hex').slice(0, TAG_LENGTH)
}

/**
 * Writes a TensorFlow.js model into a folder. Shards carry their content in their names, so that none of the model that may lie there is
 * touched; with model.json, which takes its name last and at once, the new model is there as a whole. The old one's shards go then.
 * @returns paths written, model.json last
 * @throws Fault as `writeFilesAtomic`; what was there before is then as it was
 */
export async function writeTfjsFolder(
  folder: string,
  { files }: EncodedTfjs,
  options: AtomicOptions,
): Promise<string[]> {
  const before = await shardsIn(folder)
  const contents = files.map(({ name, bytes }) => ({
    path: join(folder, name),
    chunks: [bytes],
    ...(name === 'model.json' ? {} : { isReplaceable: true }),
  }))
  await writeFilesAtomic(contents, options)
  const kept = new Set(files.map(({ name }) => name))
  for (const name of before.filter((shard) => !kept.has(shard))) await removeShard(join(folder, name))
  return contents.map(({ path }) => path)
}

/** Names of the shards of the model that lies in a folder; none where there is no sound model.json. */
async function shardsIn(folder: string): Promise<string[]> {
  const path = join(folder, 'model.json')
  try {
    const { shards } = openTfjs(await readFile(path), path)
    return shards.map((shard) => shard.path).filter((name) => SHARD.test(name) && basename(name) === name)
  } catch {
    return [] // nothing there, or nothing that names its shards
  }
}

/** Ordinary files only; what cannot be removed does no harm. */
async function removeShard(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found?.isFile()) await unlink(path).catch(() => undefined)
}
