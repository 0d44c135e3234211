import { Option, type Command } from 'commander'
import { EQUAL_SQNR_DB, runEvaluation, worstSqnrDb, type EvaluateAnswer } from '../../../jobs/evaluate-run.ts'
import type { EvaluationResult } from '../../../quant/accumulator.ts'
import type { Host } from '../host.ts'
import { count } from '../parse.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { scoresJson } from '../scores-json.ts'
import { formatPercent, formatTable } from '../table.ts'

const ENGINES = ['onnxruntime', 'tfjs'] as const

interface EvalFlags extends SampleFlags {
  reference?: string
  batch?: number
  threads?: number
  engine?: (typeof ENGINES)[number]
}

/** `eval MODEL --data DATA [--reference FLOAT.onnx]`. */
export function addEvalCommand(program: Command, host: Host): void {
  const command = program
    .command('eval <model>')
    .description('measure a model: accuracy with labels, agreement with --reference')
    .option('--reference <model>', 'the float model to compare with')
    .option('--batch <n>', 'samples in a batch (1)', count)
    .option('--threads <n>', 'threads of one worker (1)', count)
    .addOption(
      new Option('--engine <name>', 'what runs the model: tfjs is TensorFlow.js itself, for its own files').choices(
        ENGINES,
      ),
    )
  addSampleOptions(command, false).action(
    host.action(async (services, flags: EvalFlags, model: string) => {
      const { batch, threads, engine, reference = null } = flags
      const request = { model, reference, batch, threads, engine, samples: readSampleOptions(flags) }
      const { run, value } = await runEvaluation(request, services)
      host.print(evalJson(run, value), () => evalText(run, value))
    }),
  )
}

/** The fields scripts rely on (DESIGN section 8), then the rest of what was measured. */
function evalJson(run: string, { evaluation, chosen, sizeBytes, warnings }: EvaluateAnswer): object {
  const { result } = evaluation
  return {
    run,
    samples: result.samples,
    ...scoresJson(result.model),
    ...(result.agreement === null ? {} : { agreement: result.agreement }),
    ...(result.outputs === null ? {} : { sqnr: worstSqnrDb(result), outputs: result.outputs }),
    ...(result.kl === null ? {} : { kl: result.kl }),
    ...(result.reference === null ? {} : { reference: scoresJson(result.reference) }),
    ...(result.drop === null ? {} : { drop: result.drop.value, dropInterval: [result.drop.low, result.drop.high] }),
    ...(result.lossIncrease === null ? {} : { lossIncrease: result.lossIncrease }),
    ...(result.model === null ? {} : { confusion: result.model.confusion }),
    bytes: sizeBytes,
    batch: evaluation.batch,
    threads: evaluation.threads,
    engine: evaluation.engine ?? 'onnxruntime',
    range: [chosen.ranges.evaluation.start, chosen.ranges.evaluation.end],
    split: chosen.evaluation.split,
    preprocess: chosen.preprocess,
    time: evaluation.time,
    warnings,
  }
}

function evalText(run: string, { evaluation }: EvaluateAnswer): string {
  const { result } = evaluation
  const engine = evaluation.engine === 'tfjs' ? ', in TensorFlow.js' : ''
  const lines = [`run ${run}: ${result.samples} samples, ${result.labelled} with a label${engine}`]
  const rows = [...classRows(result), ...comparisonRows(result)]
  if (rows.length > 0)
    lines.push(
      formatTable(
        [
          { title: 'metric' },
          { title: 'model', align: 'right' },
          { title: 'reference', align: 'right' },
          { title: '95 % interval of the difference' },
        ],
        rows,
      ),
    )
  if (result.outputs && result.outputs.length > 0) {
    const columns = [
      { title: 'output', maxWidth: 40 },
      { title: 'SQNR (dB)', align: 'right' as const },
      { title: 'cosine', align: 'right' as const },
      { title: 'max error', align: 'right' as const },
    ]
    lines.push(
      formatTable(
        columns,
        result.outputs.map((output) => [
          output.output,
          output.sqnrDb >= EQUAL_SQNR_DB ? 'equal' : output.sqnrDb.toFixed(2),
          output.cosine.toFixed(6),
          output.maxAbsError.toPrecision(4),
        ]),
      ),
    )
  }
  if (rows.length === 0 && !result.outputs)
    lines.push(
      'Nothing to compare with: the data have no labels. Give --reference FLOAT.onnx to measure agreement with it.',
    )
  return lines.join('\n\n')
}

function classRows({ model, reference, drop, lossIncrease }: EvaluationResult): string[][] {
  if (!model) return []
  const interval = drop ? `top-1 ${formatPercent(-drop.high)} … ${formatPercent(-drop.low)}` : ''
  const rows = [['top-1', formatPercent(model.top1), reference ? formatPercent(reference.top1) : '', interval]]
  if (model.top5 !== null)
    rows.push([
      'top-5',
      formatPercent(model.top5),
      typeof reference?.top5 === 'number' ? formatPercent(reference.top5) : '',
      '',
    ])
  const lossInterval = lossIncrease ? `${lossIncrease.low.toFixed(4)} … ${lossIncrease.high.toFixed(4)}` : ''
  rows.push(['loss (nats)', model.loss.toFixed(4), reference ? reference.loss.toFixed(4) : '', lossInterval])
  return rows
}

function comparisonRows({ agreement, kl }: EvaluationResult): string[][] {
  const rows: string[][] = []
  if (agreement !== null) rows.push(['agreement of the argmax', formatPercent(agreement), '', ''])
  if (kl !== null) rows.push(['KL to reference (nats)', kl.toPrecision(4), '', ''])
  return rows
}
