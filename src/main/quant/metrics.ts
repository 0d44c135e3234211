/** Numbers a metric can read. Outputs of other types are converted by the caller. */
export type Numbers =
  Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

/**
 * What one pass over a pair of equally long tensors leaves behind; every pairwise metric is derived from it, and sums of
 * several samples add up. Sums are in float64.
 */
export interface PairSums {
  readonly count: number
  /** Σ ref² */
  readonly signal: number
  /** Σ (ref − test)² */
  readonly noise: number
  /** Σ test² */
  readonly testSquares: number
  /** Σ ref · test */
  readonly dot: number
  /** max |ref − test| */
  readonly maxAbsError: number
  /** max |ref| */
  readonly maxReference: number
}

/** The sums of nothing: the start of an addition. */
export const noPairSums: PairSums = {
  count: 0,
  signal: 0,
  noise: 0,
  testSquares: 0,
  dot: 0,
  maxAbsError: 0,
  maxReference: 0,
}

/**
 * Sums over a reference and a test tensor of the same length. Where both hold the same infinity, or both NaN, the element
 * is left out; a test value that is not finite where the reference is (or the reverse) is an infinite error.
 * @throws Error when the lengths differ (a bug of the caller: shapes are compared before)
 */
export function measurePair(reference: Numbers, test: Numbers): PairSums {
  if (reference.length !== test.length) throw new Error(`lengths differ: ${reference.length} and ${test.length}`)
  let signal = 0
  let noise = 0
  let testSquares = 0
  let dot = 0
  let maxAbsError = 0
  let maxReference = 0
  for (let i = 0; i < reference.length; i++) {
    const r = reference[i]!
    const t = test[i]!
    const error = Math.abs(r - t)
    if (!(error < Infinity)) {
      if (Object.is(r, t)) continue
      noise = maxAbsError = Infinity
      continue
    }
    signal += r * r
    noise += error * error
    testSquares += t * t
    dot += r * t
    if (error > maxAbsError) maxAbsError = error
    const size = Math.abs(r)
    if (size > maxReference) maxReference = size
  }
  return { count: reference.length, signal, noise, testSquares, dot, maxAbsError, maxReference }
}

/** Sums of two disjoint sets of elements. Float addition does not associate: add in a fixed order where bits matter. */
export function addPairSums(a: PairSums, b: PairSums): PairSums {
  return {
    count: a.count + b.count,
    signal: a.signal + b.signal,
    noise: a.noise + b.noise,
    testSquares: a.testSquares + b.testSquares,
    dot: a.dot + b.dot,
    maxAbsError: Math.max(a.maxAbsError, b.maxAbsError),
    maxReference: Math.max(a.maxReference, b.maxReference),
  }
}

/**
 * 10 · log10(Σ ref² / Σ (ref − test)²) in dB, higher is better. Infinity where the two are equal (also where both are zero),
 * −Infinity where the reference is all zero and the test is not, or where the test is not finite.
 * Source: DESIGN section 4.
 */
export function sqnrDbOf(sums: PairSums): number {
  if (sums.noise === 0) return Infinity
  return 10 * Math.log10(sums.signal / sums.noise)
}

/** Σ ref·test / √(Σ ref² · Σ test²), in [−1, 1]; 1 where both are zero, 0 where only one is. */
export function cosineOf(sums: PairSums): number {
  if (sums.noise === 0) return 1
  if (sums.signal === 0 || sums.testSquares === 0) return 0
  const cosine = sums.dot / (Math.sqrt(sums.signal) * Math.sqrt(sums.testSquares))
  return Math.max(-1, Math.min(1, cosine))
}

/** max |ref − test| / max |ref|; 0 where they are equal, Infinity where only the reference is all zero. */
export function maxRelativeErrorOf(sums: PairSums): number {
  return sums.maxAbsError === 0 ? 0 : sums.maxAbsError / sums.maxReference
}

/** {@link sqnrDbOf} of two tensors. */
export function sqnrDb(reference: Numbers, test: Numbers): number {
  return sqnrDbOf(measurePair(reference, test))
}

/** {@link cosineOf} of two tensors. */
export function cosine(reference: Numbers, test: Numbers): number {
  return cosineOf(measurePair(reference, test))
}

/**
 * log Σ exp(x), with the maximum taken out first.
 * Source: Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions, 2021, equation 3.4.
 */
export function logSumExp(scores: Numbers): number {
  let max = -Infinity
  for (let i = 0; i < scores.length; i++) if (scores[i]! > max) max = scores[i]!
  if (!Number.isFinite(max)) return max
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i]! - max)
  return max + Math.log(sum)
}

/** How a class output is to be read: raw scores before softmax, or probabilities. */
export type ScoreKind = 'logits' | 'probabilities'

/** Sum of probabilities that still counts as 1: float32 softmax over 1,000 classes stays within 1e-5, an 8-bit one within 1e-2 (half a step of 1/256 on a few large classes). */
const probabilitySumTolerance = 0.02

/** True when every score lies in [0, 1] and they sum to 1: the model ends in softmax. Decide over all samples, not one. */
export function isDistribution(scores: Numbers): boolean {
  let sum = 0
  for (let i = 0; i < scores.length; i++) {
    const p = scores[i]!
    if (!(p >= 0 && p <= 1 + 1e-6)) return false
    sum += p
  }
  return Math.abs(sum - 1) <= probabilitySumTolerance
}

