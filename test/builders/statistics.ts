import type { ActivationScheme, CalibratorSpec } from '../../src/shared/contract/plan.ts'
import type { TensorStatistics } from '../../src/main/calibration/collection.ts'
import { boundsOfRows, TensorObserver } from '../../src/main/calibration/observer.ts'
import { latticeOf } from '../../src/main/calibration/calibrators/lattice.ts'
import type { Range } from '../../src/main/quant/params.ts'

/** Statistics of raw values, as a calibration over `samples` equal parts of them would give. */
export function statisticsFor(values: Float32Array, samples = 1, name = 'x'): TensorStatistics {
  const observer = new TensorObserver(name, 1)
  if (!observer.addBounds(boundsOfRows(values, samples)) || !observer.addElements(values)) throw new Error('not finite')
  return observer.statistics()
}

/** An activation scheme with a calibrator. */
export function schemeOf(calibrator: CalibratorSpec, bits = 8, symmetric = false): ActivationScheme {
  return { bits, symmetric, calibrator }
}

/** Mean square error of quantizing every single value with a range: the reference for what histograms estimate. */
export function trueSquaredError(values: Float32Array, range: Range, scheme: ActivationScheme): number {
  const { scale, low, high } = latticeOf(
    range,
    scheme,
    values.every((value) => value >= 0),
  )
  let sum = 0
  for (const value of values) sum += (value - Math.min(high, Math.max(low, scale * Math.round(value / scale)))) ** 2
  return sum / values.length
}
