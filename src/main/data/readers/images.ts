import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { hashFile } from '../files.ts'
import { decodeImage, imageShape } from '../image-decoder.ts'
import { findSplits, listImages } from '../image-listing.ts'
import type { ListedImage } from '../image-listing.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { SampleSource } from '../port.ts'
import { checkIndex, emptyFault, noSplitFault, pathOf } from '../reader.ts'
import type { DataReader, OpenOptions } from '../reader.ts'

/** Up to so many pictures are looked at to learn whether all have one size; beyond, they count as mixed. */
const MAX_SHAPES = 2_000
/** Files read at once while hashing. */
const CONCURRENCY = 8

/** Pictures in class folders, beside a labels.csv, or in one unlabelled folder; train and val/test folders where present. */
export const imagesReader: DataReader = {
  kind: 'images',
  summary: 'pictures in class folders (train/ and val/ or test/ where present), or a folder with labels.csv',
  splits: async (spec) => [...(await findSplits(pathOf(spec))).keys()],
  open,
}

async function open(spec: DataSpec, split: DataSplit, { signal, knownHash }: OpenOptions): Promise<SampleSource> {
  const splits = await findSplits(pathOf(spec))
  const place = splits.get(split)
  if (!place) throw noSplitFault(spec, split, [...splits.keys()])
  const { root, images, classes } = await listImages(place)
  if (images.length === 0) throw emptyFault(spec, split)
  const info: DataInfo = {
    spec,
    split,
    classes,
    count: images.length,
    hash: knownHash ?? (await hashImages(root, images, signal)),
    labelled: images.every(({ label }) => label !== null),
    pictureShape: await commonShape(root, images, signal),
  }
  return {
    info,
    read: async (index) => {
      checkIndex(info, index)
      const { file, label } = images[index]!
      return { index, label, name: file, content: await decodeImage(join(root, file)) }
    },
    close: () => Promise.resolve(),
  }
}

/** Over each file's bytes and label in order; names do not matter beyond the order they give. */
async function hashImages(root: string, images: readonly ListedImage[], signal?: AbortSignal): Promise<string> {
  const digests = await mapConcurrently(images, CONCURRENCY, ({ file }) => hashFile(join(root, file), signal), signal)
  const hash = createHash('sha256').update('images\n')
  digests.forEach((digest, i) => hash.update(`${digest} ${images[i]!.label ?? '-'}\n`))
  return `sha256:${hash.digest('hex')}`
}

async function commonShape(
  root: string,
  images: readonly ListedImage[],
  signal?: AbortSignal,
): Promise<DataInfo['pictureShape']> {
  if (images.length > MAX_SHAPES) return null
  const first = await imageShape(join(root, images[0]!.file))
  if (!first) return null
  let isCommon = true
  await mapConcurrently(
    images,
    CONCURRENCY,
    async ({ file }) => {
      if (!isCommon) return
      const shape = await imageShape(join(root, file))
      if (!shape?.every((length, axis) => length === first[axis])) isCommon = false
    },
    signal,
  )
  return isCommon ? first : null
}
