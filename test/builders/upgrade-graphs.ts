import { float, graph as graphAttribute } from '../../src/main/graph/attributes.ts'
import type { EngineTensor, Feeds } from '../../src/main/engines/port.ts'
import type { Graph, Model } from '../../src/main/graph/model.ts'
import { ModelBuilder, normals, seeded } from './model-builder.ts'

/** A model of several nodes for the opset upgrade, and what to run it on. */
export interface UpgradeGraph {
  readonly why: string
  readonly model: Model
  readonly feeds: Feeds
  /** relative to max(1, |expected|); 0 unless told */
  readonly tolerance?: number
}

function values(...dims: number[]): EngineTensor {
  return {
    dataType: 'float',
    dims,
    data: normals(
      seeded(3),
      dims.reduce((a, b) => a * b, 1),
    ),
  }
}

function flag(value: boolean): EngineTensor {
  return { dataType: 'bool', dims: [], data: Uint8Array.of(Number(value)) }
}

/** The graph of a builder, to be put into another node's attribute. */
function body(build: (b: ModelBuilder) => void): Graph {
  const b = new ModelBuilder()
  build(b)
  return b.build().graph
}

function branching(condition: boolean): UpgradeGraph {
  const b = new ModelBuilder({ opset: 9 })
  b.input('x', ['N', 3, 4])
  b.input('which', [], 'bool')
  b.node('Relu', ['x'], {}, { name: 'relu', outputs: ['outer'] })
  const then = body((inner) => {
    // reads `outer` from the scope around it, and has its own constant under a name that the upgrade would also choose
    inner.floats([1, 2, 3, 4], [4], 'soft_rows')
    inner.node('Softmax', ['outer'], { axis: 1 }, { name: 'soft', outputs: ['s'] })
    inner.node('Add', ['s', 'soft_rows'], {}, { outputs: ['then_out'] })
    inner.output('then_out')
  })
  const otherwise = body((inner) => {
    inner.node('Clip', ['outer'], { min: float(0.1), max: float(0.5) }, { outputs: ['else_out'] })
    inner.output('else_out')
  })
  b.node(
    'If',
    ['which'],
    { then_branch: graphAttribute(then), else_branch: graphAttribute(otherwise) },
    { outputs: ['y'] },
  )
  b.output('y')
  return {
    why: `If with branches of old operators (${condition})`,
    model: b.build(),
    feeds: { x: values(2, 3, 4), which: flag(condition) },
  }
}

function looping(): UpgradeGraph {
  const b = new ModelBuilder({ opset: 10 })
  b.input('x', [2, 3])
  const turn = body((inner) => {
    inner.input('i', [], 'int64')
    inner.input('on', [], 'bool')
    inner.input('state', null)
    inner.node('Unsqueeze', ['state'], { axes: [0] }, { outputs: ['wide'] })
    inner.node('ReduceSum', ['wide'], { axes: [0], keepdims: 0 }, { outputs: ['sum'] })
    inner.node('Clip', ['sum'], { max: float(0.9) }, { outputs: ['next'] })
    inner.node('Dropout', ['next'], {}, { outputs: ['kept'] })
    inner.node('Identity', ['on'], {}, { outputs: ['still'] })
    inner.output('still', [], 'bool')
    inner.output('kept')
  })
  b.node('Loop', [b.ints([3], []), '', 'x'], { body: graphAttribute(turn) }, { outputs: ['y'] })
  b.output('y')
  return { why: 'Loop over old operators', model: b.build(), feeds: { x: values(2, 3) } }
}

/** Names that the upgrade would choose for its helpers are taken already. */
function crowded(): UpgradeGraph {
  const b = new ModelBuilder({ opset: 9 })
  b.input('x', ['N', 'C', 'L'])
  b.floats([2], [1], 'clip_min')
  b.node('Clip', ['x'], { min: float(-0.5) }, { name: 'clip', outputs: ['clip_max'] })
  b.node('Softmax', ['clip_max'], { axis: 1 }, { name: 'soft', outputs: ['soft_rows'] })
  b.node('Mul', ['soft_rows', 'clip_min'], {}, { name: 'soft_flatten', outputs: ['y'] })
  b.output('y')
  return { why: 'names that helpers would take are in use', model: b.build(), feeds: { x: values(2, 3, 4) } }
}

/** Nodes without names, as many old exporters write them. */
function unnamed(): UpgradeGraph {
  const b = new ModelBuilder({ opset: 7 })
  b.input('x', [2, 3, 4, 4])
  const parts = ['a', 'b', 'c']
  b.node('Split', ['x'], { axis: 1 }, { outputs: parts })
  b.node('Upsample', ['a'], { scales: { kind: 'floats', value: [1, 1, 2, 2] } }, { outputs: ['up'] })
  b.node('Pad', ['b'], { pads: [0, 0, 2, 2, 0, 0, 2, 2] }, { outputs: ['wide'] })
  b.node('Sum', ['up', 'wide'], {}, { outputs: ['sum'] })
  b.node('TopK', ['sum'], { k: 2 }, { outputs: ['top', 'at'] })
  b.node('Squeeze', ['top'], { axes: [1] }, { outputs: ['y'] })
  b.output('y')
  const model = b.build()
  const nodes = model.graph.nodes.map((node) => ({ ...node, name: '' }))
  return {
    why: 'nodes without names',
    model: { ...model, graph: { ...model.graph, nodes } },
    feeds: { x: values(2, 3, 4, 4) },
  }
}

/** A small network of opset 7 whose constants are also listed as inputs (IR 3). */
function listed(): UpgradeGraph {
  const b = new ModelBuilder({ opset: 7, irVersion: 3, initializersAsInputs: true })
  b.input('x', [1, 3, 8, 8])
  const conv = b.node('Conv', ['x', b.weights([4, 3, 3, 3])], { auto_pad: 'SAME_UPPER', strides: [2, 2] })
  const channels = (value: number): string => b.floats([value, 1, 2, 3])
  const normal = b.node('BatchNormalization', [conv, channels(1), channels(0), channels(0.5), channels(2)])
  const pooled = b.node('MaxPool', [b.node('Clip', [normal], { min: float(0), max: float(6) })], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  })
  const flat = b.node('Reshape', [b.node('Dropout', [pooled]), b.ints([1, -1])])
  b.node('Softmax', [b.node('Gemm', [flat, b.weights([16, 5]), b.floats([1, 2, 3, 4, 5])])], {}, { outputs: ['y'] })
  b.output('y', [1, 5])
  // from IR 4 on a constant that is also an input may be overridden, so the runtime does not pack it and adds in another order
  return { why: 'constants listed as inputs', model: b.build(), feeds: { x: values(1, 3, 8, 8) }, tolerance: 2 ** -23 }
}

export const upgradeGraphs: readonly UpgradeGraph[] = [
  branching(true),
  branching(false),
  looping(),
  crowded(),
  unnamed(),
  listed(),
]
