import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { DataSpec } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { listSplits } from '../../data/registry.ts'
import type { DataName } from './port.ts'

/** Data as found under a root. */
export interface FoundData {
  readonly spec: DataSpec
  /** the data set that stands in for one that is not there */
  readonly standIn: DataName | null
}

/** Folders of a data set below the root, the official archive's own name after ours. */
const FOLDERS: Readonly<Record<Exclude<DataName, 'synthetic-digits'>, readonly string[]>> = {
  mnist: ['mnist', 'MNIST', 'MNIST/raw'],
  'fashion-mnist': ['fashion-mnist', 'fashion', 'FashionMNIST/raw'],
  cifar10: ['cifar10', 'cifar-10-batches-bin', 'cifar10/cifar-10-batches-bin', 'cifar'],
  imagenette: ['imagenette', 'imagenette2-160', 'imagenette/imagenette2-160', 'imagenette2-320', 'imagenette2'],
}

/** What is taken where a data set is absent. */
const STAND_INS: Partial<Record<DataName, DataName>> = { imagenette: 'cifar10' }

/**
 * Finds the data a table needs.
 * @throws Fault file.notFound where the root is no folder; data.missing naming what is not below it and how to get it
 */
export async function findData(
  root: string | null,
  names: readonly DataName[],
): Promise<ReadonlyMap<DataName, FoundData>> {
  const found = new Map<DataName, FoundData>()
  const missing: string[] = []
  for (const name of names) {
    const own = await locate(root, name)
    const standIn = own === null ? STAND_INS[name] : undefined
    const spec = own ?? (standIn ? await locate(root, standIn) : null)
    if (spec) found.set(name, { spec, standIn: own ? null : standIn! })
    else missing.push(...(standIn ? [`${name} (or ${standIn}, which stands in for it)`] : [name]))
  }
  if (missing.length === 0) return found
  const first = names.find((name) => !found.has(name))!
  throw new Fault(
    'data.missing',
    `${root === null ? 'No data root is given' : `${resolve(root)} holds no usable folder`}: this table needs ${missing.join(', ')}. ` +
      `Give --data-root DIR with a folder named so, with the official files, or fetch them: quantbench data pull ${STAND_INS[first] ?? first}.`,
    { root: root ?? '', missing },
  )
}

async function locate(root: string | null, name: DataName): Promise<DataSpec | null> {
  if (name === 'synthetic-digits') return { kind: 'synthetic-digits' }
  if (root === null) return null
  await assertFolder(root)
  for (const folder of FOLDERS[name]) {
    const spec = specOf(name, join(resolve(root), folder))
    // a folder with other content is passed over: a later name may hold the files
    const splits: readonly string[] = await listSplits(spec).catch(() => [])
    if (splits.includes('train') && splits.includes('test')) return spec
  }
  return null
}

function specOf(name: Exclude<DataName, 'synthetic-digits'>, path: string): DataSpec {
  switch (name) {
    case 'mnist':
    case 'fashion-mnist':
      return { kind: 'mnist', path }
    case 'cifar10':
      return { kind: 'cifar10', path }
    case 'imagenette':
      return { kind: 'images', path }
  }
}

async function assertFolder(root: string): Promise<void> {
  try {
    await readdir(root)
  } catch (cause) {
    throw new Fault(
      'file.notFound',
      `The data root ${resolve(root)} is no folder that can be read. Give --data-root DIR with folders mnist, fashion-mnist, cifar10 or imagenette in it.`,
      { file: root },
      { cause },
    )
  }
}
