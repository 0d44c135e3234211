import { describe, expect, it } from 'vitest'
import { isFault } from '../../../src/shared/contract/fault.ts'
import type { Fault } from '../../../src/shared/contract/fault.ts'
import { graph } from '../../../src/main/graph/attributes.ts'
import type { Graph, Model, Node } from '../../../src/main/graph/model.ts'
import { validateModel } from '../../../src/main/graph/validate.ts'
import { builtGraphs } from '../../builders/graphs.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'

function node(name: string, inputs: string[], outputs: string[], more: Partial<Node> = {}): Node {
  return { name, opType: 'Relu', domain: '', inputs, outputs, attributes: new Map(), ...more }
}

/** x → nodes → y. */
function modelOf(nodes: Node[], change: Partial<Graph> = {}, more: Partial<Model> = {}): Model {
  const b = new ModelBuilder()
  b.input('x', [1])
  b.output('y', [1])
  const base = b.build()
  return { ...base, ...more, graph: { ...base.graph, nodes, ...change } }
}

function faultOf(model: Model): Fault {
  try {
    validateModel(model, 'm.onnx')
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('no fault')
}

const y = node('n', ['x'], ['y'])
const info = (name: string, shape: number[]) => ({ name, dataType: 'float' as const, shape })

describe('a sound model', () => {
  it.each(builtGraphs())('$name passes as it is', ({ model }) => {
    const { model: same, notes } = validateModel(model)
    expect(same).toBe(model)
    expect(notes).toEqual([])
  })

  it('may leave out optional inputs and outputs, repeat node names, and return an input', () => {
    const nodes = [node('n', ['x', '', ''], ['', 'a']), node('n', ['a'], ['y'])]
    expect(() => validateModel(modelOf(nodes, { outputs: [info('y', [1]), info('x', [1])] }))).not.toThrow()
  })

  it('may list an initializer among its inputs', () => {
    const w = { name: 'x', dataType: 'float' as const, dims: [1], data: new Uint8Array(4) }
    expect(() => validateModel(modelOf([y], { initializers: new Map([['x', w]]) }))).not.toThrow()
  })

  it('may read what its opaque part defines, and call functions of its own', () => {
    const nodes = [node('n', ['x', 'sparse'], ['y'], { domain: 'mine', opType: 'F' })]
    expect(() =>
      validateModel(modelOf(nodes, { opaqueNames: ['sparse'] }, { functions: new Set(['mine::F']) })),
    ).not.toThrow()
  })
})

describe('nodes out of order', () => {
  it('are sorted and noted', () => {
    const { model, notes } = validateModel(
      modelOf([node('c', ['b'], ['y']), node('a', ['x'], ['a']), node('b', ['a'], ['b'])]),
    )
    expect(model.graph.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(notes).toHaveLength(1)
  })

  it('a read from inside a subgraph counts', () => {
    const inner = modelOf([node('i', ['late'], ['inner'])], { inputs: [], outputs: [info('inner', [1])] }).graph
    const branch = node('if', ['x'], ['y'], { opType: 'If', attributes: new Map([['then_branch', graph(inner)]]) })
    const { model } = validateModel(modelOf([branch, node('late', ['x'], ['late'])]))
    expect(model.graph.nodes.map(({ name }) => name)).toEqual(['late', 'if'])
  })

  it('are sorted inside subgraphs', () => {
    const inner = modelOf([node('2', ['m'], ['inner']), node('1', ['x'], ['m'])], {
      inputs: [],
      outputs: [info('inner', [1])],
    }).graph
    const branch = node('if', ['x'], ['y'], { opType: 'If', attributes: new Map([['then_branch', graph(inner)]]) })
    const sorted = validateModel(modelOf([branch])).model.graph.nodes[0]!.attributes.get('then_branch')!
    expect(sorted.kind === 'graph' && sorted.value.nodes.map(({ name }) => name)).toEqual(['1', '2'])
  })

  it('a chain of 50,000 nodes is no problem', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) =>
      node(`n${i}`, [i === 0 ? 'x' : `t${i}`], [i === 49_999 ? 'y' : `t${i + 1}`]),
    )
    expect(validateModel(modelOf(chain.toReversed())).model.graph.nodes[0]!.name).toBe('n0')
  })
})

