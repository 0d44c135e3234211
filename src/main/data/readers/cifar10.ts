import { basename, join } from 'node:path'
import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { contentHash, readContent, readSmallFile, readTail, requireFile, requireFolder, statOrNull } from '../files.ts'
import type { Picture, SampleSource } from '../port.ts'
import { emptyFault, memorySource, noSplitFault, pathOf } from '../reader.ts'
import type { DataReader, OpenOptions } from '../reader.ts'

const SIDE = 32
const PLANE = SIDE * SIDE
const RECORD = 1 + 3 * PLANE
const FILES: Readonly<Record<DataSplit, readonly string[]>> = {
  train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
  test: ['test_batch.bin'],
}
const CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']

/**
 * CIFAR-10 in its binary version: records of one label byte and 3·1,024 bytes (red, green, blue planes), plain or gzip.
 * Source: cs.toronto.edu/~kriz/cifar.html, "Binary version".
 */
export const cifar10Reader: DataReader = {
  kind: 'cifar10',
  summary: 'CIFAR-10, binary version, plain or gzip',
  splits,
  open,
}

async function splits(spec: DataSpec): Promise<readonly DataSplit[]> {
  const folder = pathOf(spec)
  await requireFolder(folder)
  const found: DataSplit[] = []
  for (const split of ['train', 'test'] as const) {
    if (await findFile(folder, FILES[split][0]!)) found.push(split)
  }
  if (found.length === 0) throw await nothingFault(folder)
  return found
}

async function open(spec: DataSpec, split: DataSplit, { signal, knownHash }: OpenOptions): Promise<SampleSource> {
  const found = await splits(spec)
  if (!found.includes(split)) throw noSplitFault(spec, split, found)
  const folder = pathOf(spec)
  const files: { name: string; records: Uint8Array }[] = []
  for (const name of FILES[split]) {
    const path = await findFile(folder, name)
    if (!path)
      throw new Fault(
        'file.notFound',
        `${join(folder, name)} is missing; the ${split} split needs ${FILES[split].join(', ')}.`,
        { path: folder },
      )
    files.push({ name: basename(path), records: await readRecords(path, signal) })
  }
  const counts = files.map(({ records }) => records.length / RECORD)
  const count = counts.reduce((sum, next) => sum + next, 0)
  if (count === 0) throw emptyFault(spec, split)
  const info: DataInfo = {
    spec,
    split,
    count,
    hash: knownHash ?? contentHash(['cifar10', ...files.map(({ records }) => records)]),
    labelled: true,
    classes: await readClasses(folder),
    pictureShape: [SIDE, SIDE, 3],
  }
  return memorySource(info, (index) => {
    let at = index
    let file = 0
    while (at >= counts[file]!) at -= counts[file++]!
    const { name, records } = files[file]!
    const record = records.subarray(at * RECORD, (at + 1) * RECORD)
    return { index, label: record[0]!, name: `${name}[${at}]`, content: interleaved(record) }
  })
}

async function findFile(folder: string, name: string): Promise<string | null> {
  for (const ending of ['', '.gz']) {
    const path = join(folder, name + ending)
    if ((await statOrNull(path))?.isFile()) return path
  }
  return null
}

async function readRecords(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const records = path.endsWith('.gz') ? await readGzip(path, signal) : await readPlain(path, signal)
  for (let at = 0; at < records.length; at += RECORD) {
    if (records[at]! > 9) {
      const sentence = `${path}: record ${at / RECORD} has label ${records[at]}; CIFAR-10 has classes 0 to 9. Is it the binary version?`
      throw new Fault('data.labelOutOfRange', sentence, { path, record: at / RECORD, label: records[at]! })
    }
  }
  return records
}

async function readPlain(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const { size } = await requireFile(path)
  checkLength(path, size)
  return readContent(path, { headerBytes: 0, lengthOf: () => size }, signal)
}

/** A gzip file ends with the length of its content modulo 2^32 (RFC 1952); reading it checks that this is true. */
async function readGzip(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const tail = await readTail(path, 4)
  if (tail.length < 4)
    throw new Fault('data.truncated', `${path} is no gzip file: it has only ${tail.length} bytes.`, { path })
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
  checkLength(path, length)
  return readContent(path, { headerBytes: 0, lengthOf: () => length }, signal)
}

function checkLength(path: string, length: number): void {
  if (length % RECORD === 0) return
  const sentence = `${path} has ${length} bytes, not a multiple of ${RECORD}: it is truncated or not CIFAR-10's binary version.`
  throw new Fault('data.truncated', sentence, { path, length })
}

function interleaved(record: Uint8Array): Picture {
  const pixels = new Uint8Array(3 * PLANE)
  for (let i = 0, at = 0; i < PLANE; i++) {
    pixels[at++] = record[1 + i]!
    pixels[at++] = record[1 + PLANE + i]!
    pixels[at++] = record[1 + 2 * PLANE + i]!
  }
  return { kind: 'picture', height: SIDE, width: SIDE, channels: 3, pixels }
}

async function readClasses(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'batches.meta.txt')
  if (!(await statOrNull(path))?.isFile()) return CLASSES
  const text = new TextDecoder().decode(await readSmallFile(path, 65536))
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return names.length === CLASSES.length ? names : CLASSES
}

async function nothingFault(folder: string): Promise<Fault> {
  if (await statOrNull(join(folder, 'test_batch.bin.xz'))) {
    const todo = 'Expand them first: xz -dk *.xz, or the "unpack" script beside the folder.'
    return new Fault('data.packed', `${folder} holds CIFAR-10 packed with xz, which is not read directly. ${todo}`, {
      path: folder,
    })
  }
  if (await statOrNull(join(folder, 'cifar-10-batches-bin'))) {
    const inner = join(folder, 'cifar-10-batches-bin')
    return new Fault('data.empty', `${folder} holds no batches itself: give cifar10:${inner}.`, { path: folder })
  }
  if (await statOrNull(join(folder, 'data_batch_1'))) {
    const todo = 'Download the binary version (cifar-10-binary.tar.gz).'
    return new Fault(
      'data.pickled',
      `${folder} holds the Python version of CIFAR-10 (pickles), which is not read. ${todo}`,
      { path: folder },
    )
  }
  const wanted = 'data_batch_1.bin … data_batch_5.bin or test_batch.bin, plain or .gz'
  return new Fault('data.empty', `${folder} holds no CIFAR-10 files: expected ${wanted}.`, { path: folder })
}
