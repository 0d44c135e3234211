import type { ActivationScheme, CalibratorMethod, CalibratorSpec } from '../../../shared/contract/plan.ts'
import { calibrators } from '../../calibration/calibrators/registry.ts'
import type { TensorStatistics } from '../../calibration/collection.ts'
import { activationParams } from '../../quant/activation-params.ts'
import { everything } from '../../quant/operators.ts'
import type { QuantParams } from '../../quant/params.ts'
import { decibels, figure, medianOf, share, WORTH_DB, type Diagnosis, type Remedy } from './finding.ts'
import { boundsOf, noiseOf, shapeOf, type TensorNoise } from './tensor-noise.ts'

/** An activation that a layer reads or writes, as its pair holds it. */
export interface PairedTensor {
  readonly name: string
  readonly role: 'input' | 'output'
  /** layer whose entry in a plan decides its scheme: the one that writes it */
  readonly owner: string
  readonly statistics: TensorStatistics
  readonly params: QuantParams
  readonly scheme: ActivationScheme
  /** what cross-layer equalization would divide each channel by; null where it cannot reach the tensor */
  readonly equalizing: Float32Array | null
}

/** A channel this many times as wide as the median one costs the others two bits. */
const OUTLIER_RATIO = 4
/** Fewer have no median to speak of. */
const FEWEST_CHANNELS = 4
/** A range this many times as wide as what holds 99.9 % of the values: more than one and a half bits for one value in a thousand. */
const TAIL_RATIO = 3
/** Clipping that gains this much at 8 bits shows a tail; at fewer bits it gains as much on a normal distribution. */
const TAIL_GAIN_DB = 3
/** Of 256 steps, fewer than eight for one root mean square (a normal distribution over min-max has about 30). */
const WIDE_RATIO = 32

/** Faults of a paired activation, the one that explains the others first. */
export function diagnoseTensor(tensor: PairedTensor): Diagnosis[] {
  const noise = noiseOf(tensor.statistics, tensor.params)
  const channel = outlierChannel(tensor, noise)
  const tails = clippedTails(tensor, noise) ?? longTails(tensor, noise)
  const found = [channel, tails].filter((diagnosis) => diagnosis !== null)
  if (found.length > 0) return found
  const wide = wideRange(tensor, noise)
  return wide ? [wide] : []
}

function outlierChannel(tensor: PairedTensor, noise: TensorNoise): Diagnosis | null {
  const { channels } = tensor.statistics
  if (!channels || channels.min.length < FEWEST_CHANNELS) return null
  const widths = channels.max.map((high, c) => Math.max(0, high) - Math.min(0, channels.min[c]!))
  const worst = widestOf(widths)
  if (!worst || worst.ratio < OUTLIER_RATIO) return null
  const { channel, ratio, median } = worst
  const others = widths.filter((width) => width >= OUTLIER_RATIO * median).length
  const step = tensor.params.scale[0]!
  const levels = Math.max(1, Math.round(median / step))
  const all = tensor.params.qmax - tensor.params.qmin + 1
  const more = others > 1 ? ` (${others} of ${widths.length} channels are beyond ${OUTLIER_RATIO} times)` : ''
  return {
    finding: {
      kind: 'outlierChannel',
      text: `Channel ${channel} of its ${tensor.role} "${tensor.name}" spans ${figure(widths[channel]!)}, ${figure(ratio)} times the median channel (${figure(median)})${more}. All channels share one step of ${figure(step)}, which leaves the median channel ${levels} of ${all} levels.`,
      numbers: { channel, ratio, width: widths[channel]!, medianWidth: median, outliers: others, levels },
    },
    remedies: [...equalizeRemedy(tensor, widths, worst), ...calibratorRemedies(tensor, noise)],
  }
}

interface Widest {
  readonly channel: number
  readonly ratio: number
  readonly median: number
}

function widestOf(widths: Float32Array): Widest | null {
  const median = medianOf(widths.filter((width) => width > 0))
  if (!(median > 0)) return null
  let channel = 0
  for (let c = 1; c < widths.length; c++) if (widths[c]! > widths[channel]!) channel = c
  return { channel, ratio: widths[channel]! / median, median }
}

function equalizeRemedy({ equalizing }: PairedTensor, widths: Float32Array, { channel, ratio }: Widest): Remedy[] {
  if (equalizing?.length !== widths.length) return []
  const after = widestOf(widths.map((width, c) => width / equalizing[c]!))
  if (!after || after.ratio >= ratio) return []
  const factor = equalizing[channel]!
  return [
    {
      repair: 'equalize',
      text: `Equalization divides channel ${channel} by ${figure(factor)} and puts the factor into the weights of the next layer: the widest channel then has ${figure(after.ratio)} times the median range instead of ${figure(ratio)}.`,
    },
  ]
}

