import type { GraphView, GraphViewNode, GraphViewTensor } from '../../src/shared/contract/graph-view.ts'
import type { LayerInfo } from '../../src/shared/contract/model.ts'

const CHANNELS = 64
const SHAPE = ['N', CHANNELS, 56, 56]

/**
 * A residual chain of `count` nodes as the canvas gets it: Conv, Conv, and an Add with what came in some nodes before; skip edges of
 * 3 to 23 nodes, seeded.
 */
export function chainView(count: number): GraphView {
  const nodes: GraphViewNode[] = []
  const tensors: GraphViewTensor[] = [{ name: 'input', dataType: 'float', shape: SHAPE, constantBytes: null }]
  let state = 1
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 0x7fffffff
  }
  for (let i = 0; i < count; i++) {
    const before = i === 0 ? 'input' : `t${i - 1}`
    const isAdd = i % 3 === 2
    const skip = isAdd ? `t${Math.max(0, i - 3 - Math.floor(random() * 21))}` : null
    const id = `stage${Math.floor(i / 300)}/block${Math.floor(i / 3)}/${isAdd ? 'add' : `conv${i % 3}`}`
    if (!isAdd) tensors.push({ name: `w${i}`, dataType: 'float', shape: [64, 64, 3, 3], constantBytes: 147_456 })
    tensors.push({ name: `t${i}`, dataType: 'float', shape: SHAPE, constantBytes: null })
    nodes.push({
      id,
      op: isAdd ? 'Add' : 'Conv',
      domain: '',
      layerId: id,
      inputs: isAdd ? [before, skip!] : [before, `w${i}`],
      outputs: [`t${i}`],
      captures: [],
      attributes: isAdd ? [] : [{ name: 'kernel_shape', text: '3, 3' }],
      outputShape: SHAPE,
    })
  }
  const last = `t${count - 1}`
  return {
    form: 'prepared',
    name: `chain of ${count}`,
    inputs: [{ name: 'input', dataType: 'float', shape: SHAPE }],
    outputs: [{ name: last, dataType: 'float', shape: SHAPE }],
    nodes,
    layers: nodes.map(layerOf),
    tensors,
  }
}

function layerOf({ id, op, inputs, outputs }: GraphViewNode): LayerInfo {
  const isConv = op === 'Conv'
  return {
    id,
    op,
    activation: null,
    role: isConv ? 'weighted' : 'arithmetic',
    nodes: [id],
    inputs: inputs.slice(0, isConv ? 1 : 2),
    outputs,
    outputShape: SHAPE,
    parameters: isConv ? 36_864 : 0,
    macs: isConv ? 115_605_504 : 0,
    quantizable: true,
    reason: null,
  }
}
