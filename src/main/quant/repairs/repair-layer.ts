import type { WeightScheme } from '../../../shared/contract/plan.ts'
import { dequantize, forEachRun } from '../affine.ts'
import type { QuantParams } from '../params.ts'
import type { WeightSite } from '../weight-site.ts'
import { roundToNearest, weightParams, type QuantizedWeights } from '../weights.ts'
import { elementAt, firstBlockOf, type WeightGeometry } from './geometry.ts'
import type { LeastSquares } from './moments.ts'
import { bestStep, roundRow, type RoundedRow } from './rounding.ts'

/** What is done to a layer. */
export interface LayerRepairs {
  readonly rounding: boolean
  readonly bias: boolean
}

/** A layer's constants as repaired, and what that brought. */
export interface RepairedLayer {
  /** null where the weights stay with nearest rounding */
  readonly weights: QuantizedWeights | null
  /** new real bias, one value a row; null where it stays */
  readonly bias: Float32Array | null
  readonly effect: RepairEffect
}

/** Mean square of the layer's output, and of its error without and with the repairs, on the calibration samples; real units squared. */
export interface RepairEffect {
  readonly power: number
  readonly plainError: number
  readonly error: number
}

/** Products up to which every candidate scale of every row is tried. */
const SEARCH_BUDGET = 2e10
const REFINEMENTS = 2

/**
 * Repairs one layer in closed form: scales and integers that leave the least output error on the quantized inputs, and the bias that takes
 * out what is left of its mean.
 * @param problems one for each of the `groups · splits` blocks of the geometry
 */
export function repairLayer(
  site: WeightSite,
  geometry: WeightGeometry,
  problems: readonly LeastSquares[],
  repairs: LayerRepairs,
): RepairedLayer {
  const plain = roundToNearest(site.layerId, site.values, site.layout, site.scheme, null)
  const weights = repairs.rounding ? roundLayer(site, geometry, problems) : null
  const used = realOf(weights ?? plain)
  const plainReal = realOf(plain)
  const shifts = new Float32Array(geometry.rows)
  let [power, plainError, error] = [0, 0, 0]
  for (let row = 0; row < geometry.rows; row++) {
    const before = rowOutcome(site, geometry, problems, row, plainReal)
    const after = rowOutcome(site, geometry, problems, row, used)
    shifts[row] = after.shift
    power += before.power
    plainError += before.error + before.shift ** 2
    error += after.error + (movesBias(site, repairs) ? 0 : after.shift ** 2)
  }
  const bias = movesBias(site, repairs) ? site.bias!.values.map((value, row) => value + shifts[row]!) : null
  return { weights, bias, effect: { power, plainError, error } }
}

/** Whether a layer has a bias that may move; without, its moments must not be taken about the mean. */
export function movesBias(site: WeightSite, repairs: LayerRepairs): boolean {
  return repairs.bias && site.bias !== null
}

function realOf({ values, params, dims }: QuantizedWeights): Float32Array {
  return dequantize(values, params, dims)
}

interface RowOutcome {
  readonly power: number
  readonly error: number
  readonly shift: number
}

function rowOutcome(
  site: WeightSite,
  geometry: WeightGeometry,
  problems: readonly LeastSquares[],
  row: number,
  real: Float32Array,
): RowOutcome {
  let [power, error, shift] = [0, 0, 0]
  for (const { problem, start } of blocksOf(geometry, problems, row)) {
    const float = entriesOf(geometry, site.values, row, start, problem.size)
    const own = entriesOf(geometry, real, row, start, problem.size)
    power += problem.powerOf(float)
    error += problem.errorOf(own, float)
    shift += problem.centred ? problem.biasShift(own, float) : 0
  }
  return { power, error, shift }
}

interface Block {
  readonly problem: LeastSquares
  /** first entry of the row that belongs to it */
  readonly start: number
}

function blocksOf(geometry: WeightGeometry, problems: readonly LeastSquares[], row: number): Block[] {
  const first = firstBlockOf(geometry, row)
  const entries = geometry.size / geometry.splits
  return Array.from({ length: geometry.splits }, (_, i) => ({ problem: problems[first + i]!, start: i * entries }))
}

function entriesOf(
  geometry: WeightGeometry,
  values: ArrayLike<number>,
  row: number,
  start: number,
  count: number,
): Float64Array {
  const entries = new Float64Array(count)
  for (let k = 0; k < count; k++) entries[k] = values[elementAt(geometry, row, start + k)]!
  return entries
}

/** One row's blocks, ready to be rounded with any step. */
interface RowProblem {
  readonly row: number
  readonly blocks: readonly (Block & { readonly target: Float64Array })[]
}

