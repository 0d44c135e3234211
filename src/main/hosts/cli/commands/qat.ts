import { Option, type Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { QuantPlan } from '../../../../shared/contract/plan.ts'
import { runQatComparison, type CompareAnswer, type CompareRequest } from '../../../jobs/qat-compare.ts'
import { runQat, type QatAnswer, type QatRequest } from '../../../jobs/qat-run.ts'
import type { Services } from '../../../jobs/services.ts'
import { requestOfRun } from '../../../jobs/training/record.ts'
import { planFromOptions, planTypes } from '../../../quant/plan.ts'
import type { Host } from '../host.ts'
import { flagOf, list, seed } from '../parse.ts'
import { readPlanFile } from '../read-plan.ts'
import { formatBytes, formatPercent, formatTable } from '../table.ts'
import { addTrainOptions, readTrainFlags, resumable, share, type TrainFlags } from '../train-options.ts'

interface QatFlags extends TrainFlags {
  recipe?: string
  bits?: string
  weights?: string
  activations?: string
  biasBits?: '8' | '16' | '32'
  symmetric?: boolean
  affine?: boolean
  perTensor?: boolean
  keepFloat?: string[]
  plan?: string
  floatEpochs?: number
  freeze?: number
  lsq?: boolean
  compare?: boolean
  hybrid?: string
}

/** `qat MODEL --data DATA -o OUT`. */
export function addQatCommand(program: Command, host: Host): void {
  const command = program
    .command('qat [model]')
    .description('train a float ONNX classifier, or a recipe from scratch, for integers of 2 to 8 bits, on TensorFlow')
    .option('--recipe <name>', 'start from a recipe instead of a model; it is trained in float first')
    .addOption(
      new Option('--bits <type>', 'type of the weights, and as many bits for activations').choices([...planTypes]),
    )
    .addOption(new Option('--weights <type>', 'type of the weights').choices([...planTypes]))
    .addOption(new Option('--activations <type>', 'type of the activations').choices([...planTypes]))
    .addOption(new Option('--bias-bits <n>', 'bits of biases (32)').choices(['8', '16', '32']))
    .option('--symmetric', 'symmetric weights and activations')
    .addOption(new Option('--affine', 'affine weights and activations').conflicts('symmetric'))
    .option('--per-tensor', 'one scale for all weights of a layer')
    .option('--keep-float <layer...>', 'layers to keep in float (repeat, or separate by commas)', list)
    .option('--plan <file>', 'a plan (JSON), hybrid or not; the other options then may not change it')
    .option('--float-epochs <n>', 'float training of a recipe before (as the recipe says); 0: none', seed)
    .option('--freeze <share>', 'share of the epochs after which ranges stand still (0.5)', share)
    .option('--lsq', 'learn step sizes by gradient instead of following ranges (so below 4 bits)')
    .option('--no-lsq', 'follow ranges')
    .option('--compare', 'quantized after training, trained for integers, and both as hybrids, side by side')
    .option('--hybrid <plan>', 'with --compare: the hybrid plan (its most sensitive layers are spared when absent)')
  addTrainOptions(command).action(
    host.action(async (services, flags: QatFlags, model?: string) => {
      if (flags.compare) return compare(services, host, flags, model)
      const resumed = flags.resume === undefined ? null : requestOfRun('qat', flags.resume, services)
      const request = resumed ? { ...resumed.request, ...resumable(flags) } : await requestOf(model, flags)
      const { run, value } = await runQat(request, services, resumed?.id ?? null)
      host.print(qatJson(run, value), () => qatText(run, value))
    }),
  )
}

async function compare(services: Services, host: Host, flags: QatFlags, model: string | undefined): Promise<void> {
  const resumed = flags.resume === undefined ? null : requestOfRun('compareQat', flags.resume, services)
  const fresh = async (): Promise<CompareRequest> => {
    const hybrid = flags.hybrid === undefined ? null : await readPlanFile(flags.hybrid)
    return { ...(await requestOf(model, flags)), hybrid }
  }
  const request = resumed ? { ...resumed.request, ...resumable(flags) } : await fresh()
  const { run, value } = await runQatComparison(request, services, resumed?.id ?? null)
  host.print({ run, ...value }, () => compareText(run, value))
}

async function requestOf(model: string | undefined, flags: QatFlags): Promise<QatRequest> {
  const { data, output, recipe } = flags
  const start = recipe ?? model
  if (start === undefined || (recipe !== undefined && model !== undefined) || !data || !output) {
    throw new Fault(
      'usage.qat',
      'Say what to train for integers, on what, and where the file goes: qat MODEL --data DATA -o OUT.onnx, or qat --recipe NAME --data DATA -o OUT.onnx.',
    )
  }
  return {
    ...readTrainFlags(start, { ...flags, data, output }),
    plan: await planOf(flags),
    floatOptions: { epochs: flags.floatEpochs, seed: flags.seed },
    freeze: flags.freeze ?? null,
    lsq: flags.lsq ?? null,
  }
}

async function planOf(flags: QatFlags): Promise<QuantPlan> {
  const { plan: file, bits, weights, activations, biasBits, symmetric, affine, perTensor, keepFloat } = flags
  if (file !== undefined) {
    const settings = { bits, weights, activations, biasBits, symmetric, affine, perTensor, keepFloat }
    const [clash] = Object.entries(settings).find(([, value]) => value !== undefined) ?? []
    if (clash === undefined) return readPlanFile(file)
    throw new Fault(
      'usage.planAndOptions',
      `--plan already says it all; ${flagOf(clash)} cannot be given with it. Edit the plan instead.`,
    )
  }
  const width = bits === undefined ? undefined : /\d+$/.exec(bits)![0]
  for (const [option, type] of Object.entries({ bits, weights, activations })) refuseOneBit(option, type)
  const plan = planFromOptions({
    weights: weights ?? bits,
    activations: activations ?? width,
    symmetric: symmetric ? true : affine ? false : undefined,
    perTensor,
    keepFloat,
  })
  const { defaults } = plan
  const calibrator = { method: 'movingAverage' } as const
  return {
    ...plan,
    defaults: {
      ...defaults,
      activations: { ...defaults.activations, calibrator },
      bias: { bits: biasBits === undefined ? defaults.bias.bits : (Number(biasBits) as 8 | 16 | 32) },
    },
  }
}

function refuseOneBit(option: string, type: string | undefined): void {
  if (type !== '1') return
  throw new Fault(
    'usage.qatBits',
    `${flagOf(option)} 1: training learns for 2 bits and more. Take 2 to 8, or quantize a trained model to 1 bit with "quantize".`,
    { option },
  )
}

/** The fields scripts rely on, then what else is known. */
function qatJson(run: string, answer: QatAnswer): object {
  const { test, engine, float, own, ...rest } = answer
  const { model, drop, samples } = test.evaluation.result
  return {
    run,
    ...rest,
    engine: { name: 'libtensorflow', version: engine },
    float,
    own,
    test: { split: test.split, samples, top1: model?.top1, loss: model?.loss, drop },
  }
}

function qatText(run: string, answer: QatAnswer): string {
  const { output, bytes, referenceBytes, history, bestEpoch, stoppedEarly, test, own, float, gap, warnings } = answer
  const { model, samples, drop } = test.evaluation.result
  const quantized = answer.layers.filter(({ type }) => type !== 'float').length
  const ratio = ((100 * bytes) / referenceBytes).toFixed(2)
  return [
    `${output}: ${formatBytes(referenceBytes)} → ${formatBytes(bytes)} (${ratio} %), ${quantized} of ${answer.layers.length} layers in integers.`,
    `Kept epoch ${bestEpoch} of ${history.length}${stoppedEarly ? ' (stopped early)' : ''}; learning rate ${answer.learningRateWhy}.`,
    `Top-1 on ${samples} samples (${test.split}): float ${formatPercent(float.top1)}, this file in ONNX Runtime ${formatPercent(model!.top1)}${drop ? ` (drop ${(100 * drop.value).toFixed(2)} points, 95 % ${(100 * drop.low).toFixed(2)} to ${(100 * drop.high).toFixed(2)})` : ''}.`,
    `QAT's own evaluation on TensorFlow: ${formatPercent(own.top1)}; the two differ by ${(100 * gap).toFixed(2)} points.`,
    ...warnings.map((warning) => `warning: ${warning}`),
    `Run ${run}`,
  ].join('\n')
}

function compareText(run: string, { rows, hybridLayers, samples, split, warnings }: CompareAnswer): string {
  const right = 'right' as const
  const columns = [
    { title: 'way' },
    { title: 'top-1', align: right },
    { title: 'drop (points)', align: right },
    { title: '95 %', align: right },
    { title: 'loss', align: right },
    { title: 'size', align: right },
    { title: 'of float', align: right },
    { title: 'run' },
  ]
  const points = (rate: number): string => (100 * rate).toFixed(2)
  const floatBytes = rows[0]!.bytes
  const cells = rows.map(({ name, top1, drop, loss, bytes, run: own }) => [
    name,
    formatPercent(top1),
    drop ? points(drop.value) : '',
    drop ? `${points(drop.low)} to ${points(drop.high)}` : '',
    loss.toFixed(4),
    formatBytes(bytes),
    `${((100 * bytes) / floatBytes).toFixed(2)} %`,
    own ?? '',
  ])
  const written = rows.flatMap(({ output }) => (output === null ? [] : [output]))
  return [
    `On ${samples} samples (${split}), measured in ONNX Runtime:`,
    formatTable(columns, cells),
    `Hybrid: ${hybridLayers.length > 0 ? `other types for ${hybridLayers.join(', ')}` : 'by the plan that was given'}.`,
    `Written: ${written.join(', ')}`,
    ...warnings.map((warning) => `warning: ${warning}`),
    `Run ${run}`,
  ].join('\n')
}
