import type { Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { RunDetail, RunKind, RunSummary } from '../../../../shared/contract/runs.ts'
import { writeFileAtomic } from '../../../jobs/atomic-file.ts'
import type { RunComparison } from '../../../../shared/contract/api/runs.ts'
import { compareRuns } from '../../../jobs/compare-runs.ts'
import { runsToCsv } from '../../../jobs/export-runs.ts'
import type { Host } from '../host.ts'
import { formatTable } from '../table.ts'
import { metricText } from '../metric-text.ts'

/** `runs list|show|compare|export`: what the store remembers. */
export function addRunsCommand(program: Command, host: Host): void {
  const runs = program.command('runs').description('what the store remembers of earlier commands')
  runs
    .command('list')
    .description('newest first')
    .option('--kind <kind>', 'only runs of this kind')
    .option('--model <hash>', 'only runs of the model with this hash (sha256:…)')
    .option('--tag <tag>', 'only runs with this tag')
    .option('--limit <n>', 'at most this many', host.parse.count, 50)
    .action(
      host.action((services, options: ListOptions) => {
        const query = { kind: options.kind, modelHash: options.model, tag: options.tag, limit: options.limit }
        const found = services.store.runs.list(query)
        host.print({ runs: found }, () => listText(found))
      }),
    )
  runs
    .command('show <run>')
    .description('one run, whole; any unambiguous beginning of its id will do')
    .action(
      host.action((services, _options: object, id: string) => {
        const run = services.store.runs.get(id)
        host.print(run, () => showText(run))
      }),
    )
  runs
    .command('compare <runs...>')
    .description('what differs between runs; the first is the baseline')
    .action(
      host.action((services, _options: object, ids: string[]) => {
        if (ids.length < 2)
          throw new Fault(
            'usage.tooFewRuns',
            'Give at least two runs to compare; `quantbench runs list` shows those there are.',
          )
        const comparison = compareRuns(ids.map((id) => services.store.runs.get(id)))
        host.print(comparison, () => compareText(comparison))
      }),
    )
  runs
    .command('export [runs...]')
    .description('runs as JSON (whole) or CSV (a row each); all when none is named')
    .option('--format <format>', 'json or csv', 'json')
    .option('-o, --output <file>', 'write here instead of to stdout')
    .option('--force', 'replace an existing output')
    .action(
      host.action(async (services, options: ExportOptions, ids: string[]) => {
        const wanted = ids.length > 0 ? ids : services.store.runs.list().map((run) => run.id)
        const text = exportText(
          wanted.map((id) => services.store.runs.get(id)),
          options.format,
        )
        if (options.output)
          await writeFileAtomic(options.output, new TextEncoder().encode(text), { force: options.force ?? false })
        else process.stdout.write(text)
      }),
    )
}

interface ListOptions {
  kind?: RunKind
  model?: string
  tag?: string
  limit: number
}

interface ExportOptions {
  format: string
  output?: string
  force?: boolean
}

function exportText(runs: readonly RunDetail[], format: string): string {
  if (format === 'csv') return runsToCsv(runs)
  if (format === 'json') return `${JSON.stringify({ version: 1, runs }, null, 2)}\n`
  throw new Fault('usage.unknownFormat', `--format is json or csv, not "${format}".`, { format })
}

function headline(run: RunSummary): string {
  return Object.entries(run.metrics)
    .slice(0, 3)
    .map(([name, value]) => `${name} ${metricText(name, value)}`)
    .join(', ')
}

function listText(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet. `quantbench demo` makes the first ones.'
  const columns = [
    { title: 'run' },
    { title: 'kind' },
    { title: 'status' },
    { title: 'started (UTC)' },
    { title: 'model', maxWidth: 40 },
    { title: 'metrics' },
  ]
  const rows = runs.map((run) => [
    run.id,
    run.kind,
    run.status,
    run.startedAt.slice(0, 19).replace('T', ' '),
    run.modelPath ?? '',
    headline(run),
  ])
  return formatTable(columns, rows)
}

function showText(run: RunDetail): string {
  const parts = [
    `${run.kind} ${run.id}: ${run.status}, ${run.startedAt} to ${run.endedAt ?? (run.status === 'running' ? '(running)' : '(not known)')}`,
    `model ${run.modelPath ?? ''} ${run.modelHash ?? ''}`,
  ]
  if (run.dataHash) parts.push(`data ${run.dataHash}`)
  if (run.environment) {
    const { cpu, cores, isa, versions } = run.environment
    parts.push(
      `on ${cpu}, ${cores} cores (${isa.join(', ')}); ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    )
  }
  parts.push(`parameters ${JSON.stringify(run.parameters)}`)
  const metrics = Object.entries(run.metrics)
  if (metrics.length > 0) {
    parts.push(
      formatTable(
        [{ title: 'metric' }, { title: 'value', align: 'right' }],
        metrics.map(([name, value]) => [name, metricText(name, value)]),
      ),
    )
  }
  if (run.layers.length > 0) parts.push(layerText(run))
  for (const artifact of run.artifacts)
    parts.push(
      `${artifact.role}: ${artifact.path ?? '(in the store)'} ${artifact.bytes} bytes, sha256 ${artifact.sha256}`,
    )
  for (const warning of run.warnings) parts.push(`warning: ${warning}`)
  if (run.note) parts.push(`note: ${run.note}`)
  return parts.join('\n\n')
}

function layerText(run: RunDetail): string {
  const columns = [
    { title: 'layer', maxWidth: 48 },
    { title: 'op' },
    { title: 'type' },
    { title: 'execution' },
    { title: 'ms', align: 'right' as const },
    { title: 'reason', maxWidth: 60 },
  ]
  return formatTable(
    columns,
    run.layers.map((layer) => [
      layer.id,
      layer.op,
      layer.type,
      layer.execution ?? '',
      layer.ms?.toFixed(3) ?? '',
      layer.reason ?? '',
    ]),
  )
}

function compareText(comparison: RunComparison): string {
  const runColumns = comparison.runs.map((id) => ({ title: id, align: 'right' as const, maxWidth: 40 }))
  const parts = [`baseline ${comparison.runs[0]}`]
  if (comparison.metrics.length > 0) {
    const rows = comparison.metrics.map(({ name, values, deltas }) => [
      name,
      ...values.map((value, i) => withDelta(name, value, i === 0 ? null : deltas[i]!)),
    ])
    parts.push(formatTable([{ title: 'metric' }, ...runColumns], rows))
  }
  if (comparison.settings.length > 0) {
    const rows = comparison.settings.map(({ name, values }) => [name, ...values.map((value) => JSON.stringify(value))])
    parts.push(formatTable([{ title: 'setting' }, ...runColumns], rows))
  }
  if (comparison.layers.length > 0) {
    const rows = comparison.layers.map(({ id, types, executions }) => [
      id,
      ...types.map((type, i) => `${type ?? '—'}/${executions[i] ?? '—'}`),
    ])
    parts.push(formatTable([{ title: 'layer', maxWidth: 48 }, ...runColumns], rows))
  }
  return parts.join('\n\n')
}

function withDelta(name: string, value: number | null, delta: number | null): string {
  if (value === null) return '—'
  if (delta === null || delta === 0) return metricText(name, value)
  return `${metricText(name, value)} (${delta > 0 ? '+' : ''}${metricText(name, delta)})`
}
