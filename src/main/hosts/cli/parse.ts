import { InvalidArgumentError } from 'commander'
import { webFolderOf } from '../../../shared/contract/web-folder.ts'

/** A whole number of at least 1. */
export function count(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number of at least 1.')
  return value
}

/** A whole number of at least 0. */
export function seed(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0 || value > 0xffffffff) {
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295.')
  }
  return value
}

/** The address of a folder on a web server, with a slash at its end. */
export function webFolder(text: string): string {
  const address = webFolderOf(text)
  if (address === null) throw new InvalidArgumentError('expected an http or https address.')
  return address
}

/** Gathers a repeatable option that also takes comma-separated values. */
export function list(text: string, previous: readonly string[] | undefined): string[] {
  return [
    ...(previous ?? []),
    ...text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ]
}

/** An option as it is typed, from its name in code: `--max-drop` from `maxDrop`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
