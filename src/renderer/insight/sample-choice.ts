import { sampleOptions, type SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { DataSpec, SampleRange } from '../../shared/contract/data.ts'
import { fileNameOf } from '../model-files.ts'

/** Where choices are kept: `localStorage`, or a plain map in tests. */
type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** A range as it is asked for; `end` null: up to the last sample. */
export type AskedRange = NonNullable<SampleOptionsInput['range']>

export type DataKind = DataSpec['kind']

/** Kinds of data as they are offered; `takes` is what the file dialog looks for, null where there is nothing to point at. */
export const DATA_KINDS: readonly {
  readonly value: DataKind
  readonly label: string
  readonly hint: string
  readonly takes: 'folder' | 'data' | null
}[] = [
  { value: 'synthetic-digits', label: 'Built-in digits', hint: 'drawn by Quantbench', takes: null },
  { value: 'images', label: 'Folder of images', hint: 'class folders or labels.csv', takes: 'folder' },
  { value: 'mnist', label: 'MNIST', hint: 'IDX files', takes: 'folder' },
  { value: 'cifar10', label: 'CIFAR-10', hint: 'binary version', takes: 'folder' },
  { value: 'npz', label: 'NumPy arrays', hint: '.npz file', takes: 'data' },
]

/** Whether the kind needs a path. */
export function takesPath(kind: DataKind): kind is Exclude<DataKind, 'synthetic-digits'> {
  return kind !== 'synthetic-digits'
}

/** Data in a few words: `MNIST · t10k`. */
export function specText(spec: DataSpec): string {
  const label = DATA_KINDS.find(({ value }) => value === spec.kind)?.label ?? spec.kind
  return spec.kind === 'synthetic-digits' ? label : `${label} · ${fileNameOf(spec.path.replace(/[/\\]+$/, ''))}`
}

/** Equal for equal data. */
export function specKey(spec: DataSpec): string {
  return spec.kind === 'synthetic-digits' ? spec.kind : `${spec.kind}:${spec.path}`
}

/** The choice with some of it changed; what becomes undefined is left to its default again. */
export function changedChoice(choice: SampleOptionsInput, change: Partial<SampleOptionsInput>): SampleOptionsInput {
  const entries = Object.entries({ ...choice, ...change }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as SampleOptionsInput
}

/** The choice for other data: what was said of the former data's size and look does not hold for them. */
export function choiceFor(data: DataSpec, former: SampleOptionsInput | null): SampleOptionsInput {
  return former?.seed === undefined ? { data } : { data, seed: former.seed }
}

/** A range from two fields, each null where it is left empty; undefined where nothing is said, so that it is chosen. */
export function rangeOf(start: number | null, end: number | null): AskedRange | undefined {
  if (start === null && end === null) return undefined
  return { start: start ?? 0, end }
}

/** Why a range cannot be; null where it can. */
export function rangeProblem(range: AskedRange | undefined, count: number | null): string | null {
  if (!range) return null
  if (range.end !== null && range.end <= range.start) return 'The end must be above the start.'
  const last = Math.max(range.start + 1, range.end ?? 0)
  return count !== null && last > count ? `There are ${count} samples only.` : null
}

/** A range as cut: `0 … 512 (512 samples)`. */
export function rangeText({ start, end }: SampleRange): string {
  const count = end - start
  return `${start} … ${end} (${count} ${count === 1 ? 'sample' : 'samples'})`
}

/** Why a text is no preprocessing; null where it can be one: a preset's name, or a JSON object. */
export function preprocessProblem(text: string): string | null {
  if (text.trim() === '') return 'Say a preset or a JSON object.'
  if (!text.trimStart().startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'This is no JSON object.'
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}.`
  }
}

const keyOf = (hash: string): string => `quantbench.samples.${hash}`

/** The choice kept for a model; null without one, or where it is of another version. */
export function readChoice(shelf: Shelf, hash: string): SampleOptionsInput | null {
  try {
    const text = shelf.getItem(keyOf(hash))
    return text === null ? null : sampleOptions.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Keeps the choice of a model. A full shelf is no reason to stop: the choice then holds for this window only. */
export function writeChoice(shelf: Shelf, hash: string, choice: SampleOptionsInput | null): void {
  try {
    if (choice === null) shelf.removeItem(keyOf(hash))
    else shelf.setItem(keyOf(hash), JSON.stringify(choice))
  } catch {
    shelf.removeItem(keyOf(hash))
  }
}
