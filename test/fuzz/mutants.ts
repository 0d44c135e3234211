import fs from 'node:fs'
import path from 'node:path'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { builtGraphs } from '../builders/graphs.ts'
import { seeded } from '../builders/model-builder.ts'
import { sharedModels } from '../builders/shared.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateMessage } from './mutate-message.ts'

/** A sound file that mutants are made of. */
export interface Base {
  readonly name: string
  readonly bytes: Uint8Array
}

/** All small graphs that the tests build. */
export function builtBases(): Base[] {
  return builtGraphs().map(({ name, model }) => ({ name, bytes: modelBytes(model) }))
}

/** The real models at hand, then the built graphs. */
export function allBases(): Base[] {
  const real = sharedModels().map((file) => ({
    name: path.basename(file),
    bytes: new Uint8Array(fs.readFileSync(file)),
  }))
  return [...real, ...builtBases()]
}

/**
 * Mutant `index` of a series: the bases in turn, a third of them changed blindly, the others field by field. The same index and
 * seed give the same bytes on every machine.
 */
export function mutant(bases: readonly Base[], index: number, seed: number): Base {
  const base = bases[index % bases.length]!
  const random = seeded(Math.imul(seed, 1_000_003) + index)
  const bytes = random() < 1 / 3 ? mutateBytes(base.bytes, random) : mutateMessage(base.bytes, random)
  return { name: `${base.name} mutant ${index} of seed ${seed}`, bytes }
}
