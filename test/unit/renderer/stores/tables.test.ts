import { expect, it, vi } from 'vitest'
import { useTablesStore } from '../../../../src/renderer/stores/tables.ts'
import { insightWindow, job } from './insight-window.ts'

const LENET = { name: 'lenet-bits', title: 'LeNet', data: ['mnist'] }

it('a table is measured on the folder that was chosen; cancelled, it is offered to go on', async () => {
  const { feed, state } = insightWindow()
  const tables = useTablesStore()
  tables.setRoot('/data')
  await tables.measure(LENET)
  expect(state.started).toEqual([{ kind: 'reproduce', table: 'lenet-bits', dataRoot: '/data', quick: true }])
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'cancelled', job: job('reproduce', { state: 'cancelled' }) })
  await vi.waitFor(() => expect(tables.cutOff).toBe('lenet-bits'))
})

it('a table that is done shows what it came to', async () => {
  const { feed } = insightWindow()
  const tables = useTablesStore()
  await tables.measure(LENET)
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  const result = {
    kind: 'reproduce' as const,
    run: 'r1',
    table: 'lenet-bits',
    quick: true,
    markdown: '',
    sections: [],
    claims: [],
    files: { markdown: '/a.md', csv: '/a.csv', svg: '/a.svg' },
  }
  feed.tell({ kind: 'done', job: job('reproduce', { state: 'done' }), result })
  await vi.waitFor(() => expect(tables.result).toEqual(result))
  expect(tables.cutOff).toBeNull()
})
