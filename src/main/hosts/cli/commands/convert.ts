import { Option, type Command } from 'commander'
import { WEIGHT_STORAGES, type WeightStorage } from '../../../formats/tfjs/index.ts'
import { runConversion, type ConvertAnswer } from '../../../jobs/convert-run.ts'
import type { Host } from '../host.ts'
import { list } from '../parse.ts'
import { readPlanFile } from '../read-plan.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { scoresJson } from '../scores-json.ts'
import { formatBytes, formatPercent, formatTable } from '../table.ts'

const FORMATS = ['onnx', 'graph-model', 'layers-model'] as const

interface ConvertFlags extends Omit<SampleFlags, 'data'> {
  data?: string
  to?: (typeof FORMATS)[number]
  weights?: WeightStorage
  keepFloat?: string[]
  plan?: string
  force?: boolean
}

/** `convert IN OUT`: TensorFlow.js to ONNX and back. */
export function addConvertCommand(program: Command, host: Host): void {
  const command = program
    .command('convert <model> <output>')
    .description('write a model as NAME.onnx, or as a TensorFlow.js graph-model or layers-model into a folder')
    .addOption(
      new Option('--to <format>', 'by the name of the output when absent: NAME.onnx, else a graph-model').choices(
        FORMATS,
      ),
    )
    .addOption(
      new Option('--weights <type>', 'how TensorFlow.js weights are stored (float32)').choices([...WEIGHT_STORAGES]),
    )
    .option('--keep-float <layer...>', 'layers whose weights stay float32 (repeat, or separate by commas)', list)
    .addOption(
      new Option(
        '--plan <file>',
        'a plan decides: uint8 for up to 8 bits, uint16 for more, float32 for float',
      ).conflicts('weights'),
    )
    .option('--force', 'replace existing files')
  addSampleOptions(command, false, false).action(
    host.action(async (services, flags: ConvertFlags, model: string, output: string) => {
      const plan = flags.plan === undefined ? null : await readPlanFile(flags.plan)
      const { to = null, weights = 'float32', keepFloat = [], force = false } = flags
      const samples = flags.data === undefined ? null : readSampleOptions({ ...flags, data: flags.data })
      const request = { model, output, to, force, weights, keepFloat, plan, samples }
      const { run, value } = await runConversion(request, services)
      host.print(convertJson(run, value), () => convertText(run, value))
    }),
  )
}

function convertJson(run: string, { accuracy, ...answer }: ConvertAnswer): object {
  if (accuracy === null) return { run, ...answer }
  const { result } = accuracy.evaluation
  const scores = { samples: result.samples, ...scoresJson(result.model), agreement: result.agreement }
  const reference = result.reference && { reference: scoresJson(result.reference) }
  const drop = result.drop && { drop: result.drop.value, dropInterval: [result.drop.low, result.drop.high] }
  return {
    run,
    ...answer,
    accuracy: { run: accuracy.run, engine: accuracy.engine, ...scores, ...reference, ...drop },
  }
}

function accuracyText({ run, engine, evaluation }: NonNullable<ConvertAnswer['accuracy']>): string {
  const { samples, model, reference, drop, agreement } = evaluation.result
  const where = engine === 'tfjs' ? 'in TensorFlow.js itself' : 'read back, in ONNX Runtime'
  const parts = [
    model && `top-1 ${formatPercent(model.top1)}`,
    reference && `source ${formatPercent(reference.top1)}`,
    drop && `difference ${formatPercent(-drop.high)} … ${formatPercent(-drop.low)} (95 %)`,
    agreement !== null && `agreement ${formatPercent(agreement)}`,
  ].filter((part) => typeof part === 'string')
  return `Measured ${where} on ${samples} samples (run ${run}): ${parts.join(', ')}`
}

function convertText(run: string, answer: ConvertAnswer): string {
  const { output, sourceBytes, sizeBytes, maxRelativeError, layers, target, notes } = answer
  const share = ((100 * sizeBytes) / sourceBytes).toFixed(2)
  const lines = [
    `run ${run}: ${output}`,
    `${formatBytes(sourceBytes)} → ${formatBytes(sizeBytes)} (${share} %); read back, its outputs differ by at most ${maxRelativeError.toPrecision(2)} (relative)`,
  ]
  if (layers.length > 0) lines.push('', layersText(layers))
  if (target === 'tfjs' && layers.some(({ storage }) => storage !== 'float32')) {
    lines.push('', 'Stored weights make the download smaller, not the model faster: TensorFlow.js computes in float32.')
  }
  if (answer.accuracy) lines.push('', accuracyText(answer.accuracy))
  for (const note of notes) lines.push('', `note: ${note}`)
  return lines.join('\n')
}

function layersText(layers: ConvertAnswer['layers']): string {
  const columns = [
    { title: 'layer', maxWidth: 60 },
    { title: 'op' },
    { title: 'stored as' },
    { title: 'size', align: 'right' as const },
    { title: 'weights (dB)', align: 'right' as const },
  ]
  const rows = layers.map(({ id, op, storage, sizeBytes, weightSqnrDb }) => [
    id,
    op,
    storage,
    formatBytes(sizeBytes),
    weightSqnrDb === null ? 'exact' : weightSqnrDb.toFixed(1),
  ])
  return formatTable(columns, rows)
}
