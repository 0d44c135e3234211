import { expect, it } from 'vitest'
import { escapeHtml, reportHtml } from '../../../src/main/jobs/report/html.ts'
import type { Report, ReportVariant } from '../../../src/main/jobs/report/report.ts'
import { layerResult, testEnvironment } from '../../builders/runs.ts'

const float: ReportVariant = {
  name: 'float',
  run: null,
  sizeBytes: 4000,
  top1: 0.9,
  agreement: null,
  sqnrDb: null,
  medianMs: null,
  floatMs: null,
  speedup: null,
  layers: [],
  warnings: [],
}
const int8: ReportVariant = {
  ...float,
  name: 'static <int8>',
  run: 'r1',
  sizeBytes: 1000,
  top1: 0.89,
  agreement: 0.95,
  sqnrDb: 30,
  medianMs: 1,
  floatMs: 2,
  speedup: 2,
  layers: [
    layerResult(),
    layerResult({ id: 'a&b', execution: 'float', type: 'float', ms: null, reason: 'no integer kernel for Exp' }),
  ],
  warnings: ['1 layer stays float'],
}
const report: Report = {
  title: 'Report',
  generatedAt: '2026-01-01',
  product: 'Quantbench',
  facts: [['Model', 'm.onnx']],
  environment: testEnvironment,
  variants: [float, int8],
}

it('shows every variant with its delta to float, its share of the size and its layers', () => {
  const html = reportHtml(report)
  expect(html).toContain('25.0')
  expect(html).toContain('−1.00')
  expect(html).toContain('1 int8, 1 float')
  expect(html).toContain('no integer kernel for Exp')
  expect(html).toContain('1 layer stays float')
})

it('marks what was not measured instead of showing a zero', () => {
  const html = reportHtml({
    ...report,
    variants: [
      { ...float, top1: null },
      { ...int8, top1: null, medianMs: null },
    ],
  })
  expect(html).not.toContain('NaN')
  expect(html).not.toContain('aria-label="Top-1 (%)"')
  expect(html).toContain('–')
})

it('stands alone and lets no name become markup', () => {
  const html = reportHtml(report)
  expect(html).not.toMatch(/<script|https?:|@import|url\(/)
  expect(html).toContain('static &lt;int8&gt;')
  expect(html).toContain('a&amp;b')
  expect(html).not.toContain('static <int8>')
  expect(escapeHtml(`<a href='x'>"&`)).toBe('&lt;a href=&#39;x&#39;&gt;&quot;&amp;')
})
