import { float, int } from '../../../graph/attributes.ts'
import { floatTensor } from '../../../graph/tensors.ts'
import type { Lowering } from './lowering.ts'
import { Malformed, Unsupported } from './problem.ts'
import { normalAxes } from './reduction.ts'
import { plainOrder, type Value } from './value.ts'

export interface BatchNormSpec {
  readonly x: Value
  /** axis of the channels */
  readonly axis: number
  /** null: ones */
  readonly gamma: Value | null
  /** null: zeros */
  readonly beta: Value | null
  readonly mean: Value
  readonly variance: Value
  readonly epsilon: number
}

/** BatchNormalization with the statistics of training. */
export function batchNormalize(to: Lowering, name: string, spec: BatchNormSpec): Value {
  const { x, mean, variance, gamma, beta } = spec
  const rank = x.dims.length
  const [axis] = normalAxes([spec.axis], rank)
  if (rank < 2 || axis === 0) throw new Unsupported(`normalizes axis ${spec.axis} of an input of rank ${rank}`)
  const channels = mean.dims[0]
  if (mean.dims.length !== 1 || typeof channels !== 'number')
    throw new Malformed('has a mean that is not a list of channels')
  for (const other of [variance, gamma, beta]) {
    if (other && (other.dims.length !== 1 || other.dims[0] !== channels)) {
      throw new Malformed(`has a mean of ${channels} channels and "${other.name}" of [${other.dims.join(', ')}]`)
    }
  }
  const order = [0, axis!, ...plainOrder(rank).filter((other) => other !== 0 && other !== axis)]
  const filled = (value: Value | null, what: string, number: number): string =>
    value
      ? to.read(value)
      : to.store(floatTensor(`${name}/${what}`, [channels], new Float32Array(channels).fill(number)))
  const inputs = [
    to.read(x, order),
    filled(gamma, 'gamma', 1),
    filled(beta, 'beta', 0),
    to.read(mean),
    to.read(variance),
  ]
  const attributes = [['epsilon', float(spec.epsilon)]] as const
  return to.value(name, to.emit({ opType: 'BatchNormalization', name, inputs, attributes }), order)
}

/** LayerNormalization over the last axes, from `axis` on. */
export function layerNormalize(
  to: Lowering,
  name: string,
  spec: {
    readonly x: Value
    readonly axis: number
    readonly gamma: Value | null
    readonly beta: Value | null
    readonly epsilon: number
  },
): Value {
  const { x, gamma, beta, axis, epsilon } = spec
  const dims = x.dims.slice(axis)
  if (dims.some((dim) => typeof dim !== 'number')) throw new Unsupported('normalizes an axis of open length')
  const lengths = dims as number[]
  const count = lengths.reduce((product, dim) => product * dim, 1)
  // without weights nothing has shown that so many numbers exist
  if (count > 2 ** 24) throw new Unsupported(`normalizes ${count} numbers at once`)
  const scale = gamma
    ? to.read(gamma)
    : to.store(floatTensor(`${name}/gamma`, lengths, new Float32Array(count).fill(1)))
  const inputs = [to.read(x), scale, ...(beta ? [to.read(beta)] : [])]
  const attributes = [
    ['axis', int(axis)],
    ['epsilon', float(epsilon)],
  ] as const
  return to.value(name, to.emit({ opType: 'LayerNormalization', name, inputs, attributes }))
}
