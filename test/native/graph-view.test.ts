import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GraphView } from '../../src/shared/contract/graph-view.ts'
import { describeModelGraph } from '../../src/main/jobs/graph-view.ts'
import { writeModelFile } from '../../src/main/jobs/model-file.ts'
import { createPool } from '../../src/main/jobs/pool.ts'
import { createGraphViewTask, type GraphViewInput } from '../../src/main/jobs/tasks/graph-view.ts'
import { MemoryHost } from '../builders/memory-workers.ts'
import { batchNorm, built, engine } from '../builders/prepared.ts'
import { sharedModels } from '../builders/shared.ts'
import { temporaryFolder } from '../builders/temporary.ts'

/** Through a pool of in-memory workers: input and output are structured clones, as over a process border. */
async function viewOf(input: GraphViewInput): Promise<GraphView> {
  const pool = createPool(new MemoryHost({ graphView: createGraphViewTask({ engine }) }), { size: 1 })
  try {
    return await describeModelGraph(pool, input)
  } finally {
    await pool.close()
  }
}

describe('graphView', () => {
  it('gives the prepared graph, and the file with what was folded counted to its layer', async () => {
    const model = built((b) => {
      const x = b.input('x', ['N', 3, 8, 8])
      const conv = b.node('Conv', [x, b.weights([4, 3, 3, 3])], {}, { name: 'conv' })
      return b.node('Relu', [batchNorm(b, conv, 4)], {}, { name: 'relu' })
    })
    const file = path.join(temporaryFolder(), 'model.onnx')
    await writeModelFile(model, file)
    const prepared = await viewOf({ path: file })
    expect(prepared.nodes.map(({ op, layerId }) => [op, layerId])).toEqual([
      ['Conv', 'conv'],
      ['Relu', 'conv'],
    ])
    const stored = await viewOf({ path: file, form: 'file' })
    expect(stored.nodes.map(({ op, layerId }) => [op, layerId])).toEqual([
      ['Conv', 'conv'],
      ['BatchNormalization', 'conv'],
      ['Relu', 'conv'],
    ])
    expect(stored.layers).toEqual(prepared.layers)
  })

  it('shows a model that cannot be prepared as its file holds it', async () => {
    // four channels come, three are wanted: the runtime refuses it
    const model = built((b) => {
      const x = b.node('Relu', [b.input('x', [1, 4, 8, 8])], {}, { name: 'relu' })
      return b.node('Conv', [x, b.weights([2, 3, 3, 3])], {}, { name: 'conv' })
    })
    const file = path.join(temporaryFolder(), 'odd.onnx')
    await writeModelFile(model, file)
    const stored = await viewOf({ path: file, form: 'file' })
    expect(stored.nodes.map(({ op, layerId }) => [op, layerId])).toEqual([
      ['Relu', 'relu'],
      ['Conv', 'conv'],
    ])
  })

  it.each(sharedModels())('%s: every prepared node is of a layer', async (file) => {
    const { nodes, layers } = await viewOf({ path: file })
    const known = new Set(layers.map(({ id }) => id))
    expect(nodes.filter(({ layerId }) => layerId === null || !known.has(layerId))).toEqual([])
  })
})
