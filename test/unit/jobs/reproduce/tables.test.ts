import { describe, expect, it } from 'vitest'
import type { Cells, Desk, Measured, ModelFigures, Scale, Table } from '../../../../src/main/jobs/reproduce/port.ts'
import { scaleOf } from '../../../../src/main/jobs/reproduce/scale.ts'
import { TABLES } from '../../../../src/main/jobs/reproduce/tables/registry.ts'
import { judge, valueOf } from '../../../../src/main/jobs/reproduce/values.ts'

const number = (value: number): Measured => ({ value, low: null, high: null, run: 'run' })
const figures: ModelFigures = { path: 'model.onnx', top1: number(0.9), loss: number(0.3), bytes: number(1000) }

/** A desk that answers at once: what a table asks and what it shows of it is under test, not the measuring. */
function deskOf(scale: Scale): Desk {
  return {
    scale,
    data: () => ({ kind: 'synthetic-digits' }),
    float: () => Promise.resolve(figures),
    curve: (_, bits) => Promise.resolve(bits.map((count) => ({ bits: count, top1: number(0.1 * count) }))),
    ptq: () => Promise.resolve(figures),
    searched: () => Promise.resolve({ ...figures, floatLayers: 1 }),
    qat: () => Promise.resolve({ ...figures, gap: number(0) }),
    times: (_, paths) => Promise.resolve(paths.map(() => number(12))),
    speedup: () => Promise.resolve(number(2)),
  }
}

async function measure(table: Table, scale: Scale): Promise<Cells> {
  const cells = new Map<string, Measured>()
  for (const step of table.steps(scale)) {
    for (const [key, cell] of Object.entries(await step.work(deskOf(scale), cells))) cells.set(key, cell)
  }
  return cells
}

describe.each([false, true])('the classic tables, quick: %s', (quick) => {
  const scale = scaleOf(quick)
  it.each(TABLES)('$name measures every cell that it shows and claims', async (table) => {
    const cells = await measure(table, scale)
    for (const { columns, rows } of table.sections(scale)) {
      for (const row of rows) {
        expect(row.cells, row.label).toHaveLength(columns.length)
        for (const [i, cell] of row.cells.entries()) {
          expect(() => valueOf(cell, cells)).not.toThrow()
          // a published number is a number, a measured one the key of a cell
          if (cell !== null) expect(typeof cell).toBe(columns[i]!.of === 'published' ? 'number' : 'string')
        }
      }
    }
    expect(judge(table.claims, cells)).toHaveLength(table.claims.length)
  })

  it.each(TABLES)('$name names its steps apart, each with an effort', ({ steps }) => {
    const names = steps(scale).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(steps(scale).every(({ effort }) => effort > 0)).toBe(true)
  })
})

it('the six tables are there', () => {
  expect(TABLES.map(({ name }) => name)).toEqual([
    'lenet-bits',
    'lenet-static-dynamic',
    'resnet18-imagenette',
    'fashion-qat',
    'ptq-vs-qat-bits',
    'qat-ablations',
  ])
})
