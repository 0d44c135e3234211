import { intAttribute } from '../../graph/attributes.ts'
import type { Node } from '../../graph/model.ts'
import type { WeightSite } from '../weight-site.ts'

/** How a layer's weights multiply its input: `rows` output channels, each over `size` values of the columns of its group. */
export interface WeightGeometry {
  readonly rows: number
  readonly size: number
  readonly groups: number
  /** parts a row is cut into whose inputs are taken as unrelated, so that no matrix grows beyond bounds */
  readonly splits: number
  /** the weights lie as [size, rows] */
  readonly transposed: boolean
}

/** Longest row whose moments are kept whole: 2,304² doubles are 42 MB, and their factorization takes some seconds. */
const MOST_ENTRIES = 2304

/** The geometry of a Conv, Gemm or MatMul with constant weights, or in words why it has none. */
export function geometryOf(node: Node, { layout }: WeightSite): WeightGeometry | string {
  const { dims } = layout
  if (node.opType === 'Conv') {
    const groups = intAttribute(node, 'group', 1)
    const [rows = 0, channels = 0, ...kernel] = dims
    const taps = kernel.reduce((product, length) => product * length, 1)
    return cut({ rows, size: channels * taps, groups, transposed: false }, channels)
  }
  if (node.opType !== 'Gemm' && node.opType !== 'MatMul') return `there is no rounding for ${node.opType}`
  if (dims.length !== 2) return 'its weights are a stack of matrices'
  if (intAttribute(node, 'transA', 0) === 1) return 'it reads its input transposed (transA)'
  const transposed = intAttribute(node, 'transB', 0) === 0
  const [first = 0, second = 0] = dims
  const [rows, size] = transposed ? [second, first] : [first, second]
  return cut({ rows, size, groups: 1, transposed }, size)
}

/** Cuts rows so that every part holds whole input channels. */
function cut(geometry: Omit<WeightGeometry, 'splits'>, channels: number): WeightGeometry | string {
  const { size } = geometry
  for (let splits = Math.ceil(size / MOST_ENTRIES); splits <= channels; splits++)
    if (channels % splits === 0) return { ...geometry, splits }
  return `its rows of ${size} weights cannot be cut into parts of ${MOST_ENTRIES}`
}

/** Where an entry of a row lies in the weights. */
export function elementAt({ rows, size, transposed }: WeightGeometry, row: number, entry: number): number {
  return transposed ? entry * rows + row : row * size + entry
}

/** First of the `splits` blocks that a row belongs to. */
export function firstBlockOf({ rows, groups, splits }: WeightGeometry, row: number): number {
  return Math.floor((row * groups) / rows) * splits
}
