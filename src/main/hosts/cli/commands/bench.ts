import { InvalidArgumentError, type Command } from 'commander'
import { runBench } from '../../../jobs/bench-run.ts'
import type { BenchResult } from '../../../jobs/bench.ts'
import type { Host } from '../host.ts'
import { count } from '../parse.ts'
import { formatTable } from '../table.ts'

interface BenchFlags {
  reference?: string
  batch?: number
  threads?: number
  shape?: Record<string, readonly number[]>
}

/** `bench MODEL [--reference MODEL] [--batch N]`. */
export function addBenchCommand(program: Command, host: Host): void {
  program
    .command('bench <model>')
    .description('how fast a model is, layer by layer; with --reference, in turn with it')
    .option('--reference <model>', 'the float model to compare with')
    .option('--batch <n>', 'length of an open batch axis (1)', count)
    .option('--threads <n>', 'threads of both models (all cores)', count)
    .option('--shape <input=AxBxC>', 'whole shape of an input, where the file leaves axes open', shapeOption)
    .action(
      host.action(async (services, { reference, batch, threads, shape }: BenchFlags, model: string) => {
        const { run, value } = await runBench({ model, reference, batch, threads, shapes: shape }, services)
        host.print({ run, ...value }, () => benchText(run, value))
      }),
    )
}

/** Gathers `name=1x3x224x224`. */
function shapeOption(
  text: string,
  previous: Record<string, readonly number[]> = {},
): Record<string, readonly number[]> {
  const match = /^(.+)=(\d+(?:x\d+)*)$/.exec(text)
  if (!match) throw new InvalidArgumentError('expected INPUT=1x3x224x224.')
  return { ...previous, [match[1]!]: match[2]!.split('x').map(Number) }
}

function benchText(run: string, result: BenchResult): string {
  const { medianMs, referenceMedianMs, speedup, interval } = result
  const head = [
    `run ${run}: batch ${result.batch}, ${result.threads} threads, ${result.runs} runs in ${result.rounds} rounds`,
    `median ${medianMs.toFixed(3)} ms`,
  ]
  if (referenceMedianMs !== null && speedup !== null) {
    const bounds = interval ? ` (95 %: ${interval.low.toFixed(2)} … ${interval.high.toFixed(2)})` : ''
    head.push(`reference ${referenceMedianMs.toFixed(3)} ms: ${speedup.toFixed(2)}× as fast${bounds}`)
  }
  const sections = [head.join('\n'), layerTable(result)]
  if (result.other.length > 0) {
    const columns = [
      { title: 'other kernels', maxWidth: 40 },
      { title: 'count', align: 'right' as const },
      { title: 'ms', align: 'right' as const },
    ]
    sections.push(
      formatTable(
        columns,
        result.other.map((other) => [other.kernel, String(other.count), other.ms?.toFixed(4) ?? '']),
      ),
    )
  }
  if (result.warnings.length > 0) sections.push(result.warnings.map((warning) => `warning: ${warning}`).join('\n'))
  return sections.join('\n\n')
}

function layerTable({ layers }: BenchResult): string {
  const right = 'right' as const
  const columns = [
    { title: 'layer', maxWidth: 48 },
    { title: 'op' },
    { title: 'runs as' },
    { title: 'ms', align: right },
    { title: 'reference ms', align: right },
  ]
  const rows = layers.map((layer) => [
    layer.id,
    layer.op,
    layer.execution,
    layer.ms?.toFixed(4) ?? '',
    layer.referenceMs?.toFixed(4) ?? '',
  ])
  return formatTable(columns, rows)
}
