import { hash } from 'node:crypto'
import type { Json } from '../../shared/contract/runs.ts'

/** JSON with object keys sorted at every level and no spaces: equal values give equal text. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`
  const object = value as { readonly [key: string]: Json }
  const entries = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key]!)}`)
  return `{${entries.join(',')}}`
}

/** SHA-256 in hex of a value's canonical JSON: the key under which a measurement is found again. */
export function contentKey(value: Json): string {
  return keyOfText(canonicalJson(value))
}

/** SHA-256 in hex of a text. */
export function keyOfText(text: string): string {
  return hash('sha256', text)
}
