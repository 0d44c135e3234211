import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { Fault } from '../../../shared/contract/fault.ts'
import type { TrainStart } from '../../jobs/tasks/build-model.ts'
import type { TrainRequest } from '../../jobs/train-run.ts'
import { parseDataSpec } from '../../data/spec.ts'
import type { Augmentation, OptimizerKind, ScheduleKind, TrainOptions } from '../../training/options.ts'
import { resourcePath } from '../resources.ts'
import { count, list, seed } from './parse.ts'

/** What every training takes from the command line. */
export interface TrainFlags {
  data?: string
  output?: string
  epochs?: number
  batch?: number
  optimizer?: OptimizerKind
  learningRate?: number
  schedule?: ScheduleKind
  warmup?: number
  momentum?: number
  weightDecay?: number
  labelSmoothing?: number
  augment?: string[]
  patience?: number
  validation?: number
  samples?: number
  classes?: number
  size?: readonly [number, number]
  seed?: number
  preprocess?: string
  resume?: string
  force?: boolean
}

/** Adds the options of `TrainFlags` to a command. */
export function addTrainOptions(command: Command): Command {
  return command
    .option('--data <kind:path>', 'mnist:DIR, cifar10:DIR, images:DIR, npz:FILE or synthetic-digits')
    .option('-o, --output <model>', 'where the trained ONNX model goes')
    .option('--epochs <n>', 'times through the data', count)
    .option('--batch <n>', 'samples in a step', count)
    .addOption(new Option('--optimizer <name>', 'how weights move').choices(['sgd', 'adam']))
    .option('--learning-rate <rate>', 'at the start', positive)
    .addOption(new Option('--schedule <name>', 'how the rate falls').choices(['constant', 'cosine', 'step', 'linear']))
    .option('--warmup <epochs>', 'epochs in which the rate rises', fraction)
    .option('--momentum <share>', 'of SGD: how much of the last direction is kept (0.9)', share)
    .option('--weight-decay <factor>', 'pull of the weights towards 0', fraction)
    .option('--label-smoothing <share>', 'share of the target that goes to all classes', fraction)
    .option('--augment <list>', 'flip, shift:PIXELS, crop:SHARE (the least share of the area kept), or none', list)
    .option('--patience <epochs>', 'stop after so many epochs without a better validation', count)
    .option('--validation <n>', 'samples held out to choose the best epoch (a tenth, at most 5000)', seed)
    .option('--samples <n>', 'learn from at most this many', count)
    .option('--classes <n>', 'classes of the data; a model that scores another number of them gets a fresh head', count)
    .option('--size <HxW>', 'bring the pictures to this size', size)
    .option('--seed <n>', 'weights, order and augmentation', seed)
    .option('--preprocess <name|json>', 'proposed from the model’s input when absent')
    .option('--resume <run>', 'go on with an interrupted training, from its last whole epoch')
    .option('--force', 'replace an existing file')
}

/** What may differ from the run that is gone on with: where the model goes. */
export function resumable({ output, force }: TrainFlags): Partial<Pick<TrainRequest, 'output' | 'force'>> {
  return { ...(output === undefined ? {} : { output }), ...(force === undefined ? {} : { force }) }
}

/** What is trained on what, and how. @throws Fault usage.recipe, usage.augment, usage.data */
export function readTrainFlags(start: string, flags: TrainFlags & { data: string; output: string }): TrainRequest {
  return {
    start: startOf(start),
    data: parseDataSpec(flags.data),
    preprocess: flags.preprocess ?? null,
    samples: flags.samples ?? null,
    validation: flags.validation ?? null,
    classes: flags.classes ?? null,
    size: flags.size ?? null,
    options: optionsOf(flags),
    output: flags.output,
    force: flags.force ?? false,
  }
}

function optionsOf(flags: TrainFlags): Partial<TrainOptions> {
  return {
    epochs: flags.epochs,
    batch: flags.batch,
    optimizer: flags.optimizer,
    learningRate: flags.learningRate,
    schedule: flags.schedule,
    warmup: flags.warmup,
    momentum: flags.momentum,
    weightDecay: flags.weightDecay,
    labelSmoothing: flags.labelSmoothing,
    patience: flags.patience,
    seed: flags.seed,
    augment: flags.augment === undefined ? undefined : augmentOf(flags.augment),
  }
}

/** Names of the built-in recipes. */
export const recipeNames = (): string[] =>
  readdirSync(resourcePath('recipes'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))

/** A built-in recipe by its name, a recipe file by `.json`, else a model file. */
function startOf(text: string): TrainStart {
  const name = path.basename(text)
  const isBuiltIn = recipeNames().includes(text)
  if (!isBuiltIn && (!text.endsWith('.json') || name === 'model.json')) {
    if (!/[./\\]/.test(text)) {
      throw new Fault(
        'usage.recipe',
        `There is no recipe '${text}'. Use one of ${recipeNames().join(', ')}, or name a file.`,
        { recipe: text },
      )
    }
    return { kind: 'model', path: text }
  }
  const file = isBuiltIn ? resourcePath(`recipes/${text}.json`) : text
  try {
    return { kind: 'recipe', file: isBuiltIn ? text : file, text: readFileSync(file, 'utf8') }
  } catch (cause) {
    throw new Fault('file.notFound', `The recipe ${file} cannot be read. Check the path.`, { file }, { cause })
  }
}

function augmentOf(items: readonly string[]): Augmentation {
  let result: Augmentation = { flip: false, shift: 0 }
  for (const item of items) {
    const shift = /^shift:(\d{1,3})$/.exec(item)
    const crop = /^crop:(0?\.\d{1,6})$/.exec(item)
    if (shift) result = { ...result, shift: Number(shift[1]) }
    else if (crop && Number(crop[1]) > 0) result = { ...result, crop: Number(crop[1]) }
    else if (item === 'flip') result = { ...result, flip: true }
    else if (item !== 'none')
      throw new Fault(
        'usage.augment',
        `--augment '${item}' is none of flip, shift:PIXELS, crop:SHARE (as 0.5), none.`,
        { item },
      )
  }
  return result
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 1e6)) throw new InvalidArgumentError('expected a number above 0.')
  return value
}

function fraction(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value < 1e6)) throw new InvalidArgumentError('expected a number of at least 0.')
  return value
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('expected a number from 0 to below 1.')
  return value
}

function size(text: string): readonly [number, number] {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text)
  if (!match || Number(match[1]) < 1 || Number(match[2]) < 1)
    throw new InvalidArgumentError('expected HEIGHTxWIDTH, as 64x64.')
  return [Number(match[1]), Number(match[2])]
}
