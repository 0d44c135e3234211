import { parse } from 'csv-parse/sync'
import { expect, it } from 'vitest'
import { runsToCsv } from '../../../src/main/jobs/export-runs.ts'
import { runDetail } from '../../builders/runs.ts'

it('writes what a CSV reader reads back, with a column for every metric of any run', () => {
  const text = runsToCsv([
    runDetail({ id: 'a', note: 'says "hi", twice\nand more', metrics: { top1: 0.5, drop: -0.01 }, tags: ['x', 'y'] }),
    runDetail({ id: 'b', metrics: { ms: 2 } }),
  ])
  const rows: Record<string, string>[] = parse(text, { columns: true })
  expect(rows).toHaveLength(2)
  expect(rows[0]).toMatchObject({
    id: 'a',
    note: 'says "hi", twice\nand more',
    tags: 'x y',
    top1: '0.5',
    drop: '-0.01',
    ms: '',
  })
  expect(rows[1]).toMatchObject({ id: 'b', ms: '2', top1: '' })
})

it('disarms text that a spreadsheet would run as a formula', () => {
  const text = runsToCsv([runDetail({ note: '=HYPERLINK("http://x")' })])
  const [row]: Record<string, string>[] = parse(text, { columns: true })
  expect(row!['note']).toBe('\'=HYPERLINK("http://x")')
})
