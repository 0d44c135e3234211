import { basename, join } from 'node:path'
import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { contentHash, readContent, requireFolder, statOrNull } from '../files.ts'
import type { SampleSource } from '../port.ts'
import { emptyFault, memorySource, noSplitFault, pathOf } from '../reader.ts'
import type { DataReader, OpenOptions } from '../reader.ts'

const IMAGES_MAGIC = 2051
const LABELS_MAGIC = 2049
/** Largest side of an IDX picture taken; MNIST has 28. */
const MAX_SIDE = 4096
const PREFIX: Readonly<Record<DataSplit, string>> = { train: 'train', test: 't10k' }
const FASHION = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]
const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/**
 * IDX files under their official names, plain or gzip: MNIST, Fashion-MNIST and sets of the same shape.
 * Source: yann.lecun.com/exdb/mnist, "FILE FORMATS FOR THE MNIST DATABASE".
 */
export const mnistReader: DataReader = {
  kind: 'mnist',
  summary: 'IDX files (MNIST, Fashion-MNIST), plain or gzip',
  splits,
  open,
}

async function splits(spec: DataSpec): Promise<readonly DataSplit[]> {
  const folder = pathOf(spec)
  await requireFolder(folder)
  const found: DataSplit[] = []
  for (const split of ['train', 'test'] as const) {
    if (await findFile(folder, split, 'images')) found.push(split)
  }
  if (found.length > 0) return found
  const wanted = 't10k-images-idx3-ubyte[.gz] and train-images-idx3-ubyte[.gz]'
  throw new Fault('data.empty', `${folder} holds no IDX files: expected ${wanted}, each with its labels-idx1 file.`, {
    path: folder,
  })
}

async function open(spec: DataSpec, split: DataSplit, { signal, knownHash }: OpenOptions): Promise<SampleSource> {
  const found = await splits(spec)
  if (!found.includes(split)) throw noSplitFault(spec, split, found)
  const folder = pathOf(spec)
  const imagesPath = (await findFile(folder, split, 'images'))!
  const labelsPath = await findFile(folder, split, 'labels')
  const images = await readContent(
    imagesPath,
    { headerBytes: 16, lengthOf: (header) => imagesLength(imagesPath, header) },
    signal,
  )
  const [count, height, width] = [word(images, 4), word(images, 8), word(images, 12)]
  const labels = labelsPath ? await readLabels(labelsPath, count, imagesPath, signal) : null
  if (count === 0) throw emptyFault(spec, split)
  const classes = labels ? classesOf(folder, labels) : null
  const info: DataInfo = {
    spec,
    split,
    count,
    classes,
    hash: knownHash ?? contentHash(['idx', images, labels ?? 'unlabelled']),
    labelled: labels !== null,
    pictureShape: [height, width, 1],
  }
  const length = height * width
  const file = basename(imagesPath)
  return memorySource(info, (index) => ({
    index,
    label: labels?.[index] ?? null,
    name: `${file}[${index}]`,
    content: {
      kind: 'picture',
      height,
      width,
      channels: 1,
      pixels: images.subarray(16 + index * length, 16 + (index + 1) * length),
    },
  }))
}

async function findFile(folder: string, split: DataSplit, part: 'images' | 'labels'): Promise<string | null> {
  const dimensions = part === 'images' ? 'idx3' : 'idx1'
  // some mirrors unpack to names with a dot before "idx"
  for (const separator of ['-', '.']) {
    for (const ending of ['', '.gz']) {
      const path = join(folder, `${PREFIX[split]}-${part}${separator}${dimensions}-ubyte${ending}`)
      if ((await statOrNull(path))?.isFile()) return path
    }
  }
  return null
}

function imagesLength(path: string, header: Uint8Array): number {
  const magic = word(header, 0)
  if (magic !== IMAGES_MAGIC) throw magicFault(path, magic, IMAGES_MAGIC, 'pictures')
  const [count, height, width] = [word(header, 4), word(header, 8), word(header, 12)]
  if (height < 1 || width < 1 || height > MAX_SIDE || width > MAX_SIDE) {
    throw new Fault(
      'data.corrupt',
      `${path}: the header says ${height}×${width} pixels; 1 to ${MAX_SIDE} a side are possible.`,
      { path },
    )
  }
  return 16 + count * height * width
}

async function readLabels(path: string, count: number, imagesPath: string, signal?: AbortSignal): Promise<Uint8Array> {
  const lengthOf = (header: Uint8Array): number => {
    const magic = word(header, 0)
    if (magic !== LABELS_MAGIC) throw magicFault(path, magic, LABELS_MAGIC, 'labels')
    return 8 + word(header, 4)
  }
  const content = await readContent(path, { headerBytes: 8, lengthOf }, signal)
  const labels = content.subarray(8)
  if (labels.length !== count) {
    const sentence = `${path} has ${labels.length} labels for the ${count} pictures of ${imagesPath}: the files do not belong together.`
    throw new Fault('data.labelCount', sentence, { path, labels: labels.length, pictures: count })
  }
  return labels
}

function magicFault(path: string, found: number, wanted: number, what: string): Fault {
  return new Fault('data.corrupt', `${path} is no IDX file of ${what}: it begins with ${found}, expected ${wanted}.`, {
    path,
    found,
    wanted,
  })
}

function classesOf(folder: string, labels: Uint8Array): readonly string[] {
  let highest = 9
  for (const label of labels) if (label > highest) highest = label
  if (highest > 9) return Array.from({ length: highest + 1 }, (_, i) => String(i))
  return /fashion/i.test(basename(folder)) ? FASHION : DIGITS
}

function word(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
}
