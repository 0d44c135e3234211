import { isFault } from '../../src/shared/contract/fault.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { upgradeOpset } from '../../src/main/formats/onnx/upgrade/index.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import { nonFiniteNotes } from '../../src/main/graph/non-finite.ts'
import { passesAfterUpgrade, passesBeforeUpgrade, passesLast } from '../../src/main/graph/passes/registry.ts'
import { runPasses } from '../../src/main/graph/passes/run.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import { validateModel } from '../../src/main/graph/validate.ts'

/** What came of a file: read and prepared, a fault with its code, or a bug with its stack. */
export type Outcome =
  | { readonly kind: 'model' }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string }
  | { readonly kind: 'bug'; readonly stack: string }

/** Opens a file as the product does, as far as that goes without the engine: decode, check, prepare, find layers, write, read. */
export function examine(bytes: Uint8Array): Outcome {
  try {
    const { model } = validateModel(decodeModel(bytes))
    nonFiniteNotes(model)
    const ignore = (): void => {}
    const upgraded = upgradeOpset(runPasses(model, passesBeforeUpgrade, ignore), 13, ignore)
    const prepared = runPasses(runPasses(upgraded, passesAfterUpgrade, ignore), passesLast, ignore)
    findLayers(prepared, inferShapes(prepared, { onProblem: ignore }))
    decodeModel(modelBytes(prepared))
    return { kind: 'model' }
  } catch (error) {
    return outcomeOf(error)
  }
}

/** A fault is an answer; anything else that is thrown is a bug of ours. */
export function outcomeOf(error: unknown): Outcome {
  if (isFault(error) && !error.code.startsWith('internal'))
    return { kind: 'fault', code: error.code, message: error.message }
  return { kind: 'bug', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
