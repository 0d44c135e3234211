import { basename } from 'node:path'
import type { DataInfo, DataSpec, DataSplit } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { contentHash } from '../files.ts'
import type { NpyArray } from '../npy.ts'
import { readNpz } from '../npz-archive.ts'
import type { SampleSource, TensorSample } from '../port.ts'
import { memorySource, noSplitFault, pathOf } from '../reader.ts'
import type { DataReader, OpenOptions } from '../reader.ts'

const LABEL_NAMES = ['labels', 'label', 'y', 'targets']

/**
 * numpy archives: an array for each model input by name (or one array of any name), first axis the sample, and optionally
 * `labels` or `y`. Names ending in `_train` and `_test` (as in Keras's mnist.npz) are two splits.
 */
export const npzReader: DataReader = {
  kind: 'npz',
  summary: 'numpy arrays named after the model inputs, with labels or y',
  splits,
  open,
}

type Arrays = ReadonlyMap<string, NpyArray>

async function splits(spec: DataSpec): Promise<readonly DataSplit[]> {
  return splitsIn(await readNpz(pathOf(spec)))
}

function splitsIn(arrays: Arrays): readonly DataSplit[] {
  const named = (['train', 'test'] as const).filter((split) =>
    [...arrays.keys()].some((name) => name.endsWith(`_${split}`)),
  )
  return named.length > 0 ? named : ['test']
}

async function open(spec: DataSpec, split: DataSplit, { signal, knownHash }: OpenOptions): Promise<SampleSource> {
  const path = pathOf(spec)
  const all = await readNpz(path, signal)
  const found = splitsIn(all)
  if (!found.includes(split)) throw noSplitFault(spec, split, found)
  const arrays = arraysOf(all, split)
  const labelName = LABEL_NAMES.find((name) => arrays.has(name) && arrays.size > 1)
  const inputs = [...arrays].filter(([name]) => name !== labelName)
  if (inputs.length === 0)
    throw new Fault('data.empty', `${path} holds no arrays: save one per model input with numpy.savez.`, { path })
  const count = countOf(path, inputs)
  const labels = labelName === undefined ? null : labelsOf(path, labelName, arrays.get(labelName)!, count)
  const info: DataInfo = {
    spec,
    split,
    count,
    hash: knownHash ?? hashArrays(inputs, labels),
    labelled: labels !== null,
    classes: null,
    pictureShape: null,
  }
  return memorySource(info, (index) => ({
    index,
    label: labels?.[index] ?? null,
    name: `${basename(path)}[${index}]`,
    content: sampleOf(inputs, index),
  }))
}

function arraysOf(all: Arrays, split: DataSplit): Arrays {
  const ending = `_${split}`
  const named = [...all].filter(([name]) => name.endsWith(ending))
  return named.length === 0 ? all : new Map(named.map(([name, array]) => [name.slice(0, -ending.length), array]))
}

function countOf(path: string, inputs: readonly (readonly [string, NpyArray])[]): number {
  const [firstName, first] = inputs[0]!
  for (const [name, { dims }] of inputs) {
    if (dims.length === 0) {
      throw new Fault(
        'data.shapeMismatch',
        `${path}, array ${name} is a single number; its first axis must be the sample.`,
        { path, name },
      )
    }
    if (dims[0] !== first.dims[0]) {
      const sentence = `${path}: array ${name} has ${dims[0]} samples, ${firstName} has ${first.dims[0]}.`
      throw new Fault('data.shapeMismatch', `${sentence} The first axis is the sample and must agree.`, { path, name })
    }
  }
  return first.dims[0]!
}

function labelsOf(path: string, name: string, { data, dims }: NpyArray, count: number): Int32Array {
  if (data.length !== count || dims[0] !== count) {
    const sentence = `${path}: array ${name} has shape (${dims.join(', ')}); one class index for each of ${count} samples is wanted.`
    const todo = 'Turn one-hot labels into indices with argmax(axis=1).'
    throw new Fault('data.labelCount', `${sentence} ${todo}`, { path, name })
  }
  const labels = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const label = Number(data[i])
    if (!Number.isInteger(label) || label < 0 || label > 0x7fffffff) {
      throw new Fault('data.labelOutOfRange', `${path}: ${name}[${i}] is ${label}, not a class index from 0.`, {
        path,
        index: i,
        label,
      })
    }
    labels[i] = label
  }
  return labels
}

function hashArrays(inputs: readonly (readonly [string, NpyArray])[], labels: Int32Array | null): string {
  const parts: (string | Uint8Array)[] = ['npz']
  for (const [name, { dataType, dims, data }] of inputs) {
    parts.push(`${name} ${dataType} ${dims.join(' ')}`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  parts.push(labels ? new Uint8Array(labels.buffer) : 'unlabelled')
  return contentHash(parts)
}

function sampleOf(inputs: readonly (readonly [string, NpyArray])[], index: number): TensorSample {
  const tensors = inputs.map(([name, { dataType, dims, data }]) => {
    const length = data.length / dims[0]!
    const row = { dataType, dims: dims.slice(1), data: data.subarray(index * length, (index + 1) * length) }
    return [name, row] as const
  })
  return { kind: 'tensors', tensors: Object.fromEntries(tensors) }
}
