import { Option, type Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import { repairNames, type QuantPlan, type RepairName } from '../../../../shared/contract/plan.ts'
import { runQuantization, type QuantizeAnswer, type RepairsAnswer } from '../../../jobs/quantize-run.ts'
import { planFromOptions, planTypes } from '../../../quant/plan.ts'
import type { Host } from '../host.ts'
import { flagOf, list } from '../parse.ts'
import { CALIBRATORS, parseRepairs } from '../plan-options.ts'
import { readPlanFile } from '../read-plan.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { formatBytes, formatTable } from '../table.ts'

interface QuantizeFlags extends Omit<SampleFlags, 'data'> {
  data?: string
  output: string
  force?: boolean
  plan?: string
  mode?: 'static' | 'dynamic' | 'weight-only'
  calibration?: string
  weights?: string
  activations?: string
  symmetric?: boolean
  affine?: boolean
  perTensor?: boolean
  keepFloat?: string[]
  repair?: RepairName[]
}

/** `quantize MODEL --data DATA -o OUT`. */
export function addQuantizeCommand(program: Command, host: Host): void {
  const command = program
    .command('quantize <model>')
    .description('write a quantized ONNX file and say how each layer really runs')
    .requiredOption('-o, --output <file>', 'the file to write')
    .option('--force', 'replace an existing output')
    .option('--plan <file>', 'a plan (JSON); the other options then may not change it')
    .addOption(new Option('--mode <mode>', 'how activations are treated').choices(['static', 'dynamic', 'weight-only']))
    .addOption(new Option('--calibration <method>', 'how statistics become ranges').choices(Object.keys(CALIBRATORS)))
    .addOption(new Option('--weights <type>', 'type of the weights').choices([...planTypes]))
    .addOption(new Option('--activations <type>', 'type of the activations').choices([...planTypes]))
    .option('--symmetric', 'symmetric weights and activations')
    .addOption(new Option('--affine', 'affine weights and activations').conflicts('symmetric'))
    .option('--per-tensor', 'one scale for all weights of a layer')
    .option('--keep-float <layer...>', 'layers to keep in float (repeat, or separate by commas)', list)
    .option(
      '--repair <names>',
      `repairs short of training: all, none, or some of ${repairNames.join(', ')}`,
      parseRepairs,
    )
  addSampleOptions(command, true, false).action(
    host.action(async (services, flags: QuantizeFlags, model: string) => {
      const { data } = flags
      const samples = data === undefined ? null : readSampleOptions({ ...flags, data })
      const asked = await planOf(flags)
      const plan = flags.repair ? { ...asked, repairs: flags.repair } : asked
      const request = {
        model,
        output: flags.output,
        force: flags.force ?? false,
        plan,
        keepFloat: flags.keepFloat ?? [],
        samples,
      }
      const { run, value } = await runQuantization(request, services)
      host.print(quantizeJson(run, value), () => quantizeText(run, value))
    }),
  )
}

async function planOf(flags: QuantizeFlags): Promise<QuantPlan> {
  const { plan: file, mode, calibration, weights, activations, symmetric, affine, perTensor } = flags
  const settings = { mode, calibration, weights, activations, symmetric, affine, perTensor }
  if (file === undefined) {
    return planFromOptions({
      mode: mode === 'weight-only' ? 'weightOnly' : mode,
      weights,
      activations,
      symmetric: symmetric ? true : affine ? false : undefined,
      perTensor,
      calibration: calibration === undefined ? undefined : CALIBRATORS[calibration],
    })
  }
  const [clash] = Object.entries(settings).find(([, value]) => value !== undefined) ?? []
  if (clash)
    throw new Fault(
      'usage.planAndOptions',
      `--plan already says it all; ${flagOf(clash)} cannot be given with it. Edit the plan instead.`,
    )
  return readPlanFile(file)
}

/** The fields scripts rely on (DESIGN section 8), then what else is known. */
function quantizeJson(run: string, answer: QuantizeAnswer): object {
  const { output, bytes, referenceBytes, layers, warnings, modelHash, plan, samples } = answer
  const ranges = samples && {
    calibration: samples.ranges.calibration,
    evaluation: samples.ranges.evaluation,
    overlap: samples.ranges.overlap,
    seed: samples.seed,
  }
  return {
    run,
    output,
    bytes,
    referenceBytes,
    layers,
    warnings,
    modelHash,
    plan,
    ranges,
    preprocess: samples?.preprocess ?? null,
    ...(answer.repairs && { repairs: answer.repairs }),
  }
}

function repairsText(repairs: RepairsAnswer | null): string {
  if (!repairs) return ''
  const { distance, samples, steps, layers } = repairs
  const columns = [
    { title: 'layer', maxWidth: 48 },
    { title: 'plain (dB)', align: 'right' as const },
    { title: 'repaired (dB)', align: 'right' as const },
    { title: 'why left', maxWidth: 60 },
  ]
  const rows = layers.map(({ id, plainDb, repairedDb, reason }) => [
    id,
    plainDb?.toFixed(1) ?? '',
    repairedDb?.toFixed(1) ?? '',
    reason ?? '',
  ])
  const head = `repairs on ${samples} samples; ${distance.measure}: ${distance.plain.toPrecision(3)} without, ${distance.repaired.toPrecision(3)} with`
  const effects = steps.map(({ repair, before, after, note }) => [
    repair,
    before.toPrecision(3),
    after.toPrecision(3),
    note ?? '',
  ])
  const stepColumns = [
    { title: 'repair' },
    { title: 'before', align: 'right' as const },
    { title: 'with it', align: 'right' as const },
    { title: 'remark', maxWidth: 100 },
  ]
  const table = steps.length > 0 ? `\n\n${formatTable(stepColumns, effects)}` : ''
  return `\n\n${head}${table}${rows.length > 0 ? `\n\n${formatTable(columns, rows)}` : ''}`
}

function quantizeText(
  run: string,
  { output, bytes, referenceBytes, layers, warnings, repairs }: QuantizeAnswer,
): string {
  const right = 'right' as const
  const columns = [
    { title: 'layer', maxWidth: 48 },
    { title: 'op' },
    { title: 'type' },
    { title: 'runs as' },
    { title: 'scale', align: right },
    { title: 'zero point', align: right },
    { title: 'why not integer', maxWidth: 60 },
  ]
  const rows = layers.map((layer) => [
    layer.id,
    layer.op,
    layer.type,
    layer.execution ?? '',
    layer.scale?.toPrecision(5) ?? '',
    layer.zeroPoint?.toString() ?? '',
    layer.execution === 'int8' ? '' : (layer.reason ?? ''),
  ])
  const counts = ['int8', 'simulated', 'float'].map(
    (kind) => `${layers.filter((layer) => layer.execution === kind).length} ${kind}`,
  )
  const head = `run ${run}: ${output}\n${formatBytes(referenceBytes)} → ${formatBytes(bytes)} (${((100 * bytes) / referenceBytes).toFixed(2)} %); layers that run as ${counts.join(', ')}`
  const tail = warnings.length > 0 ? `\n\n${warnings.map((warning) => `warning: ${warning}`).join('\n')}` : ''
  return `${head}\n\n${formatTable(columns, rows)}${repairsText(repairs)}${tail}`
}