/** Smallest probability in a logarithm: keeps the loss of a zero finite (27.6), as Keras (1e-7) and scikit-learn (eps) do. */
const minProbability = 1e-12

/** Scores whose softmax they stand for: the logarithm of probabilities, logits as they are. */
export function logitsOf(scores: Numbers, kind: ScoreKind): Numbers {
  return kind === 'logits' ? scores : Float64Array.from(scores, (score) => Math.log(Math.max(minProbability, score)))
}

/** A share of a sum, at least the smallest probability; coarse quantizers may leave nothing but zeros. */
function probability(score: number, sum: number): number {
  return sum === 0 ? minProbability : Math.max(minProbability, score / sum)
}

/**
 * Cross-entropy in nats of one sample: log Σ exp(x) − x[label] for logits, −log p[label] / Σ p for probabilities.
 * @param label class index in [0, scores.length)
 */
export function crossEntropy(scores: Numbers, label: number, kind: ScoreKind): number {
  if (kind === 'logits') return logSumExp(scores) - scores[label]!
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += scores[i]!
  return -Math.log(probability(scores[label]!, sum))
}

/**
 * KL(P‖Q) = Σ p · (log p − log q) in nats, ≥ 0, where P and Q are the softmax of the scores (or the scores themselves, scaled to
 * sum 1, when they are probabilities).
 * Source: Kullback, Leibler 1951.
 */
export function klDivergence(reference: Numbers, test: Numbers, kind: ScoreKind): number {
  if (kind === 'logits') return klOfLogits(softmaxOf(reference), test)
  let kl = 0
  let referenceSum = 0
  let testSum = 0
  for (let i = 0; i < reference.length; i++) {
    referenceSum += reference[i]!
    testSum += test[i]!
  }
  for (let i = 0; i < reference.length; i++) {
    const p = reference[i]! / referenceSum
    if (p > 0) kl += p * (Math.log(p) - Math.log(probability(test[i]!, testSum)))
  }
  return Math.max(0, kl)
}

/** The softmax of some scores, for comparing others with it; arrays of the scores' length. */
export interface Softmax {
  readonly p: Float64Array
  readonly logP: Float64Array
  /** index of the largest score; -1 where there is none */
  readonly top: number
  /** scores less the largest */
  readonly belowTop: Float64Array
}

/** The softmax of scores, for comparing many others with it: {@link klOfLogits}. */
export function softmaxOf(scores: Numbers): Softmax {
  const norm = logSumExp(scores)
  const logP = Float64Array.from(scores, (score) => score - norm)
  const top = argmax(scores)
  return { p: logP.map(Math.exp), logP, top, belowTop: Float64Array.from(scores, (score) => score - scores[top]!) }
}

/** Scores that moved further apart than this, in nats, are compared by their own softmax. */
const FAR = 30

/**
 * {@link klDivergence} of scores before softmax, the reference's softmax being known: with x how much further a score is from the top
 * score than it was, KL = log Σ p·exp(x) − Σ p·x, since the softmax of the test is p·exp(x) scaled to sum 1. Where quantization moved the
 * scores a little, this loses no digits to their size, and takes a fifth of the time that exponentials of the scores take.
 */
export function klOfLogits({ p, logP, top, belowTop }: Softmax, test: Numbers): number {
  const testTop = test[top]!
  let growth = 0
  let drift = 0
  for (let i = 0; i < p.length; i++) {
    const x = test[i]! - testTop - belowTop[i]!
    if (!(Math.abs(x) <= FAR)) return klOfFarLogits(p, logP, test)
    growth += p[i]! * expm1(x)
    drift += p[i]! * x
  }
  return Math.max(0, Math.log1p(growth) - drift)
}

function klOfFarLogits(p: Float64Array, logP: Float64Array, test: Numbers): number {
  const norm = logSumExp(test)
  let kl = 0
  for (let i = 0; i < p.length; i++) if (p[i]! > 0) kl += p[i]! * (logP[i]! - (test[i]! - norm))
  return Math.max(0, kl)
}

/** exp(x) − 1. For |x| ≤ 1/4 by its Taylor series up to x¹², whose rest is below 1e-16 of it: a call for each class takes most of the time of comparing. */
function expm1(x: number): number {
  if (!(Math.abs(x) <= 0.25)) return Math.expm1(x)
  let sum = 1 / 39_916_800 + x * (1 / 479_001_600)
  sum = 1 / 3_628_800 + x * sum
  sum = 1 / 362_880 + x * sum
  sum = 1 / 40_320 + x * sum
  sum = 1 / 5_040 + x * sum
  sum = 1 / 720 + x * sum
  sum = 1 / 120 + x * sum
  sum = 1 / 24 + x * sum
  sum = 1 / 6 + x * sum
  sum = 1 / 2 + x * sum
  sum = 1 + x * sum
  return x * sum
}

/** Index of the largest score; the lowest index among equals. NaN counts as lowest; -1 for no or only NaN scores. */
export function argmax(scores: Numbers): number {
  let best = -1
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]!
    if (best < 0 ? value === value : value > scores[best]!) best = i
  }
  return best
}

/**
 * Place of `label` when scores are sorted from the largest, 0 first; equal scores stand in the order of their index, so that
 * `rankOf(scores, label) < k` is top-k. A NaN score of the label stands last.
 */
export function rankOf(scores: Numbers, label: number): number {
  const own = scores[label]!
  if (own !== own) return scores.length - 1
  let rank = 0
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]!
    if (value > own || (value === own && i < label)) rank++
  }
  return rank
}
