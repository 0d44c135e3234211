/**
 * Makes resources/sample/digits-cnn.onnx: trains the network of scripts/sample/network.ts on `synthetic-digits` and writes it as ONNX.
 * How to run it, and the figures of the file in the repository: resources/sample/README.md.
 */
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { DataSplit } from '../src/shared/contract/data.ts'
import { openSamples } from '../src/main/data/registry.ts'
import { createOrtEngine } from '../src/main/engines/ort/engine.ts'
import { writeModelFile } from '../src/main/jobs/model-file.ts'
import { initialWeights } from './sample/network.ts'
import { toOnnx } from './sample/to-onnx.ts'
import { linearAccuracy, trainNetwork } from './sample/train.ts'
import type { Pictures, Tf } from './sample/train.ts'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const PIXELS = 28 * 28

const { values: options } = parseArgs({
  options: {
    output: { type: 'string', default: join(ROOT, 'resources/sample/digits-cnn.onnx') },
    'tfjs-node': { type: 'string', default: '@tensorflow/tfjs-node' },
    epochs: { type: 'string', default: '14' },
    seed: { type: 'string', default: '1' },
  },
})

const tf = loadTensorFlow(options['tfjs-node'])
const seed = Number(options.seed)
const train = await readPictures('train')
const test = await readPictures('test')

const linear = linearAccuracy(tf, train, test, 20)
say(`A linear classifier on the pixels reaches ${percent(linear)} on the test split.`)
const weights = trainNetwork(tf, initialWeights(seed), train, test, {
  epochs: Number(options.epochs),
  batch: 100,
  learningRate: 0.003,
  seed,
  onEpoch: (epoch, loss, accuracy) => say(`epoch ${epoch}: loss ${loss.toFixed(4)}, test ${percent(accuracy)}`),
})
const metadata = new Map([
  ['Image.NominalPixelRange', 'Normalized_0_1'],
  ['Image.BitmapPixelFormat', 'Gray8'],
])
const { sizeBytes } = await writeModelFile(toOnnx(weights, metadata), options.output, { force: true })
say(
  `${options.output}: ${sizeBytes} bytes, ${percent(await measured(options.output))} on the test split in ONNX Runtime.`,
)

/** tfjs-node where its native library is in place, else the same interface in plain JavaScript, which takes hours. */
function loadTensorFlow(path: string): Tf {
  const load = createRequire(import.meta.url)
  // tfjs-node 4.22 calls a helper that Node 23 removed
  const util = load('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined
  try {
    return load(path) as Tf
  } catch (error) {
    say(
      `${path} does not load (${(error as Error).message.split('\n')[0]}): training in plain JavaScript, which takes hours.`,
    )
    return load('@tensorflow/tfjs') as Tf
  }
}

async function readPictures(split: DataSplit): Promise<Pictures> {
  const source = await openSamples({ kind: 'synthetic-digits' }, split)
  const { count } = source.info
  const pictures = { count, values: new Float32Array(count * PIXELS), labels: new Int32Array(count) }
  for (let index = 0; index < count; index++) {
    const { content, label } = await source.read(index)
    if (content.kind !== 'picture') throw new Error('synthetic-digits gives pictures')
    for (let i = 0; i < PIXELS; i++) pictures.values[index * PIXELS + i] = content.pixels[i]! / 255
    pictures.labels[index] = label!
  }
  await source.close()
  return pictures
}

/** Accuracy of the file as written, in the engine that the product measures with. */
async function measured(path: string): Promise<number> {
  const session = await createOrtEngine().createSession(path)
  let correct = 0
  for (let start = 0; start < test.count; start += 250) {
    const count = Math.min(250, test.count - start)
    const data = test.values.subarray(start * PIXELS, (start + count) * PIXELS)
    const { scores } = await session.run({ image: { dataType: 'float', dims: [count, 1, 28, 28], data } })
    for (let i = 0; i < count; i++) {
      const row = Array.from((scores!.data as Float32Array).subarray(i * 10, (i + 1) * 10))
      if (row.indexOf(Math.max(...row)) === test.labels[start + i]) correct++
    }
  }
  await session.release()
  return correct / test.count
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}
