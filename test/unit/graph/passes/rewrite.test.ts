import { describe, expect, it } from 'vitest'
import { graph } from '../../../../src/main/graph/attributes.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { createPassContext } from '../../../../src/main/graph/passes/run.ts'
import { dropIdentity } from '../../../../src/main/graph/passes/drop-identity.ts'
import { Rewrite } from '../../../../src/main/graph/passes/rewrite.ts'
import { floatTensor } from '../../../../src/main/graph/tensors.ts'
import { capturedBy } from '../../../../src/main/graph/traversal.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

function sharing(): Model {
  const b = new ModelBuilder()
  const x = b.input('x', [2])
  const w = b.floats([1, 2], [2], 'w')
  b.output(b.node('Add', [b.node('Mul', [x, w], {}, { name: 'm' }), w], {}, { name: 'a' }))
  return b.build()
}

describe('Rewrite', () => {
  it('gives the model itself when nothing was changed', () => {
    const model = sharing()
    expect(new Rewrite(model).finish()).toBe(model)
  })

  it('tells the only reader of a tensor, not of one read twice or of an output', () => {
    const rewrite = new Rewrite(sharing())
    expect(rewrite.soleReader('m_out')?.name).toBe('a')
    expect(rewrite.soleReader('w')).toBeNull()
    expect(rewrite.soleReader('a_out')).toBeNull()
    expect(rewrite.producer('a_out')?.name).toBe('a')
  })

  it('copies a constant that others read, under a name nobody has', () => {
    const rewrite = new Rewrite(sharing())
    const node = rewrite.node('m')!
    const name = rewrite.changeConstant(node, floatTensor('w', [2], [3, 4]))
    rewrite.replace({ ...node, inputs: ['x', name] })
    const { initializers } = rewrite.finish().graph
    expect([...initializers.keys()].sort()).toEqual(['w', 'w_folded'])
  })

  it('follows readers through replacements and removals', () => {
    const rewrite = new Rewrite(sharing())
    rewrite.redirect('m_out', 'x')
    rewrite.remove('m')
    expect(rewrite.readers('x').map((node) => node.name)).toEqual(['a'])
    expect(rewrite.soleReader('w')?.name).toBe('a')
    expect(rewrite.finish().graph.nodes.map((node) => node.inputs)).toEqual([['x', 'w']])
  })
})

describe('a dropped node that a subgraph reads', () => {
  it('is replaced inside the subgraph too, and inner names are left alone', () => {
    const b = new ModelBuilder()
    b.node('Identity', [b.input('x', [1])], {}, { outputs: ['same'] })
    const inner = new ModelBuilder()
    inner.output(inner.node('Neg', ['same'], {}, { outputs: ['n'] }))
    const shadowing = new ModelBuilder()
    shadowing.output(shadowing.node('Neg', [shadowing.floats([1], [1], 'same')], {}, { outputs: ['k'] }))
    b.node(
      'If',
      [b.input('c', [], 'bool')],
      { then_branch: graph(inner.build().graph), else_branch: graph(shadowing.build().graph) },
      { outputs: ['y'] },
    )
    b.output('y')
    const { nodes } = dropIdentity(
      b.build(),
      createPassContext(() => undefined),
    ).graph
    expect(nodes.map((node) => node.opType)).toEqual(['If'])
    expect([...capturedBy(nodes[0]!)]).toEqual(['x'])
  })
})
