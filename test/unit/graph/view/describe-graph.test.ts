import { describe, expect, it } from 'vitest'
import type { GraphView, GraphViewNode } from '../../../../src/shared/contract/graph-view.ts'
import { graph } from '../../../../src/main/graph/attributes.ts'
import { findLayers } from '../../../../src/main/graph/layers/index.ts'
import { assignIds } from '../../../../src/main/graph/passes/assign-ids.ts'
import { inferShapes } from '../../../../src/main/graph/shapes/index.ts'
import { describeGraph } from '../../../../src/main/graph/view/describe-graph.ts'
import { builtGraphs } from '../../../builders/graphs.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

function view(body: (b: ModelBuilder) => void, options: ConstructorParameters<typeof ModelBuilder>[0] = {}): GraphView {
  const b = new ModelBuilder(options)
  body(b)
  const model = assignIds(b.build())
  const shapes = inferShapes(model)
  return describeGraph('prepared', model, findLayers(model, shapes), shapes)
}

const nodeOf = (graphView: GraphView, id: string): GraphViewNode => {
  const node = graphView.nodes.find((candidate) => candidate.id === id)
  if (!node) throw new Error(`no node ${id}`)
  return node
}

function convReluPool(b: ModelBuilder): void {
  const conv = b.node(
    'Conv',
    [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3], 1, 'w')],
    { pads: [1, 1, 1, 1] },
    { name: 'stem' },
  )
  const relu = b.node('Relu', [conv], {}, { name: 'act' })
  b.node('MaxPool', [relu], { kernel_shape: [2, 2], strides: [2, 2] }, { name: 'pool', outputs: ['y'] })
  b.output('y')
}

describe('describeGraph', () => {
  it('gives nodes with their layer, attributes in words, shapes and constants', () => {
    const { nodes, tensors, inputs, outputs } = view(convReluPool)
    expect(nodes.map(({ id, op, layerId, outputShape }) => ({ id, op, layerId, outputShape }))).toEqual([
      { id: 'stem', op: 'Conv', layerId: 'stem', outputShape: ['N', 4, 8, 8] },
      { id: 'act', op: 'Relu', layerId: 'stem', outputShape: ['N', 4, 8, 8] },
      { id: 'pool', op: 'MaxPool', layerId: 'pool', outputShape: ['N', 4, 4, 4] },
    ])
    expect(nodes[2]!.attributes).toEqual([
      { name: 'kernel_shape', text: '2, 2' },
      { name: 'strides', text: '2, 2' },
    ])
    expect(tensors.find(({ name }) => name === 'w')).toEqual({
      name: 'w',
      dataType: 'float',
      shape: [4, 3, 3, 3],
      constantBytes: 4 * 3 * 3 * 3 * 4,
    })
    expect(tensors.find(({ name }) => name === 'act_out')).toMatchObject({ constantBytes: null, shape: ['N', 4, 8, 8] })
    expect(inputs).toEqual([{ name: 'x', dataType: 'float', shape: ['N', 3, 8, 8] }])
    expect(outputs.map(({ name }) => name)).toEqual(['y'])
  })

  it('leaves initializers out of the inputs, as old files list them', () => {
    const { inputs } = view(convReluPool, { irVersion: 3, initializersAsInputs: true })
    expect(inputs.map(({ name }) => name)).toEqual(['x'])
  })

  it('counts a node that preparation folded away to the layer it follows', () => {
    const b = new ModelBuilder()
    const conv = b.node('Conv', [b.input('x', [1, 3, 8, 8]), b.weights([4, 3, 3, 3])], {}, { name: 'conv' })
    const norm = b.node(
      'BatchNormalization',
      [conv, ...[1, 0, 0, 1].map((v) => b.floats([v, v, v, v]))],
      {},
      { name: 'norm' },
    )
    b.node('Relu', [norm], {}, { name: 'relu', outputs: ['y'] })
    b.output('y')
    const model = b.build()
    const shapes = inferShapes(model)
    const [layer] = findLayers(model, shapes)
    const prepared = [{ ...layer!, id: 'conv', nodes: ['conv', 'relu'] }]
    const { nodes } = describeGraph('file', model, prepared, shapes)
    expect(nodes.map(({ layerId }) => layerId)).toEqual(['conv', 'conv', 'conv'])
  })

  it('leaves a node of no layer where two values meet', () => {
    const b = new ModelBuilder()
    const x = b.input('x', [1, 4])
    b.node(
      'Sub',
      [b.node('Relu', [x], {}, { name: 'a' }), b.node('Tanh', [x], {}, { name: 'b' })],
      {},
      { name: 'sub', outputs: ['y'] },
    )
    b.output('y')
    const model = b.build()
    expect(describeGraph('file', model, [], inferShapes(model)).nodes.map(({ layerId }) => layerId)).toEqual([
      null,
      null,
      null,
    ])
  })

  it('names what subgraphs read and says how large they are', () => {
    const inner = new ModelBuilder()
    inner.node('Relu', ['x'], {}, { name: 'inside', outputs: ['z'] })
    inner.output('z')
    const body = graph(inner.build().graph)
    const found = view((b) => {
      b.input('x', [1, 4])
      const flag = b.input('flag', [], 'bool')
      b.node('If', [flag], { then_branch: body, else_branch: body }, { name: 'if', outputs: ['y'] })
      b.output('y')
    })
    const node = nodeOf(found, 'if')
    expect(node.captures).toEqual(['x'])
    expect(node.attributes[0]).toEqual({ name: 'then_branch', text: 'graph of 1 node' })
  })

  it.each(builtGraphs())('$name: plain JSON in which every name that is read is known', ({ model }) => {
    const named = assignIds(model)
    const shapes = inferShapes(named)
    const found = describeGraph('prepared', named, findLayers(named, shapes), shapes)
    expect(JSON.parse(JSON.stringify(found))).toEqual(found)
    const known = new Set(found.tensors.map(({ name }) => name))
    const read = found.nodes.flatMap(({ inputs, outputs, captures }) => [...inputs, ...outputs, ...captures])
    expect(read.filter((name) => name !== '' && !known.has(name))).toEqual([])
    expect(known.size).toBe(found.tensors.length)
    expect(found.nodes.every(({ layerId }) => found.layers.some(({ id }) => id === layerId))).toBe(true)
  })
})
