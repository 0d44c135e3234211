import { Option, type Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import { runSensitivity, type SensitivityAnswer, type SensitivityRunRequest } from '../../../jobs/sensitivity-run.ts'
import type { LayerExplanation } from '../../../search/explain.ts'
import { DEFAULT_CONFIGURATIONS } from '../../../search/grid.ts'
import { METRICS, type MetricName } from '../../../search/scores.ts'
import type { Services } from '../../../jobs/services.ts'
import type { Host } from '../host.ts'
import { flagOf } from '../parse.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { formatTable } from '../table.ts'

interface SensitivityFlags extends Omit<SampleFlags, 'data'> {
  data?: string
  configs?: string
  quick?: boolean
  reverted?: boolean
  metric?: MetricName
  exact?: boolean
  threads?: number
  resume?: string
}

/** `quantbench sensitivity MODEL --data DATA`: how much each layer suffers from each precision. */
export function addSensitivityCommand(program: Command, host: Host): void {
  const command = program
    .command('sensitivity')
    .description('measure how much each layer suffers from each precision')
    .argument('<model>', 'ONNX model in float')
  addSampleOptions(command, true, false)
    .option('--configs <list>', 'precisions: 8, 4, w4a6, int4, 16, with :CALIBRATOR, :per-tensor, :affine, :dynamic …')
    .option('--quick', 'one instrumented pass: local signal-to-noise of each layer, no exact damage')
    .option('--reverted', 'all layers quantized but one, instead of one quantized')
    .addOption(new Option('--metric <name>', 'what damage is measured in').choices(METRICS))
    .option('--exact', 'every layer takes every sample; by default a layer stops once its rank is settled')
    .option('--threads <n>', 'threads of one session', host.parse.count)
    .option('--resume <run>', 'go on with a run that was cut off, with what it was asked for')
    .action(
      host.action(async (services: Services, flags: SensitivityFlags, model: string) => {
        const request = flags.resume === undefined ? requestOf(model, flags) : resumed(model, flags, services)
        const { run, value } = await runSensitivity(request, services)
        host.print(sensitivityJson(run, value), () => sensitivityText(run, value))
      }),
    )
}

function requestOf(model: string, flags: SensitivityFlags): SensitivityRunRequest {
  if (flags.data === undefined)
    throw new Fault('usage.noData', 'sensitivity measures on samples: give --data, or --resume RUN.')
  return {
    model,
    samples: readSampleOptions({ ...flags, data: flags.data }),
    configs: flags.configs ?? DEFAULT_CONFIGURATIONS,
    base: flags.reverted ? 'quantized' : 'float',
    metric: flags.metric ?? null,
    exact: flags.exact ?? false,
    quick: flags.quick ?? false,
    threads: flags.threads ?? null,
    resumes: null,
  }
}

/** Options that say what is measured. */
const FIXED_BY_RUN = [
  'data',
  'split',
  'range',
  'samples',
  'preprocess',
  'calibrationRange',
  'calibrationSamples',
  'allowOverlap',
  'configs',
  'quick',
  'reverted',
  'metric',
  'exact',
  'threads',
] as const

/** The options of an earlier run. @throws Fault usage.resume where it is not a run of this command, or on another model */
function resumed(model: string, flags: SensitivityFlags, { store }: Services): SensitivityRunRequest {
  const clash = FIXED_BY_RUN.find((name) => flags[name] !== undefined)
  if (clash !== undefined)
    throw new Fault(
      'usage.resume',
      `--resume takes all options from the run; ${flagOf(clash)} cannot be given with it.`,
    )
  const run = store.runs.get(flags.resume!)
  if (run.kind !== 'sensitivity')
    throw new Fault('usage.resume', `Run ${run.id} is a run of ${run.kind}, not of sensitivity.`, { run: run.id })
  const parameters = run.parameters as unknown as Omit<SensitivityRunRequest, 'model'>
  return { ...parameters, model, resumes: run.id }
}

/** The fields scripts rely on (DESIGN section 8), then what else is known. */
function sensitivityJson(run: string, { kind, result, explanations }: SensitivityAnswer): object {
  if (kind === 'quick') {
    const { layers, samples, passes, wallMs } = result
    return {
      run,
      evaluations: 0,
      wallMs,
      layers: layers.map(({ id, rank, config, sqnrDb, ...rest }) => ({
        id,
        rank,
        config,
        metric: 'sqnrDb',
        value: sqnrDb,
        interval: null,
        ...rest,
      })),
      samples,
      passes,
      explanations,
    }
  }
  const { evaluations, wallMs, scores, ...rest } = result
  const layers = [...scores]
    .sort((a, b) => (a.config === b.config ? a.rank - b.rank : 0))
    .map(({ layerId, rank, config, metric, value, interval, samples }) => ({
      id: layerId,
      rank,
      config,
      metric,
      value,
      interval: Number.isFinite(interval.low) ? [interval.low, interval.high] : null,
      samples,
    }))
  return { run, evaluations, wallMs, layers, ...rest, explanations }
}

function sensitivityText(run: string, { kind, result, explanations }: SensitivityAnswer): string {
  const table = kind === 'quick' ? quickText(run, result) : sweepText(run, result)
  return [table, ...explanations.map(explanationText)].join('\n\n')
}

/** One of the worst layers: what is wrong with it, and what would help. */
function explanationText({ layer, config, findings, remedies }: LayerExplanation): string {
  const helps = remedies.map((remedy) =>
    'repair' in remedy
      ? `--repair ${remedy.repair}: ${remedy.text}`
      : `plan "${remedy.layer}": ${JSON.stringify(remedy.override)}: ${remedy.text}`,
  )
  return [
    `Why ${layer} suffers in ${config}:`,
    ...findings.map(({ text }) => `  ${text}`),
    ...helps.map((help) => `  → ${help}`),
  ].join('\n')
}

type Sweep = Extract<SensitivityAnswer, { kind: 'sweep' }>['result']
type Quick = Extract<SensitivityAnswer, { kind: 'quick' }>['result']

const UNITS: Readonly<Record<MetricName, string>> = {
  loss: 'loss increase (nats)',
  kl: 'KL to float (nats)',
  top1: 'top-1 drop',
  nsr: 'noise to signal',
}

function sweepText(run: string, result: Sweep): string {
  const { scores, whole, metric, base, evaluations, found, samples, wallMs } = result
  const right = 'right' as const
  const columns = [
    { title: 'rank', align: right },
    { title: 'layer', maxWidth: 48 },
    { title: 'config' },
    { title: UNITS[metric], align: right },
    { title: '95 % interval', align: right },
    { title: 'samples', align: right },
  ]
  const configs = [...new Set(scores.map(({ config }) => config))]
  const rows = configs.flatMap((config) =>
    scores
      .filter((score) => score.config === config)
      .sort((a, b) => a.rank - b.rank)
      .map(({ rank, layerId, value, interval, samples: count }) => [
        String(rank),
        layerId,
        config,
        value.toPrecision(4),
        Number.isFinite(interval.low) ? `${interval.low.toPrecision(3)} … ${interval.high.toPrecision(3)}` : '',
        String(count),
      ]),
  )
  const what = base === 'float' ? 'one layer quantized at a time' : 'all layers quantized but one'
  const head = `run ${run}: ${what}, ${samples} samples; ${evaluations} evaluations measured, ${found} found, ${(wallMs / 1000).toFixed(1)} s`
  const all = whole.map(({ config, value }) => `all layers in ${config}: ${value.toPrecision(4)}`)
  return [head, ...all, '', formatTable(columns, rows)].join('\n')
}

function quickText(run: string, { layers, samples, wallMs }: Quick): string {
  const right = 'right' as const
  const columns = [
    { title: 'rank', align: right },
    { title: 'layer', maxWidth: 48 },
    { title: 'config' },
    { title: 'output SQNR (dB)', align: right },
    { title: 'weight SQNR (dB)', align: right },
    { title: 'clipping (noise/signal)', align: right },
    { title: 'rounding (noise/signal)', align: right },
  ]
  const rows = layers.map((layer) => [
    String(layer.rank),
    layer.id,
    layer.config,
    layer.sqnrDb.toFixed(1),
    layer.weightSqnrDb?.toFixed(1) ?? '',
    layer.clippingNsr?.toExponential(1) ?? '',
    layer.roundingNsr?.toExponential(1) ?? '',
  ])
  const head = `run ${run}: local errors of each layer over ${samples} samples, worst first; ${(wallMs / 1000).toFixed(1)} s`
  return `${head}\n\n${formatTable(columns, rows)}`
}
