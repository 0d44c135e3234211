import type { LayerResult } from '../../../shared/contract/runs.ts'
import type { Report, ReportVariant } from './report.ts'
import { STYLE } from './style.ts'

/** The report as one HTML page that needs nothing else: no script, no font, no network; light and dark. */
export function reportHtml(report: Report): string {
  const [float] = report.variants
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(report.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(report.title)}</h1>
${factList(report)}
<h2>Compared with the float model</h2>
${float ? variantTable(report.variants, float) : ''}
${float ? `<div class="charts">${chartsOf(report.variants)}</div>` : ''}
${report.variants.slice(1).map(variantSection).join('\n')}
<footer>${escapeHtml(report.product)}, ${escapeHtml(report.generatedAt)}. All figures were measured; a dash marks what was not.</footer>
</body>
</html>
`
}

/** Text made safe for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function factList({ facts, environment }: Report): string {
  const versions = Object.entries(environment.versions).map(([name, version]) => `${name} ${version}`)
  const rows = [
    ...facts,
    ['Machine', `${environment.cpu}, ${environment.cores} cores, ${environment.isa.join(', ')}`],
    ['Versions', versions.join(', ')],
  ]
  return `<dl>${rows.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`
}

const DASH = '–'
const percent = (value: number | null): string => (value === null ? DASH : `${(value * 100).toFixed(2)}`)
const fixed = (value: number | null, digits: number): string => (value === null ? DASH : value.toFixed(digits))
const signed = (value: number, digits: number): string =>
  `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(digits)}`

function variantTable(variants: readonly ReportVariant[], float: ReportVariant): string {
  const head = [
    'model',
    'size (kB)',
    'size (%)',
    'top-1 (%)',
    'Δ top-1 (points)',
    'agreement (%)',
    'SQNR (dB)',
    'median (ms)',
    'float in turn (ms)',
    'speed (×)',
  ]
  const body = variants.map((variant) => {
    const delta =
      variant.top1 === null || float.top1 === null || variant === float ? null : (variant.top1 - float.top1) * 100
    return [
      variant.name,
      (variant.sizeBytes / 1000).toFixed(1),
      ((100 * variant.sizeBytes) / float.sizeBytes).toFixed(1),
      percent(variant.top1),
      delta === null ? DASH : signed(delta, 2),
      percent(variant.agreement),
      fixed(variant.sqnrDb, 1),
      fixed(variant.medianMs, 3),
      fixed(variant.floatMs, 3),
      fixed(variant.speedup, 2),
    ]
  })
  return table(head, body, 1)
}

/** A table; the first `textColumns` columns stand left, the others right. */
function table(head: readonly string[], body: readonly (readonly string[])[], textColumns: number): string {
  const side = (i: number): string => (i < textColumns ? '' : ' class="number"')
  const headRow = head.map((cell, i) => `<th scope="col"${side(i)}>${escapeHtml(cell)}</th>`).join('')
  const rows = body.map((row) => `<tr>${row.map((cell, i) => `<td${side(i)}>${escapeHtml(cell)}</td>`).join('')}</tr>`)
  return `<div class="scroll"><table><thead><tr>${headRow}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function chartsOf(variants: readonly ReportVariant[]): string {
  const charts: [string, (variant: ReportVariant) => number | null, (value: number) => string][] = [
    ['Size (kB)', (variant) => variant.sizeBytes / 1000, (value) => value.toFixed(1)],
    ['Top-1 (%)', (variant) => (variant.top1 === null ? null : variant.top1 * 100), (value) => value.toFixed(2)],
    ['Speed (×, float = 1)', (variant) => variant.speedup, (value) => value.toFixed(2)],
  ]
  return charts.map(([title, valueOf, text]) => barChart(title, variants, valueOf, text)).join('')
}

const BAR = { width: 320, row: 24, label: 120, value: 64 }

/** Horizontal bars from zero, each with its value written beside it, so that nothing needs a hover. */
function barChart(
  title: string,
  variants: readonly ReportVariant[],
  valueOf: (variant: ReportVariant) => number | null,
  text: (value: number) => string,
): string {
  const measured = variants.filter((variant) => valueOf(variant) !== null)
  if (measured.length === 0) return ''
  const largest = Math.max(...measured.map((variant) => valueOf(variant)!), Number.MIN_VALUE)
  const room = BAR.width - BAR.label - BAR.value
  const bars = measured.map((variant, i) => {
    const value = valueOf(variant)!
    const length = Math.max(1, (room * value) / largest)
    const y = i * BAR.row
    return `<text x="${BAR.label - 8}" y="${y + 16}" text-anchor="end">${escapeHtml(variant.name)}</text>
<rect x="${BAR.label}" y="${y + 4}" width="${length.toFixed(1)}" height="16" class="${i === 0 ? 'float' : 'quantized'}"/>
<text x="${(BAR.label + length + 6).toFixed(1)}" y="${y + 16}">${text(value)}</text>`
  })
  const height = measured.length * BAR.row
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${BAR.width} ${height}" width="${BAR.width}" height="${height}" role="img" aria-label="${escapeHtml(title)}">${bars.join('')}</svg></figure>`
}

function variantSection(variant: ReportVariant): string {
  const warnings = variant.warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join('')
  const run = variant.run === null ? '' : `<p class="quiet">run ${escapeHtml(variant.run)}</p>`
  return `<h2>${escapeHtml(variant.name)}</h2>
${run}
${warnings ? `<ul class="warnings">${warnings}</ul>` : ''}
${layerTable(variant.layers)}`
}

function layerTable(layers: readonly LayerResult[]): string {
  if (layers.length === 0) return ''
  const counts = new Map<string, number>()
  for (const { execution } of layers) if (execution) counts.set(execution, (counts.get(execution) ?? 0) + 1)
  const summary = [...counts].map(([execution, count]) => `${count} ${execution}`).join(', ')
  const longest = Math.max(...layers.map((layer) => layer.ms ?? 0), Number.MIN_VALUE)
  const rows = layers.map((layer) => {
    const chip = layer.execution ? `<span class="chip ${layer.execution}">${layer.execution}</span>` : DASH
    const bar =
      layer.ms === null ? '' : `<span class="bar" style="width:${((60 * layer.ms) / longest).toFixed(1)}px"></span>`
    return `<tr><td>${escapeHtml(layer.id)}</td><td>${escapeHtml(layer.op)}</td><td>${escapeHtml(layer.type)}</td><td>${chip}</td>
<td class="number">${fixed(layer.ms, 4)}</td><td>${bar}</td><td>${escapeHtml(layer.reason ?? '')}</td></tr>`
  })
  const head = ['layer', 'op', 'type', 'runs as', 'time (ms)', '', 'why not integer'].map(
    (cell, i) => `<th scope="col"${i === 4 ? ' class="number"' : ''}>${cell}</th>`,
  )
  return `<p>${summary}</p><div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}
