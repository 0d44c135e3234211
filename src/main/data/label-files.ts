import { isAbsolute, join, normalize, sep } from 'node:path'
import { parse } from 'csv-parse/sync'
import type { DataSplit } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import { readSmallFile, statOrNull } from './files.ts'

/** Largest table read: some four million rows. */
const MAX_TABLE_BYTES = 256 * 1024 ** 2
/** No classifier has more classes than the 21,841 of ImageNet-21k; a label far above is a slip. */
const MAX_LABEL = 1_000_000

export interface LabelRow {
  readonly file: string
  readonly label: number | null
  readonly split: DataSplit | null
}

export interface LabelTable {
  readonly rows: readonly LabelRow[]
  readonly classes: readonly string[] | null
}

/** Class names by index, and the index of every name and synset. */
export interface ClassNames {
  readonly names: readonly string[]
  readonly indexOf: ReadonlyMap<string, number>
}

type Row = Readonly<Record<string, string>>

/**
 * Reads labels.csv: a header with `file` (or filename, path, image) and `class_index` (or label, class), optionally `split`. Labels are
 * whole numbers from 0, or class names; an empty label means none.
 * @returns null where the folder has no labels.csv
 * @throws Fault data.corrupt, data.labelOutOfRange, data.pathOutside naming the line
 */
export async function readLabelTable(folder: string, known: ClassNames | null = null): Promise<LabelTable | null> {
  const path = join(folder, 'labels.csv')
  const rows = await readTable(path)
  if (!rows) return null
  const fileColumn = columnOf(path, rows, ['file', 'filename', 'path', 'image'])
  const labelColumn = columnOf(path, rows, ['class_index', 'label', 'class', 'index'], true)
  const labels = rows.map((row) => (labelColumn === null ? '' : row[labelColumn]!.trim()))
  const classes = labels.every((label) => label === '' || /^[+-]?\d+(\.\d+)?$/.test(label))
    ? null
    : (known ?? namesIn(labels))
  return {
    classes: classes?.names ?? known?.names ?? null,
    rows: rows.map((row, i) => ({
      file: insidePath(path, row[fileColumn!]!, i),
      label: labelOf(path, labels[i]!, classes, known, i),
      split: splitOf(row['split']),
    })),
  }
}

/**
 * Reads classes.csv (columns class_index and words, name or synset) or classes.txt (a name a line).
 * @returns null where the folder has neither
 */
export async function readClassNames(folder: string): Promise<ClassNames | null> {
  const rows = await readTable(join(folder, 'classes.csv'))
  if (rows) return classTable(join(folder, 'classes.csv'), rows)
  const path = join(folder, 'classes.txt')
  if (!(await statOrNull(path))?.isFile()) return null
  const text = new TextDecoder().decode(await readSmallFile(path, MAX_TABLE_BYTES))
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return { names, indexOf: new Map(names.map((name, i) => [name, i])) }
}

async function readTable(path: string): Promise<readonly Row[] | null> {
  if (!(await statOrNull(path))?.isFile()) return null
  const bytes = await readSmallFile(path, MAX_TABLE_BYTES)
  try {
    return parse(bytes, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      max_record_size: 65536,
      columns: (header: string[]) => header.map((name) => name.toLowerCase()),
    }) as unknown as Row[]
  } catch (error) {
    throw new Fault(
      'data.corrupt',
      `${path} is no well-formed CSV: ${(error as Error).message}.`,
      { path },
      { cause: error },
    )
  }
}

function columnOf(path: string, rows: readonly Row[], names: readonly string[], isOptional = false): string | null {
  const first = rows[0]
  const found = names.find((name) => first !== undefined && Object.hasOwn(first, name))
  if (found === undefined && first !== undefined && !isOptional) {
    const sentence = `${path} has no column ${names.join(', ')} (columns: ${Object.keys(first).join(', ')}).`
    throw new Fault('data.corrupt', `${sentence} The first line must name them.`, { path })
  }
  return found ?? null
}

function insidePath(path: string, file: string, row: number): string {
  const clean = normalize(file.replaceAll('\\', '/'))
  if (file === '' || isAbsolute(clean) || clean === '..' || clean.startsWith(`..${sep}`) || /^[A-Za-z]:/.test(file)) {
    throw new Fault('data.pathOutside', `${path}, row ${row + 1}: "${file}" is not a path inside the folder.`, {
      path,
      row: row + 1,
    })
  }
  return clean
}

function labelOf(
  path: string,
  text: string,
  classes: ClassNames | null,
  known: ClassNames | null,
  row: number,
): number | null {
  if (text === '') return null
  if (classes) {
    const index = classes.indexOf.get(text)
    if (index !== undefined) return index
    throw new Fault(
      'data.labelOutOfRange',
      `${path}, row ${row + 1}: class "${text}" is not among the known classes.`,
      { path, row: row + 1 },
    )
  }
  const label = Number(text)
  const limit = known?.names.length ?? MAX_LABEL
  if (!Number.isInteger(label) || label < 0 || label >= limit) {
    const sentence = `${path}, row ${row + 1}: label ${text} is not a class index from 0 to ${limit - 1}.`
    throw new Fault('data.labelOutOfRange', sentence, { path, row: row + 1, label: text })
  }
  return label
}

function splitOf(text: string | undefined): DataSplit | null {
  switch (text?.trim().toLowerCase()) {
    case 'train':
      return 'train'
    case 'test':
    case 'val':
    case 'valid':
    case 'validation':
      return 'test'
    default:
      return null
  }
}

function namesIn(labels: readonly string[]): ClassNames {
  const names = [...new Set(labels.filter((label) => label !== ''))].sort()
  return { names, indexOf: new Map(names.map((name, i) => [name, i])) }
}

function classTable(path: string, rows: readonly Row[]): ClassNames {
  const indexColumn = columnOf(path, rows, ['class_index', 'index', 'label', 'class'], true)
  const nameColumn = columnOf(path, rows, ['words', 'name', 'class_name', 'synset'])
  const names: string[] = []
  const indexOf = new Map<string, number>()
  rows.forEach((row, i) => {
    const index = indexColumn === null ? i : Number(row[indexColumn])
    if (!Number.isInteger(index) || index < 0 || index >= rows.length) {
      const sentence = `${path}, row ${i + 1}: class index ${row[indexColumn!]} is not from 0 to ${rows.length - 1}.`
      throw new Fault('data.labelOutOfRange', sentence, { path, row: i + 1 })
    }
    names[index] = row[nameColumn!]!
    indexOf.set(row[nameColumn!]!, index)
    if (row['synset']) indexOf.set(row['synset'], index)
  })
  for (let i = 0; i < rows.length; i++) names[i] ??= String(i)
  return { names, indexOf }
}
