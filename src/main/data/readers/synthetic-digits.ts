import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { drawDigit, SIDE } from '../digits/draw.ts'
import { contentHash } from '../files.ts'
import type { SampleSource } from '../port.ts'
import { memorySource } from '../reader.ts'
import type { DataReader } from '../reader.ts'

/** Raised whenever a drawing changes: it is part of the content hash. */
const GENERATOR_VERSION = 1
const COUNT: Readonly<Record<DataSplit, number>> = { train: 10_000, test: 2_000 }
/** First seed number: train and test draw from unrelated streams. */
const SPLIT_SEED: Readonly<Record<DataSplit, number>> = { train: 1, test: 2 }

/**
 * Ten classes of drawn 28×28 digits: 10,000 to train on, 2,000 to test, the classes in turn. Nothing is stored: sample `index`
 * of a split is drawn from the seeds (version, split, index) when it is read.
 */
export const syntheticDigitsReader: DataReader = {
  kind: 'synthetic-digits',
  summary: 'ten classes of drawn 28×28 digits, built in',
  splits: () => Promise.resolve(['train', 'test']),
  open,
}

function open(spec: DataSpec, split: DataSplit): Promise<SampleSource> {
  const count = COUNT[split]
  const info: DataInfo = {
    spec,
    split,
    count,
    hash: contentHash([
      'synthetic-digits',
      `version ${GENERATOR_VERSION}`,
      `split ${SPLIT_SEED[split]}`,
      `count ${count}`,
    ]),
    labelled: true,
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    pictureShape: [SIDE, SIDE, 1],
  }
  const source = memorySource(info, (index) => ({
    index,
    label: index % 10,
    name: `${split}[${index}]`,
    content: {
      kind: 'picture',
      height: SIDE,
      width: SIDE,
      channels: 1,
      pixels: drawDigit(index % 10, GENERATOR_VERSION, SPLIT_SEED[split], index),
    },
  }))
  return Promise.resolve(source)
}