function clippedTails(tensor: PairedTensor, noise: TensorNoise): Diagnosis | null {
  if (noise.clipping <= noise.rounding) return null
  const { rmin, rmax } = boundsOf(tensor.params)
  const { kurtosis } = shapeOf(tensor.statistics)
  const { min, max } = tensor.statistics
  const clippedOfNoise = noise.clipping / (noise.clipping + noise.rounding)
  return {
    finding: {
      kind: 'clippedTails',
      text: `${share(noise.clippedShare)} of its ${tensor.role} "${tensor.name}" lies beyond the range [${figure(rmin)}, ${figure(rmax)}] and is clipped (values reach from ${figure(min)} to ${figure(max)}; kurtosis ${figure(kurtosis)}, a normal distribution has 3). Clipping makes ${share(clippedOfNoise)} of the error of this tensor.`,
      numbers: { clippedShare: noise.clippedShare, clippedOfNoise, kurtosis, rmin, rmax, sqnrDb: noise.sqnrDb },
    },
    remedies: calibratorRemedies(tensor, noise),
  }
}

function longTails(tensor: PairedTensor, noise: TensorNoise): Diagnosis | null {
  const { kurtosis, bulk } = shapeOf(tensor.statistics)
  const { rmin, rmax } = boundsOf(tensor.params)
  const ratio = (rmax - rmin) / bulk
  if (!(ratio >= TAIL_RATIO) && gainAtEightBits(tensor) < TAIL_GAIN_DB) return null
  return {
    finding: {
      kind: 'longTails',
      text: `The range [${figure(rmin)}, ${figure(rmax)}] of its ${tensor.role} "${tensor.name}" is ${figure(ratio)} times as wide as what holds 99.9 % of the values (kurtosis ${figure(kurtosis)}, a normal distribution has 3): one value in a thousand takes ${share(1 - 1 / ratio)} of the levels, and ${decibels(noise.sqnrDb)} are left.`,
      numbers: { ratio, kurtosis, rmin, rmax, bulk, sqnrDb: noise.sqnrDb },
    },
    remedies: calibratorRemedies(tensor, noise),
  }
}

function wideRange(tensor: PairedTensor, noise: TensorNoise): Diagnosis | null {
  const { rms } = shapeOf(tensor.statistics)
  const { rmin, rmax } = boundsOf(tensor.params)
  const ratio = (rmax - rmin) / rms
  if (!(ratio >= WIDE_RATIO)) return null
  const step = tensor.params.scale[0]!
  return {
    finding: {
      kind: 'wideRange',
      text: `The range [${figure(rmin)}, ${figure(rmax)}] of its ${tensor.role} "${tensor.name}" is wide beside its values: they are ${figure(rms)} (root mean square), which is ${figure(rms / step)} steps; ${decibels(noise.sqnrDb)} are left.`,
      numbers: { ratio, rms, rmin, rmax, sqnrDb: noise.sqnrDb },
    },
    remedies: calibratorRemedies(tensor, noise),
  }
}

/** The calibrator that fits the tensor best, where it gains enough: as a repair, which chooses by tensor, and as a plan. */
export function calibratorRemedies(tensor: PairedTensor, noise: TensorNoise): Remedy[] {
  const best = bestCalibrator(tensor)
  const gain = best.sqnrDb - noise.sqnrDb
  if (!(gain >= WORTH_DB)) return []
  const effect = `raises "${tensor.name}" from ${decibels(noise.sqnrDb)} to ${decibels(best.sqnrDb)} by its histogram`
  return [
    { repair: 'calibrators', text: `A calibrator chosen for each tensor: ${best.method} ${effect}.` },
    {
      layer: tensor.owner,
      override: { activations: { calibrator: { method: best.method } } },
      text: `The calibrator ${best.method} ${effect}.`,
    },
  ]
}

/** What the best calibrator gains over the tensor's own, both at 8 bits. */
function gainAtEightBits(tensor: PairedTensor): number {
  const scheme = { ...tensor.scheme, bits: 8 }
  const own = sqnrWith(tensor, scheme, scheme.calibrator)
  return bestCalibrator({ ...tensor, scheme }).sqnrDb - own
}

/** The calibrator with the best SQNR by the histogram; the moving average, which depends on the order of the samples, is left aside. */
function bestCalibrator(tensor: PairedTensor): { method: CalibratorMethod; sqnrDb: number } {
  const methods: readonly CalibratorMethod[] = ['minMax', 'percentile', 'entropy', 'mse']
  const all = methods.map((method) => ({ method, sqnrDb: sqnrWith(tensor, tensor.scheme, { method }) }))
  return all.reduce((best, candidate) => (candidate.sqnrDb > best.sqnrDb ? candidate : best))
}

function sqnrWith({ statistics }: PairedTensor, scheme: ActivationScheme, calibrator: CalibratorSpec): number {
  const interval = statistics.min >= 0 ? { low: 0, high: Infinity } : everything
  const range = calibrators[calibrator.method](statistics, { ...scheme, calibrator })
  const container = scheme.bits > 8 ? 'uint16' : 'uint8'
  return noiseOf(statistics, activationParams(range, scheme, container, interval)).sqnrDb
}
