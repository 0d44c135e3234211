import type { Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import { runTraining, type TrainAnswer, type TrainRequest } from '../../../jobs/train-run.ts'
import { requestOfRun } from '../../../jobs/training/record.ts'
import type { Host } from '../host.ts'
import { formatBytes, formatPercent } from '../table.ts'
import { addTrainOptions, readTrainFlags, recipeNames, resumable, type TrainFlags } from '../train-options.ts'

/** `train RECIPE --data DATA -o MODEL`. */
export function addTrainCommand(program: Command, host: Host): void {
  const command = program
    .command('train [recipe]')
    .description(`train a recipe (${recipeNames().join(', ')}), a recipe file, or any ONNX classifier, on TensorFlow`)
  addTrainOptions(command).action(
    host.action(async (services, flags: TrainFlags, recipe?: string) => {
      const resumed = flags.resume === undefined ? null : requestOfRun('train', flags.resume, services)
      const request = resumed ? { ...resumed.request, ...resumable(flags) } : requestOf(recipe, flags)
      const { run, value } = await runTraining(request, services, resumed?.id ?? null)
      host.print(trainJson(run, value), () => trainText(run, value))
    }),
  )
}

function requestOf(recipe: string | undefined, flags: TrainFlags): TrainRequest {
  const { data, output } = flags
  if (recipe === undefined || data === undefined || output === undefined) {
    throw new Fault(
      'usage.train',
      'Say what to train, on what, and where the model goes: train RECIPE --data DATA -o MODEL.',
    )
  }
  return readTrainFlags(recipe, { ...flags, data, output })
}

function trainJson(run: string, answer: TrainAnswer): object {
  const { output, bytes, parameters, engine, options, history, bestEpoch, stoppedEarly, samples, test } = answer
  const { model } = test.evaluation.result
  return {
    run,
    output,
    bytes,
    parameters,
    engine: { name: 'libtensorflow', version: engine },
    options,
    samples,
    history,
    bestEpoch,
    stoppedEarly,
    test: { split: test.split, samples: test.evaluation.result.samples, top1: model?.top1, loss: model?.loss },
  }
}

function trainText(run: string, answer: TrainAnswer): string {
  const { output, bytes, parameters, history, bestEpoch, stoppedEarly, test } = answer
  const { model, samples } = test.evaluation.result
  const kept = `Kept epoch ${bestEpoch} of ${history.length}${stoppedEarly ? ' (stopped early)' : ''}.`
  return [
    `${output}: ${parameters} parameters, ${formatBytes(bytes)}. ${kept}`,
    `Top-1 in ONNX Runtime on ${samples} samples (${test.split}): ${model ? formatPercent(model.top1) : 'unknown'}`,
    `Run ${run}`,
  ].join('\n')
}
