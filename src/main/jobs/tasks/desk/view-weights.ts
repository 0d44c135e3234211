import type { WeightView } from '../../../../shared/contract/api/models.ts'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { LayerInfo } from '../../../../shared/contract/model.ts'
import type { Node, Tensor } from '../../../graph/model.ts'
import { toFloat32 } from '../../../graph/tensors.ts'
import { channelAxis } from '../../../quant/operators.ts'
import { histogramOf } from '../../desk/linear-histogram.ts'
import type { Task } from '../../worker-host.ts'
import { readPrepared } from './model-cache.ts'

export interface ViewWeightsInput {
  /** path of the prepared model */
  readonly path: string
  readonly layer: Pick<LayerInfo, 'id' | 'nodes'>
  readonly bins: number
}

const FLOATS: readonly string[] = ['float', 'float16', 'bfloat16', 'double']

/** Histograms and channel ranges of a layer's constants: the weights of its main node first. @throws Fault model.unknownLayer */
export function createViewWeightsTask(): Task<ViewWeightsInput, WeightView[]> {
  return async ({ path, layer, bins }, { signal }) => {
    const model = await readPrepared(path, signal)
    const { nodes, initializers } = model.graph
    const own = new Set(layer.nodes)
    const found = nodes.filter(({ name }) => own.has(name))
    if (found.length === 0)
      throw new Fault('model.unknownLayer', `The model has no layer "${layer.id}".`, { layer: layer.id })
    return found.flatMap((node) =>
      node.inputs.flatMap((name, index) => {
        const tensor = initializers.get(name)
        return tensor && FLOATS.includes(tensor.dataType) && tensor.data.byteLength > 0
          ? [viewOf(node, index, tensor, bins)]
          : []
      }),
    )
  }
}

function viewOf(node: Node, index: number, tensor: Tensor, bins: number): WeightView {
  const values = toFloat32(tensor)
  const axis = tensor.dims.length < 2 ? null : channelAxis(node, index, tensor.dims.length)
  let sum = 0
  let squares = 0
  for (const value of values) {
    sum += value
    squares += value * value
  }
  const mean = sum / values.length
  const histogram = histogramOf(values, bins)
  return {
    tensor: tensor.name,
    role: index === 1 || tensor.dims.length > 1 ? 'weight' : 'bias',
    dataType: tensor.dataType,
    dims: tensor.dims,
    min: histogram.low,
    max: histogram.high,
    mean,
    std: Math.sqrt(Math.max(0, squares / values.length - mean * mean)),
    histogram,
    channels: axis === null ? null : channelRanges(values, tensor.dims, axis),
  }
}

function channelRanges(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
): NonNullable<WeightView['channels']> {
  const count = dims[axis]!
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1)
  const min = new Array<number>(count).fill(Infinity)
  const max = new Array<number>(count).fill(-Infinity)
  for (let i = 0; i < values.length; i++) {
    const channel = Math.floor(i / inner) % count
    const value = values[i]!
    if (value < min[channel]!) min[channel] = value
    if (value > max[channel]!) max[channel] = value
  }
  return { axis, min, max }
}