describe('faults', () => {
  it.each<{ why: string; model: Model; code: string; says: string | RegExp }>([
    {
      why: 'a tensor written twice',
      model: modelOf([y, node('again', ['x'], ['y'])]),
      code: 'model.duplicateName',
      says: '"y" is defined twice, the second time by node "again" (Relu)',
    },
    {
      why: 'a node that writes a graph input',
      model: modelOf([y, node('again', [], ['x'])]),
      code: 'model.duplicateName',
      says: '"x"',
    },
    {
      why: 'an input listed twice',
      model: modelOf([y], { inputs: [info('x', [1]), info('x', [1])] }),
      code: 'model.duplicateName',
      says: 'graph inputs',
    },
    {
      why: 'a read of nothing',
      model: modelOf([node('n', ['ghost'], ['y'])]),
      code: 'model.dangling',
      says: 'node "n" (Relu) reads "ghost", which nothing produces',
    },
    {
      why: 'a cycle',
      model: modelOf([
        node('a', ['x', 'q'], ['p'], { opType: 'Add' }),
        node('b', ['p'], ['q']),
        node('c', ['p'], ['y']),
      ]),
      code: 'model.cycle',
      says: /"a" → "b" → "a"|"b" → "a" → "b"/,
    },
    {
      why: 'a node that reads itself',
      model: modelOf([node('a', ['y'], ['y'])]),
      code: 'model.cycle',
      says: '"a" → "a"',
    },
    {
      why: 'an output nobody writes',
      model: modelOf([node('n', ['x'], ['z'])]),
      code: 'model.outputMissing',
      says: 'output "y"',
    },
    {
      why: 'no ai.onnx import',
      model: modelOf([y], {}, { opsets: new Map([['com.microsoft', 1]]) }),
      code: 'model.opsetUnsupported',
      says: 'imports no ai.onnx',
    },
    {
      why: 'an opset too old',
      model: modelOf([y], {}, { opsets: new Map([['', 6]]) }),
      code: 'model.opsetUnsupported',
      says: 'opset 6; 7 to 26',
    },
    {
      why: 'an opset too new',
      model: modelOf([y], {}, { opsets: new Map([['', 27]]) }),
      code: 'model.opsetUnsupported',
      says: 'opset 27',
    },
    {
      why: 'an IR too new',
      model: modelOf([y], {}, { irVersion: 14 }),
      code: 'model.irUnsupported',
      says: 'IR version 14',
    },
    {
      why: 'no IR version',
      model: modelOf([y], {}, { irVersion: 0 }),
      code: 'model.irUnsupported',
      says: 'IR version 0',
    },
    {
      why: 'a custom operator',
      model: modelOf([node('n', ['x'], ['y'], { domain: 'my.ops', opType: 'Magic' })]),
      code: 'model.opUnsupported',
      says: 'node "n" (Magic) is a custom operator of domain "my.ops"',
    },
    {
      why: 'a known domain without an import',
      model: modelOf([node('n', ['x'], ['y'], { domain: 'com.microsoft', opType: 'Gelu' })]),
      code: 'model.opsetUnsupported',
      says: '"com.microsoft"',
    },
    {
      why: 'a node without an operator',
      model: modelOf([node('', ['x'], ['y'], { opType: '' })]),
      code: 'model.malformed',
      says: 'node 0 (?)',
    },
    {
      why: 'a constant of the wrong size',
      model: modelOf([y], {
        initializers: new Map([['w', { name: 'w', dataType: 'float', dims: [3], data: new Uint8Array(8) }]]),
      }),
      code: 'model.tensorSize',
      says: 'needs 12 bytes but holds 8',
    },
    {
      why: 'a negative length',
      model: modelOf([y], { inputs: [info('x', [1, -1])] }),
      code: 'model.shape',
      says: '[1, -1]',
    },
    {
      why: 'an input no memory can hold',
      model: modelOf([y], { inputs: [info('x', [2 ** 31, 2 ** 31])] }),
      code: 'model.shape',
      says: 'too many elements',
    },
    {
      why: 'an input that no object can hold',
      model: modelOf([y], { inputs: [info('x', [1]), info('__proto__', [1])] }),
      code: 'model.malformed',
      says: '"__proto__" cannot be',
    },
    {
      why: 'an initializer without a name',
      model: modelOf([y], {
        initializers: new Map([['', { name: '', dataType: 'float', dims: [0], data: new Uint8Array(0) }]]),
      }),
      code: 'model.malformed',
      says: 'no name',
    },
  ])('$why', ({ model, code, says }) => {
    const fault = faultOf(model)
    expect(fault.code).toBe(code)
    expect(fault.message).toMatch(/^m\.onnx: /)
    expect(fault.message).toMatch(says)
  })

  it('inside a subgraph are found', () => {
    const inner = modelOf([node('i', ['ghost'], ['inner'])], { inputs: [], outputs: [info('inner', [1])] }).graph
    const branch = node('if', ['x'], ['y'], { opType: 'If', attributes: new Map([['then_branch', graph(inner)]]) })
    expect(faultOf(modelOf([branch])).message).toContain('node "i" (Relu) reads "ghost"')
  })

  it('come together, the first few spelled out', () => {
    const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`, [`ghost${i}`], [`o${i}`]))
    const fault = faultOf(modelOf(nodes))
    expect(fault.code).toBe('model.invalid')
    expect(fault.message).toContain('ghost2')
    expect(fault.message).toContain('and 4 more problems')
    expect(fault.data.problems).toHaveLength(7)
  })
})
