import type { Command } from 'commander'
import { Option } from 'commander'
import type { DataSplit } from '../../../shared/contract/data.ts'
import { parseRange } from '../../data/order.ts'
import { PRESETS } from '../../data/preprocess.ts'
import { parseDataSpec } from '../../data/spec.ts'
import type { SampleOptions } from '../../jobs/samples.ts'
import { count, seed } from './parse.ts'

/** The common options of commands that read samples, as commander gives them. */
export interface SampleFlags {
  data: string
  split?: DataSplit
  range?: string
  calibrationRange?: string
  samples?: number
  calibrationSamples?: number
  seed: number
  preprocess?: string
  allowOverlap?: boolean
}

/** Adds the common options of DESIGN section 8; `calibrates` adds those that only calibration has. */
export function addSampleOptions(command: Command, calibrates: boolean, required = true): Command {
  const data = new Option('--data <kind:path>', 'mnist:DIR, cifar10:DIR, images:DIR, npz:FILE or synthetic-digits')
  command
    .addOption(data.makeOptionMandatory(required))
    .addOption(new Option('--split <split>', 'use this split for everything').choices(['train', 'test']))
    .option('--range <A:B>', 'positions to evaluate, in the order of the seed')
    .option('--samples <n>', 'evaluate at most this many', count)
    .option('--seed <n>', 'order of the samples', seed, 0)
    .option(
      '--preprocess <name|json>',
      `${Object.keys(PRESETS).join(', ')}, or JSON; proposed from the model's input when absent`,
    )
  if (!calibrates) return command
  return command
    .option('--calibration-range <A:B>', 'positions to calibrate on')
    .option('--calibration-samples <n>', 'calibrate on at most this many', count)
    .option('--allow-overlap', 'let calibration and evaluation share samples')
}

/**
 * What the flags say of samples, and nothing else of them: it is kept with the run.
 * @throws Fault usage.* for a malformed range or data spec
 */
export function readSampleOptions(flags: SampleFlags): SampleOptions {
  const { data, split, range, calibrationRange, samples, calibrationSamples, seed, preprocess, allowOverlap } = flags
  return {
    data: parseDataSpec(data),
    split,
    range: range === undefined ? undefined : parseRange(range),
    calibrationRange: calibrationRange === undefined ? undefined : parseRange(calibrationRange, '--calibration-range'),
    samples,
    calibrationSamples,
    seed,
    preprocess,
    allowOverlap,
  }
}
