import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { DataSpec } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'

const KINDS = ['mnist', 'cifar10', 'images', 'npz'] as const
const FORMS = 'mnist:DIR, cifar10:DIR, images:DIR, npz:FILE or synthetic-digits'

/**
 * Reads `kind:path` as DESIGN section 8 has it. The path is made absolute, so that a stored run and a worker in another
 * folder mean the same place; a leading `~/` is the home folder (no shell expands it behind a colon).
 * @param base the folder that relative paths start from
 * @throws Fault usage.dataKind for an unknown kind; usage.dataPath for a missing path or a path where none belongs
 */
export function parseDataSpec(text: string, base: string = process.cwd()): DataSpec {
  const colon = text.indexOf(':')
  const kind = (colon < 0 ? text : text.slice(0, colon)).trim()
  const path = colon < 0 ? '' : text.slice(colon + 1)
  if (kind === 'synthetic-digits') {
    if (path !== '') {
      throw new Fault('usage.dataPath', `synthetic-digits is drawn, not read: leave out "${path}".`, { text })
    }
    return { kind }
  }
  const known = KINDS.find((name) => name === kind)
  if (!known) {
    throw new Fault('usage.dataKind', `Unknown data "${text}": write ${FORMS}.`, { text })
  }
  if (path === '') {
    throw new Fault('usage.dataPath', `"${text}" names no place: write ${known}:${known === 'npz' ? 'FILE' : 'DIR'}.`, {
      text,
    })
  }
  const expanded = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
  return { kind: known, path: resolve(base, expanded) }
}

/** `kind:path`, the text that `parseDataSpec` reads back to the same value. */
export function formatDataSpec(spec: DataSpec): string {
  return spec.kind === 'synthetic-digits' ? spec.kind : `${spec.kind}:${spec.path}`
}
