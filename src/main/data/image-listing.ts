import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { DataSplit } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import { fileFault, requireFolder, statOrNull } from './files.ts'
import { readClassNames, readLabelTable } from './label-files.ts'
import type { ClassNames } from './label-files.ts'

/** One picture of a data set. */
export interface ListedImage {
  /** path below the listing's root */
  readonly file: string
  readonly label: number | null
}

/** The pictures of one split, in the data set's order. */
export interface ImageListing {
  readonly root: string
  readonly images: readonly ListedImage[]
  /** class names by index, null where unknown */
  readonly classes: readonly string[] | null
}

/** Where a split's pictures are. */
export interface SplitPlace {
  readonly folder: string
  /** folder whose classes.csv or classes.txt also counts */
  readonly root: string
  /** rows of labels.csv to take by their `split` column; null: all */
  readonly rows: DataSplit | null
}

const EXTENSIONS = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  // not decoded, but listed, so that such a picture is reported and not passed over in silence
  '.bmp',
  '.heic',
  '.ppm',
])
const TEST_FOLDERS = ['test', 'val', 'validation', 'valid']

/**
 * The splits of a folder: `train/` and the first of `test/`, `val/`, `validation/`, `valid/`; or what the `split` column of labels.csv
 * says; else one undivided set, called `test`.
 * @throws Fault file.notFound, file.notFolder
 */
export async function findSplits(root: string): Promise<ReadonlyMap<DataSplit, SplitPlace>> {
  await requireFolder(root)
  const table = await readLabelTable(root)
  if (table) {
    const named = (['train', 'test'] as const).filter((split) => table.rows.some((row) => row.split === split))
    if (named.length === 0) return new Map([['test', { folder: root, root, rows: null }]])
    return new Map(named.map((split) => [split, { folder: root, root, rows: split }]))
  }
  const places = new Map<DataSplit, SplitPlace>()
  if (await isFolder(join(root, 'train'))) places.set('train', { folder: join(root, 'train'), root, rows: null })
  for (const name of TEST_FOLDERS) {
    const folder = join(root, name)
    if (!places.has('test') && (await isFolder(folder))) places.set('test', { folder, root, rows: null })
  }
  return places.size > 0 ? places : new Map([['test', { folder: root, root, rows: null }]])
}

/**
 * Lists a split: by labels.csv where there is one, else by class folders (sorted by name, each with its files sorted by name), else
 * the folder's own files without labels. Links are followed; folders below class folders are not entered.
 * @throws Fault data.*, file.* naming the file and line
 */
export async function listImages({ folder, root, rows }: SplitPlace): Promise<ImageListing> {
  const names = (await readClassNames(folder)) ?? (folder === root ? null : await readClassNames(root))
  const table = await readLabelTable(folder, names)
  if (table) {
    const images = table.rows.filter((row) => rows === null || row.split === rows)
    return { root: folder, images, classes: table.classes }
  }
  const { folders, files } = await listFolder(folder)
  const filled: { name: string; files: readonly string[] }[] = []
  for (const name of folders) filled.push({ name, files: (await listFolder(join(folder, name))).files })
  if (filled.every((entry) => entry.files.length === 0)) {
    return { root: folder, images: files.map((file) => ({ file, label: null })), classes: names?.names ?? null }
  }
  if (files.length > 0) {
    const sentence = `${folder} mixes class folders (${folders[0]}, …) with pictures of its own (${files[0]}).`
    throw new Fault('data.mixedLayout', `${sentence} Move the pictures into class folders, or add labels.csv.`, {
      path: folder,
    })
  }
  const classes = classesOf(
    filled.map(({ name }) => name),
    names,
  )
  const images = filled.flatMap(({ name, files: own }) =>
    own.map((file) => ({ file: join(name, file), label: classes.indexOf.get(name)! })),
  )
  return { root: folder, images, classes: classes.names }
}

/** Folder names are classes in sorted order, unless a class table knows every one of them. */
function classesOf(
  folders: readonly string[],
  known: ClassNames | null,
): { readonly names: readonly string[]; readonly indexOf: ReadonlyMap<string, number> } {
  if (known && folders.every((name) => known.indexOf.has(name))) return known
  return { names: folders, indexOf: new Map(folders.map((name, i) => [name, i])) }
}

async function isFolder(path: string): Promise<boolean> {
  return (await statOrNull(path))?.isDirectory() ?? false
}

async function listFolder(folder: string): Promise<{ folders: string[]; files: string[] }> {
  const folders: string[] = []
  const files: string[] = []
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileFault(folder, error)
  })
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    const isImage = EXTENSIONS.has(extname(entry.name).toLowerCase())
    const target = entry.isSymbolicLink() ? await followLink(path) : entry
    if (target.isDirectory()) folders.push(entry.name)
    else if (isImage && target.isFile()) files.push(entry.name)
  }
  return { folders: folders.sort(), files: files.sort() }
}

async function followLink(path: string): Promise<{ isDirectory(): boolean; isFile(): boolean }> {
  try {
    return await stat(path)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'leads nowhere' : 'cannot be followed'
    throw new Fault(
      'data.brokenLink',
      `${path} is a symbolic link that ${reason}. Repair or remove it.`,
      { path },
      { cause: error },
    )
  }
}
