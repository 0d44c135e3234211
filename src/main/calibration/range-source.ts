import type { ActivationScheme, TensorOverride } from '../../shared/contract/plan.ts'
import type { Range, RangeSource } from '../quant/params.ts'
import { calibrators } from './calibrators/registry.ts'
import { statisticsOf, type Collection } from './collection.ts'

/**
 * Ranges of activation tensors, derived from a collection with the calibrator of the scheme; each is computed once.
 * @param overrides the plan's `tensors`: a calibrator in the place of the scheme's, or a range outright (widened to contain 0),
 *   which needs no statistics
 */
export function rangeSource(
  collection: Collection,
  overrides: Readonly<Record<string, TensorOverride>> = {},
): RangeSource {
  const known = new Map<string, Range>()
  return {
    rangeOf: (tensor, scheme) => {
      const override = Object.hasOwn(overrides, tensor) ? overrides[tensor] : undefined
      if (override?.range) return explicitRange(override.range)
      const asked = { ...scheme, calibrator: override?.calibrator ?? scheme.calibrator }
      const key = keyOf(tensor, asked)
      const found = known.get(key) ?? deriveRange(collection, tensor, asked)
      known.set(key, found)
      return found
    },
  }
}

function deriveRange(collection: Collection, tensor: string, scheme: ActivationScheme): Range {
  return calibrators[scheme.calibrator.method](statisticsOf(collection, tensor), scheme)
}

function explicitRange([a, b]: readonly [number, number]): Range {
  return { rmin: Math.min(0, a, b), rmax: Math.max(0, a, b) }
}

function keyOf(tensor: string, { bits, symmetric, calibrator }: ActivationScheme): string {
  return JSON.stringify([tensor, bits, symmetric, calibrator])
}
