import { Option, type Command } from 'commander'
import { repairNames, type RepairName } from '../../../../shared/contract/plan.ts'
import { runSweep, sweepJson, type SweepAnswer, type SweepRunRequest } from '../../../jobs/sweep-run.ts'
import { DEFAULT_FOLDER } from '../../../jobs/sweep/files.ts'
import type { SweepPoint } from '../../../jobs/sweep/point.ts'
import { planFromOptions } from '../../../quant/plan.ts'
import { BITS_CURVES, parseBits, parseCurves } from '../../../search/bits.ts'
import type { Host } from '../host.ts'
import { list } from '../parse.ts'
import { CALIBRATORS, parseRepairs } from '../plan-options.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { formatPercent, formatTable, type Column } from '../table.ts'

interface SweepFlags extends SampleFlags {
  bits: string
  what?: string[]
  repair?: RepairName[]
  calibration?: string
  perTensor?: boolean
  keepFloat?: string[]
  output?: string
  force?: boolean
}

/** `sweep MODEL --data DATA --bits 1-8`. */
export function addSweepCommand(program: Command, host: Host): void {
  const command = program
    .command('sweep <model>')
    .description('the figure of accuracy over bits, as JSON, CSV and SVG')
    .option('--bits <list>', 'bits to measure: 1-8, or a list as 2,4,8', '1-8')
    .option('--what <list>', `curves: of ${BITS_CURVES.join(', ')}; the other side keeps 8 bits (all three)`, list)
    .option('--repair <names>', `repairs at every point: all, none, or some of ${repairNames.join(', ')}`, parseRepairs)
    .addOption(new Option('--calibration <method>', 'how statistics become ranges').choices(Object.keys(CALIBRATORS)))
    .option('--per-tensor', 'one scale for all weights of a layer')
    .option('--keep-float <layer...>', 'layers to keep in float (repeat, or separate by commas)', list)
    .option(
      '-o, --output <base>',
      `BASE.json, BASE.csv and BASE.svg; a folder for files named after the model (${DEFAULT_FOLDER}/)`,
    )
    .option('--force', 'replace existing files')
  addSampleOptions(command, true).action(
    host.action(async (services, flags: SweepFlags, model: string) => {
      const { run, value } = await runSweep(requestOf(flags, model), services)
      host.print(sweepJson(run, value), () => sweepText(run, value))
    }),
  )
}

function requestOf(flags: SweepFlags, model: string): SweepRunRequest {
  const { calibration, perTensor, keepFloat, repair = [] } = flags
  const plan = planFromOptions({
    perTensor,
    keepFloat,
    calibration: calibration === undefined ? undefined : CALIBRATORS[calibration],
  })
  return {
    model,
    samples: readSampleOptions(flags),
    bits: parseBits(flags.bits),
    curves: parseCurves(flags.what ?? null),
    template: repair.length === 0 ? plan : { ...plan, repairs: repair },
    output: flags.output ?? null,
    force: flags.force ?? false,
  }
}

interface View {
  readonly name: string
  readonly show: (point: SweepPoint) => string
}

function sweepText(run: string, answer: SweepAnswer): string {
  const { points, reference, files, samples, measured, found, wallMs } = answer
  const float = reference.top1 === null ? '' : `; float ${formatPercent(reference.top1)}`
  const head = `run ${run}: ${samples} samples${float}; ${measured} evaluations measured, ${found} found, ${(wallMs / 1000).toFixed(1)} s`
  const tables = viewsOf(answer).map((view) => tableOf(points, view))
  const written = [`figure: ${files.svg}`, `values: ${files.csv}`, `        ${files.json}`].join('\n')
  return [head, ...tables, written].join('\n\n')
}

function viewsOf({ reference, points }: SweepAnswer): View[] {
  if (reference.top1 !== null)
    return [{ name: 'top-1 (drop, 95 %)', show: (point) => `${percent(point.top1)}${dropText(point)}` }]
  const agreement = { name: 'agreement (95 %)', show: agreementText }
  const sqnr = { name: 'SQNR (dB)', show: ({ sqnrDb }: SweepPoint) => sqnrDb?.toFixed(1) ?? '' }
  return points.some((point) => point.agreement !== null) ? [agreement, sqnr] : [sqnr]
}

const percent = (rate: number | null): string => (rate === null ? '' : formatPercent(rate))

/** In points: 0.42 (0.10 … 0.74). */
function dropText({ drop, interval }: SweepPoint): string {
  if (drop === null) return ''
  const points = (rate: number): string => (100 * rate).toFixed(2)
  return `  ${points(drop)}${interval ? ` (${points(interval.low)} … ${points(interval.high)})` : ''}`
}

function agreementText({ agreement, interval }: SweepPoint): string {
  return `${percent(agreement)}${interval ? ` (${percent(interval.low)} … ${percent(interval.high)})` : ''}`
}

function tableOf(points: readonly SweepPoint[], { name, show }: View): string {
  const curves = [...new Set(points.map(({ what }) => what))]
  const columns: Column[] = [
    { title: 'bits', align: 'right' },
    ...curves.map((what): Column => ({ title: `${what}: ${name}`, align: 'right' })),
  ]
  const bits = [...new Set(points.map((point) => point.bits))]
  const rows = bits.map((count) => [
    String(count),
    ...curves.map((what) => {
      const point = points.find((candidate) => candidate.what === what && candidate.bits === count)
      return point ? show(point) : ''
    }),
  ])
  return formatTable(columns, rows)
}
