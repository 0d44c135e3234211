import { describe, expect, it } from 'vitest'
import fs from 'node:fs'
import path from 'node:path'
import { decodeModel } from '../../src/main/formats/onnx/index.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { readExecution } from '../../src/main/quant/execution.ts'
import {
  minMaxRanges,
  planWith,
  prepareFile,
  quantizePrepared,
  randomTensor,
  runModel,
  sqnrDb,
  type Prepared,
  type Quantized,
} from '../builders/quantizing.ts'
import { sharedPath } from '../builders/shared.ts'
import { temporaryFolder } from '../builders/temporary.ts'

/** Integer rounding differs by a step here and there between the kernels and the file read literally. */
const roundingDb = 40

/** Layers that the runtime's own graph does not show as the report says. */
async function contradictions(
  { layers }: Prepared,
  { model, report, bytes }: Quantized,
  folder: string,
): Promise<string[]> {
  const file = path.join(folder, 'optimized.onnx')
  const session = await createOrtEngine().createSession(bytes, {
    optimization: 'all',
    optimizedModelPath: file,
    threads: 1,
  })
  await session.release()
  const execution = readExecution({ layers, model, dump: decodeModel(fs.readFileSync(file)), profile: null, report })
  fs.rmSync(file)
  const types = new Map(report.layers.map((layer) => [layer.id, layer.type]))
  const wrong = execution.layers.filter(
    ({ id, execution: found }) => found !== (types.get(id) === 'float' ? 'float' : 'int8'),
  )
  return [
    ...execution.errors,
    ...wrong.map(({ id, execution: found }) => `${id}: planned ${types.get(id)}, found ${found}`),
  ]
}

describe.each([
  { name: 'cifar10_resnet20_akamaster.onnx', dims: [2, 3, 32, 32], quantized: 35, compared: 35 },
  { name: 'squeezenet1_1.onnx', dims: [1, 3, 224, 224], quantized: 37, compared: 6 },
])('$name', ({ name, dims, quantized, compared }) => {
  const file = sharedPath(`models/${name}`)

  it.skipIf(file === null)(
    'is integer throughout, and float exactly where a layer is left in float',
    async () => {
      const prepared = prepareFile(file!)
      const feeds = { input: randomTensor(dims, 3) }
      const ranges = await minMaxRanges(prepared, [feeds])
      const whole = quantizePrepared(prepared, ranges)
      const folder = temporaryFolder()
      expect(await contradictions(prepared, whole, folder)).toEqual([])
      const ids = whole.report.layers.filter((layer) => layer.type !== 'float').map((layer) => layer.id)
      expect(ids).toHaveLength(quantized)
      const step = Math.floor(ids.length / compared)
      for (const [i, id] of ids.entries()) {
        const hybrid = quantizePrepared(prepared, ranges, planWith({ [id]: 'float' }))
        expect(hybrid.report.layers.find((layer) => layer.id === id)!.type).toBe('float')
        expect(await contradictions(prepared, hybrid, folder), `with ${id} in float`).toEqual([])
        if (i % step !== 0) continue
        const [fast, literal] = [
          await runModel(hybrid.bytes, feeds),
          await runModel(hybrid.bytes, feeds, { optimization: 'disabled' }),
        ]
        expect(sqnrDb(literal['output']!, fast['output']!), `with ${id} in float`).toBeGreaterThanOrEqual(roundingDb)
      }
    },
    300_000,
  )
})