function roundLayer(site: WeightSite, geometry: WeightGeometry, problems: readonly LeastSquares[]): QuantizedWeights {
  const { layout, scheme, values } = site
  const params = weightParams(values, layout, scheme)
  const rows = Array.from({ length: geometry.rows }, (_, row): RowProblem => ({
    row,
    blocks: blocksOf(geometry, problems, row).map((block) => ({
      ...block,
      target: block.problem.targetOf(entriesOf(geometry, values, row, block.start, block.problem.size)),
    })),
  }))
  const isSearched = scheme.symmetric && layout.blockSize === undefined
  const integers = new Int32Array(values.length)
  const scale = params.scale.slice()
  if (!isSearched) {
    const fixed = { ...params, stepsOf: stepTable(params, layout.dims, values.length) }
    for (const row of rows) place(integers, geometry, row, roundFixed(row, geometry, fixed), params)
    return { dims: layout.dims, params, values: integers }
  }
  const ratios = ratiosFor(scheme, geometry)
  const shared = layout.axis === null ? [rows] : rows.map((row) => [row])
  shared.forEach((members, index) => {
    const found = searchStep(members, scale[index]!, ratios, params)
    scale[index] = found.step
    members.forEach((row, i) => place(integers, geometry, row, found.rounded[i]!, params))
  })
  return { dims: layout.dims, params: { ...params, scale }, values: integers }
}

/** Shares of the min-max scale that are tried: the fewer the bits, the more clipping can pay. */
function ratiosFor({ bits }: WeightScheme, { rows, size, splits }: WeightGeometry): number[] {
  if (bits > 6) return [1]
  const lowest = bits <= 2 ? 0.25 : bits === 3 ? 0.4 : 0.5
  const cost = rows * size * (size / splits)
  const count = Math.max(3, Math.min(16, Math.floor(SEARCH_BUDGET / cost)))
  return Array.from({ length: count }, (_, i) => 1 - ((1 - lowest) * i) / (count - 1))
}

interface FoundStep {
  /** float32 */
  readonly step: number
  /** for each row, its blocks' integers relative to the zero point */
  readonly rounded: readonly (readonly RoundedRow[])[]
}

/** The common step of some rows: the best of the candidates, then in turns the step for the integers and the integers for the step. */
function searchStep(
  rows: readonly RowProblem[],
  widest: number,
  ratios: readonly number[],
  params: QuantParams,
): FoundStep {
  const roundAll = (step: number): FoundStep & { error: number } => {
    const exact = Math.fround(step)
    const rounded = rows.map(({ blocks }) => blocks.map((block) => roundWith(block, exact, params)))
    const error = rounded.flat().reduce((sum, row) => sum + row.error, 0)
    return { step: exact, rounded, error }
  }
  let best = roundAll(widest)
  for (const ratio of ratios.slice(1)) {
    const next = roundAll(widest * ratio)
    if (next.error < best.error) best = next
  }
  for (let i = 0; i < REFINEMENTS; i++) {
    const parts = rows.flatMap(({ blocks }, r) =>
      blocks.map(({ problem, target }, b) => ({ problem, target, integers: best.rounded[r]![b]!.integers })),
    )
    const step = bestStep(parts)
    if (step === null) break
    const next = roundAll(step)
    if (next.error >= best.error) break
    best = next
  }
  return best
}

function roundWith(
  { problem, target }: RowProblem['blocks'][number],
  step: number,
  { qmin, qmax, zeroPoint }: QuantParams,
): RoundedRow {
  const middle = zeroPoint[0]!
  const steps = new Float64Array(problem.size).fill(step)
  return roundRow({ problem, target, steps, low: qmin - middle, high: qmax - middle })
}

/** Index of the scale of every element. */
function stepTable(params: QuantParams, dims: readonly number[], length: number): Int32Array {
  const table = new Int32Array(length)
  forEachRun(length, params, dims, (start, step, count, index) => {
    for (let n = 0, i = start; n < count; n++, i += step) table[i] = index
  })
  return table
}

function roundFixed(
  { row, blocks }: RowProblem,
  geometry: WeightGeometry,
  params: QuantParams & { readonly stepsOf: Int32Array },
): RoundedRow[] {
  return blocks.map(({ problem, target, start }) => {
    const indices = Int32Array.from(
      { length: problem.size },
      (_, k) => params.stepsOf[elementAt(geometry, row, start + k)]!,
    )
    const steps = Float64Array.from(indices, (index) => params.scale[index]!)
    // zero points may differ between blocks of a row; the widest common bounds would leave the container, so they are those of the first
    const middle = params.zeroPoint[indices[0]!]!
    return roundRow({ problem, target, steps, low: params.qmin - middle, high: params.qmax - middle })
  })
}

function place(
  integers: Int32Array,
  geometry: WeightGeometry,
  { row, blocks }: RowProblem,
  rounded: readonly RoundedRow[],
  params: QuantParams,
): void {
  blocks.forEach(({ start, problem }, b) => {
    for (let k = 0; k < problem.size; k++) {
      const middle = params.zeroPoint[params.zeroPoint.length === geometry.rows ? row : 0]!
      integers[elementAt(geometry, row, start + k)] = rounded[b]!.integers[k]! + middle
    }
  })
}
