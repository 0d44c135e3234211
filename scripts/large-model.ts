import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createOrtEngine } from '../src/main/engines/ort/engine.ts'
import type { Model, Tensor } from '../src/main/graph/model.ts'
import { float32Of, floatTensor } from '../src/main/graph/tensors.ts'
import { readModelFile, writeModelFile } from '../src/main/jobs/model-file.ts'
import { ModelBuilder, normals, seeded } from '../test/builders/model-builder.ts'

/*
 * node scripts/large-model.ts [--mib 2400] [--run]
 *
 * Writes a model of more than 2 GiB, which one protobuf file cannot hold, reads it back, compares every weight, and prints times and
 * memory. With --run the runtime loads it too and its answer is compared with the one computed here. Too heavy for the tests, which
 * take the same paths with a lowered limit.
 */

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '2400' }, run: { type: 'boolean', default: false } },
})
/** One layer: width x width floats, 100 MiB. */
const width = 5120
const layers = Math.ceil(Number(values.mib) / 100)

/** Layers with weights of their own: scaled identity plus noise, so that values stay in range however many there are. */
function build(): Model {
  const b = new ModelBuilder()
  let current = b.input('x', ['N', width])
  for (let layer = 0; layer < layers; layer++) {
    const weights = normals(seeded(layer), 4096, 1e-3)
    const matrix = Float32Array.from({ length: width * width }, (_, i) => weights[(i * 31 + layer) % 4096]!)
    for (let i = 0; i < width; i++) matrix[i * width + i]! += 1
    current = b.node(
      'MatMul',
      [current, b.constant(floatTensor(`w${layer}`, [width, width], matrix))],
      {},
      layer === layers - 1 ? { outputs: ['y'] } : {},
    )
  }
  b.output('y', ['N', width])
  return b.build()
}

const digest = ({ data }: Tensor): string => createHash('sha256').update(data).digest('hex')
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const start = performance.now()
  const result = await work()
  const peak = process.resourceUsage().maxRSS * 1024
  console.log(
    `${what}: ${((performance.now() - start) / 1000).toFixed(1)} s; in memory ${mib(process.memoryUsage.rss())}, at most ${mib(peak)}`,
  )
  return result
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-large-'))
try {
  const file = path.join(folder, 'large.onnx')
  const model = await timed(`build ${layers} layers`, build)
  const digests = [...model.graph.initializers.values()].map(digest)
  const { sizeBytes } = await timed('write', () => writeModelFile(model, file))
  for (const name of fs.readdirSync(folder))
    console.log(`  ${name}: ${fs.statSync(path.join(folder, name)).size} bytes`)
  const read = await timed('read, check and hash', () => readModelFile(file))
  const same = [...read.model.graph.initializers.values()].map(digest).every((value, i) => value === digests[i])
  console.log(
    `sizes agree: ${read.sizeBytes === sizeBytes}; all ${digests.length} weights are the same: ${same}; ${read.hash}`,
  )
  if (!same || read.sizeBytes !== sizeBytes) process.exitCode = 1
  if (values.run) await runIt(file, read.model)
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}

/** The runtime must find the weights where they were put: its answer against a plain matrix product in double precision. */
async function runIt(file: string, model: Model): Promise<void> {
  const session = await timed('load in the runtime', () =>
    createOrtEngine().createSession(file, { optimization: 'disabled' }),
  )
  const x = new Float32Array(width).fill(0.01)
  const { y } = await timed('run', () => session.run({ x: { dataType: 'float', dims: [1, width], data: x } }))
  await session.release()
  const expected = [...model.graph.initializers.values()].map(float32Of).reduce(times, Float64Array.from(x))
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const error =
    expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (y!.data as Float32Array)[i]!)), 0) / largest
  console.log(`largest error of the runtime's answer, relative to the largest value: ${error.toExponential(1)}`)
  if (!(error < 1e-4)) process.exitCode = 1
}

/** The row vector times the matrix. */
function times(row: Float64Array, matrix: Float32Array): Float64Array {
  const result = new Float64Array(width)
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) result[j]! += row[i]! * matrix[i * width + j]!
  }
  return result
}
