import { describe, expect, it } from 'vitest'
import { gridOf, toCsv, toMarkdown, type TableDocument } from '../../../../src/main/jobs/reproduce/document.ts'
import { toSvg } from '../../../../src/main/jobs/reproduce/figure.ts'
import type { Claim, Measured, Section } from '../../../../src/main/jobs/reproduce/port.ts'
import { scaleOf } from '../../../../src/main/jobs/reproduce/scale.ts'
import { judge } from '../../../../src/main/jobs/reproduce/values.ts'

const measured = (value: number, run: string): Measured => ({ value, low: value - 0.01, high: value + 0.01, run })
const cells = new Map([
  ['a.top1', measured(0.9678, 'run-a')],
  ['a.bytes', { value: 75_400, low: null, high: null, run: 'run-a' }],
  ['float.top1', measured(0.97, 'run-f')],
])
const section: Section = {
  title: 'Digits, "all"',
  axis: null,
  columns: [
    { title: 'accuracy', unit: 'percent', digits: 2, of: 'published' },
    { title: 'accuracy', unit: 'percent', digits: 2, of: 'measured' },
    { title: 'size', unit: 'megabytes', digits: 4, of: 'measured' },
  ],
  rows: [
    { label: '3', cells: [75.74, 'a.top1', 'a.bytes'] },
    { label: 'float', cells: [null, 'float.top1', null] },
  ],
  notes: ['A remark.'],
}
const claim: Claim = {
  text: '3 bits',
  cell: 'a.top1',
  bound: 'atLeast',
  than: 0.9,
  allowance: 0,
  unit: 'percent',
  digits: 2,
  why: 'Because.',
}

function document(more: Partial<TableDocument> = {}): TableDocument {
  return {
    table: { name: 'digits', title: 'Digits <8 bits', about: ['What it is.'] },
    scale: scaleOf(false),
    sections: [section],
    cells,
    verdicts: judge([claim], cells),
    notes: [],
    command: 'quantbench reproduce digits --data-root DIR',
    date: '2026-01-02T03:04:05.000Z',
    environment: {
      cpu: 'A CPU',
      cores: 4,
      isa: ['sse4_2', 'avx2'],
      memoryBytes: 2 ** 34,
      platform: 'linux-x64',
      versions: { onnxruntime: '1.30.0' },
    },
    tensorflow: '1.15.0',
    wallMs: 90_000,
    ...more,
  }
}

it('a table cell by cell is what its page shows', () => {
  const grid = gridOf(section, cells)
  expect(grid.heads).toEqual(['accuracy, published (%)', 'accuracy (%)', 'size (MB)'])
  expect(grid.published).toEqual([0])
  expect(grid.rows[0]).toEqual({ label: '3', cells: ['75.74', '96.78', '0.0754'] })
  expect(grid.rows.find(({ label }) => label === 'float')?.cells).toEqual(['', '97.00', ''])
})

describe('a table as Markdown', () => {
  it('shows published and measured side by side, with units, origin and verdicts', () => {
    const text = toMarkdown(document())
    expect(text).toContain('|  | accuracy, published (%) | accuracy (%) | size (MB) |')
    expect(text).toContain('| 3 | 75.74 | 96.78 | 0.0754 |')
    expect(text).toContain('| float |  | 97.00 |  |')
    expect(text).toContain('2026-01-02 03:04 UTC; 1.5 minutes')
    expect(text).toContain('`quantbench reproduce digits --data-root DIR`')
    expect(text).toContain('A CPU, 4 cores (avx2), 16 GiB, linux-x64')
    expect(text).toContain('onnxruntime 1.30.0, libtensorflow 1.15.0')
    expect(text).toContain('- met: 3 bits: 96.78 % (at least 90.00 %).')
    expect(text).toContain('Runs of the store: run-a, run-f.')
    expect(text).not.toContain('Quick')
  })

  it('says what is smaller and what stands in', () => {
    const text = toMarkdown(document({ scale: scaleOf(true), notes: ['Another data set stands in.'] }))
    expect(text).toMatch(/\*\*Quick version: .*6000 images in at most 2 epochs.*2000 test images/)
    expect(text).toContain('**Another data set stands in.**')
  })

  it('says by how much a claim is missed, and why', () => {
    const verdicts = judge([{ ...claim, than: 'float.top1', allowance: 0.001 }], cells)
    expect(toMarkdown(document({ verdicts }))).toContain(
      '- missed by 0.12 points: 3 bits: 96.78 % (at least 96.90 %). Because.',
    )
  })
})

describe('claims', () => {
  it.each([
    { why: 'equal to the last digit shown', than: 0.96784, bound: 'atLeast', met: true },
    { why: 'a digit below', than: 0.9679, bound: 'atLeast', met: false },
    { why: 'not above', than: 0.97, bound: 'atMost', met: true },
    { why: 'above', than: 0.96, bound: 'atMost', met: false },
  ] as const)('$why: $met', ({ than, bound, met }) => {
    expect(judge([{ ...claim, than, bound }], cells)[0]!.met).toBe(met)
  })
})

describe('a table as CSV', () => {
  it('gives every cell with its interval and run, quoted where needed', () => {
    expect(toCsv(document()).split('\n')).toEqual([
      'section,row,column,kind,unit,value,low,high,run',
      '"Digits, ""all""",3,accuracy,published,%,75.74,,,',
      '"Digits, ""all""",3,accuracy,measured,%,96.78,95.78,97.78,run-a',
      '"Digits, ""all""",3,size,measured,MB,0.0754,,,run-a',
      '"Digits, ""all""",float,accuracy,measured,%,97.00,96.00,98.00,run-f',
      '',
    ])
  })
})

describe('a table as a figure', () => {
  it('marks every value where rows are names', () => {
    const svg = toSvg(document())
    expect(svg).toContain('Digits &lt;8 bits')
    expect(svg.match(/class="dot"/g)).toHaveLength(3)
    expect(svg.match(/class="ring"/g)).toHaveLength(1)
    expect(svg).toContain('>75.74<')
  })

  it('draws curves where rows are numbers, with float as a line across', () => {
    const svg = toSvg(document({ sections: [{ ...section, axis: 'bits', columns: section.columns.slice(0, 2) }] }))
    expect(svg).toContain('float 97.00')
    expect(svg).toContain('accuracy, published')
    expect(svg.match(/class="curve"/g)!.length).toBeGreaterThanOrEqual(2)
  })
})
