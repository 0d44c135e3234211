import { Malformed, Unsupported } from '../lower/problem.ts'

/** A layer's configuration as Keras writes it, read with checks. */
export class Config {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** The entry as it stands; null where it is missing. */
  get(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : null
  }

  number(key: string, fallback: number): number {
    const value = this.get(key) ?? fallback
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new Malformed(`has ${key} of ${textOf(value)}, expected a number`)
    return value
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback
    if (typeof value !== 'boolean') throw new Malformed(`has ${key} of ${textOf(value)}, expected true or false`)
    return value
  }

  string(key: string, fallback: string): string {
    const value = this.get(key) ?? fallback
    if (typeof value !== 'string') throw new Malformed(`has ${key} of ${textOf(value)}, expected a word`)
    return value
  }

  /** `count` numbers; a single one stands for all of them. */
  numbers(key: string, count: number, fallback: number | null): number[] {
    const value = this.get(key) ?? fallback
    const list = typeof value === 'number' ? new Array<number>(count).fill(value) : value
    if (!isNumbers(list) || list.length !== count)
      throw new Malformed(`has ${key} of ${textOf(value)}, expected ${count} whole numbers`)
    return list
  }

  /** A list of whole numbers of any length, or null. */
  list(key: string): number[] | null {
    const value = this.get(key)
    if (value === null) return null
    if (!isNumbers(value)) throw new Malformed(`has ${key} of ${textOf(value)}, expected whole numbers`)
    return value
  }

  /** `same` or `valid`. */
  padding(): 'same' | 'valid' {
    const value = this.string('padding', 'valid').toLowerCase()
    if (value === 'same' || value === 'valid') return value
    throw new Unsupported(`has padding "${value.slice(0, 40)}"`)
  }

  /** True for `channels_first`. */
  isChannelsFirst(): boolean {
    const value = this.string('data_format', 'channels_last').toLowerCase().replaceAll('_', '')
    if (value === 'channelsfirst') return true
    if (value === 'channelslast') return false
    throw new Malformed(`has data_format "${value.slice(0, 40)}"`)
  }

  /** Name of the activation: text, or an object that names one. */
  activation(): string {
    const value = this.get('activation')
    if (value === null) return 'linear'
    if (typeof value === 'string') return value
    const name = (value as { class_name?: unknown }).class_name
    if (typeof name === 'string') return name
    throw new Malformed(`has an activation of ${textOf(value)}`)
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item))
}

function textOf(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60)
}
